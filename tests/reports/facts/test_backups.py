from __future__ import annotations

from pathlib import Path

from reports.day import day_of
from reports.facts import backups
from trust.backup import journal
from trust.backup.manifest import Entry


def test_what_was_recorded_before_the_day_ended(tmp_path: Path):
    day = day_of("2026-03-02", "UTC", 0)
    assert backups.read(tmp_path, day) == ()
    for time in (
        "2026-03-02T23:00:00.000000000Z",
        "2026-03-01T01:00:00.000000000Z",
        "2026-03-03T00:00:00.000000000Z",
    ):
        journal.note(tmp_path, Entry(time, "made", "b.tar", "00", 3, 4, sound=True))
    told = backups.read(tmp_path, day)
    assert [day.until - fact.time for fact in told] == [47 * 3600 * 10**9, 3600 * 10**9]
    assert (told[0].what, told[0].files, told[0].bytes, told[0].sound) == ("made", 3, 4, True)
