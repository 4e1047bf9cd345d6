"""A nightly report from end to end, for the command and the scheduler: read, conclude, set, record, write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from citywall.permissions import Identity
from citywall.settings import Settings
from reports import nightly, pack, reading
from reports.day import Day
from trust.records import Entry


class Made(msgspec.Struct, frozen=True):
    """A report and its files by name, the manifest last; `recorded` is what the recorder answered."""

    report: nightly.Report
    files: dict[str, bytes]
    folder: Path
    recorded: int | None


def make(
    settings: Settings,
    data: Path,
    day: Day,
    languages: Sequence[str],
    folder: Path,
    *,
    by: Identity,
    record: Callable[[Entry], int | None],
) -> Made:
    """Make the report of a day and write it to `folder`; `record` puts it into the audit log before that.

    Raises FaultyInput (the register), StoreError, DataFolderError.
    """
    report = nightly.build(reading.gather(settings, data, day))
    files = pack.files(report, languages)
    number = record(pack.recorded(day.date, files, by))
    pack.write(folder, files)
    return Made(report, files, folder, number)
