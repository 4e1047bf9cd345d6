"""Facts of the learned models in use at a day's end."""

from __future__ import annotations

from pathlib import Path

from alerts.archive import FlowArchive
from citywall.errors import ModelError
from citywall.settings import Settings
from models.health import health
from reports.day import Day
from reports.rooms import ModelFact


def read(settings: Settings, data: Path, day: Day) -> tuple[ModelFact, ...]:
    """Models that were activated: their age at the day's end, and whether the day's flows are others."""
    if not (data / "models").is_dir():
        return ()
    files, span = FlowArchive(data, read_only=True).paths("live"), (day.since, day.until)
    try:
        found = health(data, day.until, settings.models.stale_days, files, span)
    except ModelError:  # the list of those in use cannot be read: commands on models say so
        return ()
    serving = {"flow": settings.models.flow, "host": settings.models.host}
    return tuple(
        ModelFact(h.kind, h.id, h.state, h.age_days, h.rows, h.worst, bool(serving.get(h.kind)))
        for h in found
    )
