"""Facts of backups: what was made and tried before a day's end."""

from __future__ import annotations

from pathlib import Path

from alerts import times
from reports.day import Day
from reports.rooms import BackupFact
from trust.backup import journal


def read(data: Path, day: Day) -> tuple[BackupFact, ...]:
    """All of them, oldest first. Raises DataFolderError where the journal is damaged."""
    found = (
        BackupFact(times.from_iso(e.time), e.what, e.file, e.files, e.bytes, e.sound)
        for e in journal.read(data)
    )
    return tuple(sorted((f for f in found if f.time < day.until), key=lambda f: f.time))
