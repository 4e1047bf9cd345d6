"""Facts of the playbook runs that were asked for in a day."""

from __future__ import annotations

from pathlib import Path

from citywall.settings import Settings
from playbooks import engine
from playbooks.runs import Runs, Stored, runs_of
from playbooks.state import Run
from reports.day import Day
from reports.rooms import RunFact

_LANE = "live"


def read(settings: Settings, data: Path, day: Day) -> tuple[RunFact, ...] | None:
    """Runs of the day, by time and id, as they stood at its end; None without records. Raises StoreError."""
    file = runs_of(data, settings)
    if not file.there:
        return None
    runs = [s for s in file.everything(since=day.since, until=day.until) if s.run.lane == _LANE]
    return tuple(
        _fact(file, stored, day.until) for stored in sorted(runs, key=lambda s: (s.run.requested, s.run.id))
    )


def _fact(file: Runs, stored: Stored, until: int) -> RunFact:
    run = stored.run
    book = file.books(run)[run.books[0]]
    names = (book.said("name", book.name, "zh"), book.said("name", book.name, "en"))
    return RunFact(run.id, names, _status(file, run, until), run.requested, run.live)


def _status(file: Runs, run: Run, until: int) -> str:
    """The status that the events before `until` come to."""
    journal = file.journal(run.id)
    before = [(time, event) for time, event in journal if time < until]
    return run.status if len(before) == len(journal) else engine.replay(before, file.books(run)).status
