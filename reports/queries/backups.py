"""Backups of the data folder, and trials of them (容灾备份, GB/T 22239-2019 8.1.4.9)."""

from __future__ import annotations

from reports.figures import Column, Figure, Query, Said, absent
from reports.inputs import Inputs
from reports.rooms import BackupFact

_DAY = 86_400 * 1_000_000_000


def answer(inputs: Inputs) -> Figure:
    """The last ones before the day's end, the newest first; how long ago one was made, and one was tried."""
    if not inputs.backups:
        return absent("backups", "backup_none")
    made, tried = _age(inputs, "made"), _age(inputs, "tried", "restored")
    reasons = []
    if made is None or made > inputs.backup_days:
        reasons.append(Said("backup_old", {"days": inputs.backup_days}))
    if tried is None:
        reasons.append(Said("backup_untried"))
    rows = [(f.time, f.what, f.file, f.files, f.bytes) for f in reversed(inputs.backups)]
    return Figure(
        "backups", "partial" if reasons else "observed", tuple(reasons), {"backups": len(inputs.backups)},
        {"made_days": made, "tried_days": tried},
        (Column("time", "time"), Column("backup", "backup"), Column("file"), Column("files", "count"),
         Column("bytes", "bytes")),
        tuple(rows[: inputs.top]),
    )  # fmt: skip


def _age(inputs: Inputs, *what: str) -> int | None:
    """Whole days from the last sound one to the day's end."""
    last: BackupFact | None = None
    for fact in inputs.backups:
        if fact.what in what and fact.sound:
            last = fact
    return None if last is None else (inputs.day.until - last.time) // _DAY


QUERY = Query("backups", "logs", answer)
