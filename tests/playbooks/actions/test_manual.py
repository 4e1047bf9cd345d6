from __future__ import annotations

from typing import Any

import pytest

from playbooks.actions.base import Failed
from playbooks.actions.manual import Command, Manual


def test_the_words(unit: Any, world: Any) -> None:
    assert Manual().plan(unit(Command(command="look")), world()).does.values == {"text": "look"}
    assert Manual().plan(unit(Command(command_b64="55yL")), world()).does.values == {"text": "看"}
    with pytest.raises(Failed, match="not_base64"):
        Manual().plan(unit(Command(command_b64="?")), world())
    with pytest.raises(Failed, match="manual"):
        Manual().act(unit(Command(command="look")), world())
