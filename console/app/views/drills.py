"""Drills: planned, run, scored."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

from textual.widget import Widget

from console import drillsheet
from console.app.grid import Entry, Grid
from console.app.pages import Page, Paging
from console.app.paging import Ask
from console.display.table import Column, Row


class DrillsView(Paging):
    """The drills of the data folder."""

    kind = "drills"
    reads = "drills.read"
    hints = (("enter", "open"), ("c", "copy"))

    def body(self) -> Iterable[Widget]:
        """The list."""
        yield Grid(self._columns, self.speech, id="drills")

    def _columns(self, language: str) -> Sequence[Column]:  # noqa: ARG002  (the view speaks it)
        return drillsheet.drill_columns(self)

    @property
    def grid(self) -> Grid:
        """The list."""
        return self.query_one("#drills", Grid)

    def load(self) -> None:
        """Read them."""
        self.restart(self.grid)

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

    def aside(self) -> str:
        """Which rows are in sight."""
        return self.rows_said(self.grid, None) if self.is_mounted else ""

    def nothing(self) -> str:
        """Said where there are none."""
        return self.tr("app_drill.none")

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Open the drill."""
        self.own.show("drill", str(event.entry.document["name"]))

    def document(self) -> dict[str, Any] | None:
        """The drill under the cursor."""
        entry = self.grid.current
        return None if entry is None else entry.document

    def copied(self) -> str:
        """Its name."""
        document = self.document()
        return "" if document is None else str(document["name"])
