"""Facts of the drills that were held in the year before a day's end."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from alerts.workflow import Workflow
from citywall.errors import DrillError
from citywall.settings import Settings
from drills import folder, running
from drills.folder import Planned
from drills.running import Observed
from drills.scoring import score
from reports.day import Day
from reports.queries.drills import YEAR
from reports.rooms import DrillFact


class Found(NamedTuple):
    """What was found. `damaged` are names of drills that cannot be read."""

    drills: tuple[DrillFact, ...]
    damaged: tuple[str, ...]


def read(settings: Settings, data: Path, day: Day) -> Found | None:
    """Drills, by time and id, as they stood at the end of the day; None where none was ever planned.

    Raises StoreError, DataFolderError.
    """
    root = folder.root_of(data)
    if not root.is_dir():
        return None
    drills, damaged = [], []
    for name in folder.names(root):
        try:
            run = running.run_of(root / name)
            if run is not None and day.until - YEAR <= run.began < day.until:
                planned = folder.load(root, name)
                drills.append(fact(planned, running.observed(planned, data, settings), day.until))
        except DrillError:
            damaged.append(name)
    return Found(tuple(sorted(drills, key=lambda d: (d.held, d.id))), tuple(damaged))


def fact(planned: Planned, observed: Observed, until: int) -> DrillFact:
    """A drill that was run. Where some of its alerts are past their retention, it has no figures."""
    drill, run = planned.drill, observed.run
    if run is None:
        raise DrillError("not_run", name=drill.name)
    names = (drill.title.text("zh"), drill.title.text("en"))
    if len(observed.alerts) < run.alerts:
        return DrillFact(drill.id, names, run.began)
    told = score(drill.name, drill.digest, planned.scenario, planned.truth, at(observed, until))
    return DrillFact(
        drill.id, names, run.began, _whole(told.coverage, 1000), _whole(told.precision, 1000),
        _whole(told.time_to_detect), _whole(told.time_to_acknowledge), _whole(told.time_to_respond),
    )  # fmt: skip


def at(observed: Observed, until: int) -> Observed:
    """What had been observed of a drill by `until` (wall clock, ns)."""
    run, seen = observed.run, observed.seen
    if run is not None and run.ended >= until:
        run = msgspec.structs.replace(run, ended=0)
    works = {}
    for alert, whole in observed.workflows.items():
        work = Workflow()
        for step in whole.history:
            work = work.after(step) if step.at < until else work
        works[alert] = work
    started = observed.playbooks
    return Observed(
        run,
        tuple(a for a in observed.alerts if seen.get(str(a["event"]["id"]), 0) < until),
        {alert: moment for alert, moment in seen.items() if moment < until},
        works,
        None if started is None else tuple(s for s in started if s.at < until),
    )


def _whole(value: float | None, times: int = 1) -> int | None:
    return None if value is None else round(value * times)
