from __future__ import annotations

from typing import Any

import pytest

from playbooks.actions.base import Failed
from playbooks.actions.notice import Command, Notice


class Board:
    def __init__(self) -> None:
        self.drafts: dict[str, tuple[str, ...]] = {}

    def draft(self, key: str, unit: str, title: str, text: str, *, case: str, by: str) -> str:
        self.drafts.setdefault(key, (unit, title, text, case, by))
        return f"TB-{len(self.drafts)}"

    def drafted(self, key: str) -> str | None:
        return "TB-1" if key in self.drafts else None


def test_a_draft_is_found_again(unit: Any, world: Any) -> None:
    board = Board()
    where, one = world(notices=board), unit(Command(unit="edu", title="t", text="x"), case="c", by="li")
    assert Notice().seen(one, where) is None
    assert Notice().act(one, where).outputs == {"notice": "TB-1"}
    found = Notice().seen(one, where)
    assert found is not None
    assert found.outputs == {"notice": "TB-1"}
    assert board.drafts == {one.key: ("edu", "t", "x", "c", "li")}


def test_no_notices(unit: Any, world: Any) -> None:
    with pytest.raises(Failed, match="no_notices"):
        Notice().plan(unit(Command(unit="edu", title="t", text="x")), world())
