"""What was found, newest first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from alerts import times
from alerts.query import ALERTS
from alerts.workflow import Workflow
from citywall.errors import UsageError
from citywall.i18n import tr
from console.app.grid import Entry, Grid
from console.app.pages import Page, Paging
from console.app.paging import PAGE, Ask
from console.app.working import Working
from console.display.table import Column, Row
from console.listing import alert_columns, alert_row
from console.sources import alert_query


class AlertsView(Working, Paging):
    """The alerts that a filter finds: a window of them, whatever their number."""

    kind = "alerts"
    filters = True
    hints = (("enter", "open"), ("a", "acknowledge"), ("w", "work"), ("h", "source"), ("t", "target"),
             ("f", "flows"), ("T", "time"), ("e", "export"))  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("T", "begin_time", show=False),
    ]

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self.query_ = alert_query(argument)
        self.until: int | None = None
        self.total: int | None = None
        self.newer = 0

    def check(self, argument: str, language: str) -> None:  # noqa: ARG002
        """Whether the filter can be read."""
        alert_query(argument)

    def body(self) -> Iterable[Widget]:
        """The list."""
        yield Grid(self._columns, self.speech, id="alerts")

    @property
    def grid(self) -> Grid:
        """The list."""
        return self.query_one("#alerts", Grid)

    def _columns(self, language: str) -> Sequence[Column]:
        return alert_columns(
            language, unit=bool(self.own.sources.settings.register), status=True, compact=True
        )

    def _row(self, entry: Entry, language: str) -> Row:
        status = ""
        if isinstance(entry.note, Workflow) and entry.note.history:
            status = tr(f"app_status.{entry.note.status}", language)
            status += f" {entry.note.owner}" if entry.note.owner else ""
        unit = bool(self.own.sources.settings.register)
        return alert_row(entry.document, language, unit=unit, status=status, compact=True)

    def load(self) -> None:
        """Read from the newest on; the cursor stays with its alert."""
        self.newer = 0
        current = self.grid.current if self.grid.cursor else None
        keep = current.document["event"]["id"] if current and self.grid.window.first == 0 else None
        self.restart(self.grid, keep)
        self.behind(self._count, group="count", exclusive=True)

    def fetch(self, grid: Grid, ask: Ask, stop: threading.Event) -> Page:  # noqa: ARG002
        """A page of alerts."""
        page = self.own.sources.alerts(self.query_, until=self.until, limit=PAGE, after=ask.cursor, stop=stop)
        return [Entry(document, self._row) for document in page.documents], page.after

    def arrived(self, grid: Grid, entries: list[Entry]) -> None:
        """Fill in what people made of the alerts."""
        self.behind(partial(self._mark, grid, entries), group="marks")

    async def _mark(self, grid: Grid, entries: Sequence[Entry]) -> None:
        ids = [str(entry.document["event"]["id"]) for entry in entries]
        found = await self.ask(lambda: [self.own.sources.workflow(i).workflow for i in ids])
        if found is None or not self.stands:
            return
        news = [e.mark(w) for e, w in zip(entries, found, strict=True) if w.history or e.note is not None]
        if any(news):
            grid.redraw()

    async def _count(self) -> None:
        found = await self.ask(self.own.sources.counted, self.query_)
        if self.stands:
            self.total = found
            self.frame()

    def changed(self) -> None:
        """At the top new alerts come in by themselves; farther down they are only announced."""
        grid = self.grid
        if grid.cursor == 0 and self.until is None:
            self.load()
            return
        self.behind(self._announce, group="count", exclusive=True)
        self.behind(partial(self._mark, grid, grid.in_sight()), group="marks", exclusive=True)

    async def _announce(self) -> None:
        before = self.total
        await self._count()
        if before is not None and self.total is not None:
            self.newer += max(self.total - before, 0)
            self.frame()

    def on_grid_topped(self) -> None:
        """The newest are asked for: those that came meanwhile, too."""
        if self.newer or self.until is not None:
            self.until = None
            self.grid.cursor = 0
            self.load()

    def action_begin_time(self) -> None:
        """Ask for a time to go to."""
        self.begin("time")

    def given(self, kind: str, typed: str) -> None:
        """A filter, or a time to go to."""
        if kind == "filter":
            self.query_ = alert_query(typed)
            self.argument, self.total = typed, None
            self.grid.cursor = 0
            self.load()
        elif kind == "time":
            self.until = self._time(typed)
            self.grid.cursor = 0
            self.load()
        else:
            super().given(kind, typed)

    def _time(self, typed: str) -> int | None:
        if not typed:
            return None
        try:
            return times.interval(typed)[1]
        except ValueError as e:
            raise UsageError(self.tr("app.bad_time", text=typed)) from e

    def place(self) -> str:
        """The filter."""
        said = self.argument
        if self.until is not None:
            when = times.to_iso(self.until)[:19].replace("T", " ")
            said = f"{said}  {self.tr('app.until', time=when)}".strip()
        return said

    def aside(self) -> str:
        """Which rows are in sight, and what came meanwhile."""
        if not self.stands:
            return ""
        said = self.rows_said(self.grid, None if self.until else self.total)
        return f"{self.tr('app.newer', count=f'{self.newer:,}')}   {said}" if self.newer else said

    def nothing(self) -> str:
        """Said where there are none."""
        return self.tr("app.nothing" if self.query_ or self.until else "app.no_alerts")

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Explain the alert."""
        self.own.show("alert", str(event.entry.document["event"]["id"]))

    def filter_names(self) -> Sequence[str]:
        """Names that complete a filter."""
        return ALERTS.names

    def document(self) -> dict[str, Any] | None:
        """The alert under the cursor."""
        entry = self.grid.current
        return None if entry is None else entry.document

    def copied(self) -> str:
        """The id of the alert under the cursor."""
        document = self.document()
        return "" if document is None else str(document["event"]["id"])

    def worked(self) -> None:
        """An alert was changed."""
        self.behind(partial(self._mark, self.grid, self.grid.in_sight()), group="marks", exclusive=True)

    def export_lines(self) -> Callable[[], Iterable[dict[str, Any]]] | None:
        """Everything the filter finds."""
        store, query, until = self.own.sources.store, self.query_, self.until
        return lambda: store.scan(query, until=until)
