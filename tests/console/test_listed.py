from __future__ import annotations

import json
from typing import Any

import pytest

from console import listed


@pytest.mark.parametrize("limit", [0, 1, 3, 7, 8])
def test_pages_are_asked_for_as_they_are_needed(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "_PAGE", 3)
    asked: list[tuple[int, str | None]] = []

    def page(size: int, after: str | None) -> tuple[list[int], str | None]:
        asked.append((size, after))
        at = int(after or 0)
        return list(range(at, min(at + size, 7))), str(at + size) if at + size < 7 else None

    documents = listed.paged(page, lambda row: {"n": row}, limit)
    assert not asked
    wanted = min(limit + 1, 7) if limit else 7
    assert [next(documents)["n"] for _ in range(wanted)] == list(range(wanted))
    size = min(limit + 1, 3) if limit else 3
    assert asked == [(size, str(at) if at else None) for at in range(0, wanted, size)]


class Look:
    """What is said and noted."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.noted: list[str] = []
        self.say, self.note = self.said.append, self.noted.append

    def tr(self, key: str, **values: Any) -> str:
        return f"{key} {values}"


@pytest.mark.parametrize(
    ("limit", "shown", "more"), [(0, 3, False), (2, 2, True), (3, 3, False), (9, 3, False)]
)
def test_what_is_cut_off_is_said(limit: int, shown: int, more: bool) -> None:
    look: Any = Look()

    def write(documents: Any, _look: Any) -> int:
        return len(list(documents))

    listed.say(
        iter([{"n": n} for n in range(3)]), limit, look, as_json=False, write=lambda d, _: len(list(d))
    )
    assert look.noted == ([f"table.cut {{'count': {shown}}}"] if more else [])
    listed.say(iter([{"n": n} for n in range(3)]), limit, look, as_json=True, write=write)
    assert [json.loads(line)["n"] for line in look.said] == list(range(shown))
