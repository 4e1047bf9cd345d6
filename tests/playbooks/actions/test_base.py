from __future__ import annotations

from typing import Any

import pytest

from playbooks.actions.base import Failed, Result, Told, Unsure
from playbooks.actions.manual import Command, Manual


def test_what_an_action_that_says_nothing_does(unit: Any, world: Any) -> None:
    one = unit(Command(command="x"))
    with pytest.raises(Unsure):
        Manual().seen(one, world())
    with pytest.raises(Failed, match="not_reversible"):
        Manual().undo(one, Result(), world())
    assert Failed("k", refused=True, a="b").told == Told("k", {"a": "b"}, refused=True)
