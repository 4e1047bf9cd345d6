"""How things stand: counts, trend, newest alerts, sensors."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from citywall.i18n import tr
from console import overview, units
from console.app.grid import Entry, Grid
from console.app.pages import Page, Paging
from console.app.paging import Ask
from console.app.pane import Pane
from console.app.working import Working
from console.display.sheet import Section
from console.display.table import Column
from console.listing import alert_columns, alert_row
from console.overview import Overview
from console.overview_sections import by_class, by_severity, trend
from console.text import clean, truncate_middle

#: The overview is read anew at most after this many times what reading it took.
_REST = 10


class OverviewView(Working, Paging):
    """Where the analyst begins."""

    kind = "overview"
    hints = (("enter", "open"), ("2", "alerts"), ("a", "acknowledge"), ("h", "source"), ("t", "target"))
    DEFAULT_CSS = """
    OverviewView #cards { height: 7; }
    OverviewView #cards Pane { height: 7; padding: 0 1; border-right: vkey $panel; }
    OverviewView #trend { height: 8; padding: 0 1; }
    OverviewView .title { height: 1; background: $surface; color: $accent; text-style: bold; padding: 0 1; }
    """

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self.found: Overview | None = None
        self._next = 0.0  # when reading again is due at the earliest, by the monotonic clock
        self._waiting = False

    def body(self) -> Iterable[Widget]:
        """Cards, chart, newest."""
        with Horizontal(id="cards"):
            for name in ("severities", "classes", "run"):
                pane = Pane(id=name)
                pane.can_focus = False
                yield pane
        trend = Pane(id="trend")
        trend.can_focus = False
        yield trend
        yield Static(classes="title", id="newest_title", markup=False)
        yield Grid(self._columns, self.speech, id="newest")

    def _columns(self, language: str) -> Sequence[Column]:
        return alert_columns(language, unit=bool(self.own.sources.settings.register), compact=True)

    def load(self) -> None:
        """Read everything."""
        self.behind(self._read, group="read", exclusive=True)

    async def _read(self) -> None:
        began = time.monotonic()
        found = await self.ask(overview.gather, self.own.sources, 100)
        self._next = time.monotonic() + _REST * (time.monotonic() - began)
        if found is None or not self.stands:
            return
        self.found = found
        grid = self.query_one("#newest", Grid)
        current = grid.current if grid.cursor else None
        self.restart(grid, None if current is None else current.document["event"]["id"])
        self.retell()

    def changed(self) -> None:
        """Read anew, but not all the time."""
        if self._waiting:
            return
        self._waiting = True
        self.set_timer(max(self._next - time.monotonic(), 0.01), self._again)

    def _again(self) -> None:
        self._waiting = False
        self.load()

    def fetch(self, grid: Grid, ask: Ask, stop: threading.Event) -> Page:  # noqa: ARG002
        """The newest alerts, read with the rest."""
        unit = bool(self.own.sources.settings.register)
        documents = self.found.newest if self.found is not None else []
        return [
            Entry(d, lambda e, language: alert_row(e.document, language, unit=unit, compact=True))
            for d in documents
        ], None

    def nothing(self) -> str:
        """Said where there are no alerts."""
        return self.tr("app.no_alerts")

    def health_changed(self) -> None:
        """News of the run."""
        super().health_changed()
        self.query_one("#run", Pane).show([self._run()])

    def retell(self) -> None:
        """Draw what was read."""
        super().retell()
        if not self.stands:
            return
        self.query_one("#newest_title", Static).update(self.tr("app_overview.newest"))
        self.query_one("#run", Pane).show([self._run()])
        if self.found is None:
            return
        self.query_one("#severities", Pane).show([by_severity(self.found, self.speech)])
        self.query_one("#classes", Pane).show([by_class(self.found, self.speech)])
        self._draw_trend()

    def on_resize(self) -> None:
        """Draw the chart as wide as it may be."""
        self._draw_trend()

    def _draw_trend(self) -> None:
        if self.found is not None and self.stands:
            self.query_one("#trend", Pane).show([trend(self.found, self.speech, self.app.size.width)])

    def _run(self) -> Section:
        health, speech = self.own.health, self.speech
        section = Section(self.tr("app_overview.run"))
        if health is None:
            section.prose.append(self.tr("app_overview.no_run"))
            return section
        for name in ("packets", "flows", "alerts"):
            if name in health.totals:
                section.say(tr(f"run.{name}", speech), units.count(health.totals[name]))
        waiting = sum(sum(stage.lag.values()) for stage in health.stages)
        section.say(tr("status.lag", speech), units.count(waiting), "yellow" if waiting > 100 else "")
        for sensor in health.sensors[:3]:
            key = "status.sensor_ended" if sensor.ended else "status.sensor"
            section.prose.append(
                clean(
                    tr(key, speech, path=truncate_middle(sensor.path, 24), behind=f"{sensor.behind_s:.0f}",
                       packets=units.count(sensor.packets), dropped=units.count(sensor.dropped))
                )
            )  # fmt: skip
        if not health.sensors:
            section.prose.append(self.tr("app_overview.no_sensors"))
        return section

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Explain the alert."""
        self.own.show("alert", str(event.entry.document["event"]["id"]))

    def document(self) -> dict[str, Any] | None:
        """The alert under the cursor."""
        entry = self.query_one("#newest", Grid).current
        return None if entry is None else entry.document

    def copied(self) -> str:
        """The id of the alert under the cursor."""
        document = self.document()
        return "" if document is None else str(document["event"]["id"])

    def export_lines(self) -> Callable[[], Iterable[dict[str, Any]]] | None:
        """The overview itself."""
        found = self.found
        return None if found is None else lambda: [overview.told(found)]
