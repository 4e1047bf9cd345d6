"""Notes of playbooks in real cases, through the real guard and audit log."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.cases.casebook import Casebook
from alerts.docfile import DocFile
from citywall.errors import StoreError
from playbooks.casenotes import CaseNotes

START = "2026-03-02T00:00:00Z"


def alert(number: int) -> dict[str, Any]:
    return {
        "@timestamp": START,
        "message": "scan",
        "event": {"id": f"{number:032x}", "kind": "alert", "severity": 5, "risk_score": 50.0, "start": START,
                  "end": START, "ingested": START, "action": "kind"},
        "rule": {"id": "scan", "name": "Scan"},
        "threat": {"tactic": {"id": ["TA0043"]}, "technique": {"id": ["T1"]}},
        "source": {"address": "10.0.0.1", "ip": "10.0.0.1"},
        "citywall": {
            "rule_name_zh": "扫描", "message_zh": "扫描", "lane": "live", "session": "s", "domain": "default",
            "entity": "10.0.0.1", "gb20986": {"class": "attack", "subclass": "网络扫描探测"},
            "detector": {"name": "scan", "confidence": 1.0},
            "dedup": {"count": 1, "first_seen": START, "last_seen": START, "breakouts": []},
        },
    }  # fmt: skip


@pytest.fixture
def case(house: Any) -> str:
    book = Casebook(DocFile(house.data), house.settings.cases)
    book.take([alert(1)])
    (view,) = book.views()
    return view.case.id


def notes_of(house: Any) -> CaseNotes:
    return CaseNotes(house.data, house.settings, house.accounts, house.clock)


def comments(house: Any, case: str) -> list[tuple[str, str]]:
    view = Casebook(DocFile(house.data), house.settings.cases).view(case)
    return [(s.by, s.text) for s in view.timeline if s.what == "comment"]


def test_a_note_is_written_once_in_the_name_of_who_asked(house: Any, case: str):
    notes = notes_of(house)
    assert not notes.noted(case, "run/step/1")
    for _ in range(2):
        notes.note(case, "run/step/1", "blocked 192.0.2.7", "li")
    assert comments(house, case) == [("li", "blocked 192.0.2.7")]
    assert notes_of(house).noted(case, "run/step/1")
    assert not notes.noted(case, "run/step/2")


def test_who_may_not_work_on_cases_leaves_none(house: Any, case: str):
    with pytest.raises(StoreError, match="was refused"):
        notes_of(house).note(case, "k", "words", "sun")
    with pytest.raises(StoreError, match="there is no case"):
        notes_of(house).note("0" * 32, "k", "words", "li")
    assert comments(house, case) == []
