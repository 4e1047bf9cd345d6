from __future__ import annotations

from typing import Any

from reports.queries.backups import QUERY
from reports.rooms import BackupFact

_DAY = 86_400 * 1_000_000_000


def test_when_one_was_made_and_tried(inputs: Any, day: Any):
    def fact(days: float, what: str, sound: bool = True) -> BackupFact:
        return BackupFact(day.until - int(days * _DAY), what, "b.tar", 3, 2048, sound)

    assert QUERY.answer(inputs()).reasons[0].code == "backup_none"
    old = QUERY.answer(inputs(backups=(fact(9, "made"),)))
    assert ([r.code for r in old.reasons], old.state) == (["backup_old", "backup_untried"], "partial")
    assert old.reasons[0].values == {"days": 7}
    whole = QUERY.answer(
        inputs(backups=(fact(30, "restored"), fact(2.5, "made"), fact(1, "made", sound=False)), top=2)
    )
    assert (whole.state, whole.values) == ("observed", {"made_days": 2, "tried_days": 30})
    assert [row[1:] for row in whole.rows] == [("made", "b.tar", 3, 2048)] * 2
    assert whole.inputs == {"backups": 3}
