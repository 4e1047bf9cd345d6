from __future__ import annotations

from typing import Any

import pytest

from playbooks.actions.base import Failed, Result
from playbooks.actions.note import Command, Note


def test_a_note_is_found_again(kernel: Any, unit: Any, world: Any) -> None:
    where, one = world(cases=kernel), unit(Command(text="words"), case="c1", by="li")
    assert Note().plan(one, where).does.values == {"case": "c1"}
    assert Note().seen(one, where) is None
    assert Note().act(one, where) == Result()
    assert Note().seen(one, where) == Result()
    assert kernel.notes == {one.key: "words"}


def test_no_case(kernel: Any, unit: Any, world: Any) -> None:
    with pytest.raises(Failed, match="no_cases"):
        Note().plan(unit(Command(text="x"), case="c1"), world())
    with pytest.raises(Failed, match="no_case"):
        Note().plan(unit(Command(text="x")), world(cases=kernel))
