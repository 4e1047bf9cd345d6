"""Drills: planned, run, scored."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from console import drillsheet
from console.app.grid import Entry, Grid
from console.app.listing import Listing
from console.app.pages import Page
from console.app.paging import Ask
from console.display.table import Column, Row


class DrillsView(Listing):
    """The drills of the data folder."""

    kind = "drills"
    opens = "drill"
    key = "name"
    reads = "drills.read"
    hints = (("enter", "open"), ("c", "copy"))

    def columns(self) -> Sequence[Column]:
        """Those of drills."""
        return drillsheet.drill_columns(self)

    def fetch(self, grid: Grid, ask: Ask, stop: threading.Event) -> Page:  # noqa: ARG002
        """All of them, the newest first; one that is damaged is told where it is opened."""
        from citywall.errors import DrillError
        from drills import folder, running

        root = folder.root_of(self.own.sources.data)
        found: list[tuple[int, Entry]] = []
        for name in folder.names(root):
            try:
                planned = folder.load(root, name)
                run = running.run_of(planned.folder)
            except DrillError:
                found.append((0, Entry({"name": name}, lambda e, _: [e.document["name"], "", "", "!"])))
                continue
            finished = run.ended if run is not None else 0
            found.append((planned.drill.planned_at, self._entry(planned, finished)))
        found.sort(key=lambda pair: -pair[0])
        return [entry for _, entry in found], None

    def _entry(self, planned: Any, finished: int) -> Entry:
        drill = planned.drill
        told = {
            "name": drill.name, "id": drill.id, "scenario": drill.scenario, "title": drill.title.zh,
            "title_en": drill.title.en, "digest": drill.digest, "seed": drill.seed,
        }  # fmt: skip

        def read(_: Entry, language: str) -> Row:  # noqa: ARG001  (the view speaks it)
            return drillsheet.drill_row(planned, finished, self)

        return Entry(told, read)

    def nothing(self) -> str:
        """Said where there are none."""
        return self.tr("app_drill.none")
