"""The card of one host: where the register puts it, its alerts, its flows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from citywall.errors import UsageError
from citywall.i18n import tr
from console import hostcard
from console.app.grid import Entry, Grid
from console.app.pages import Page, Paging
from console.app.paging import PAGE, Ask
from console.app.pane import Pane
from console.app.working import Working
from console.display.table import Column
from console.listing import alert_columns, alert_row, flow_columns, flow_row
from console.sources import about_host, flow_query


class HostView(Working, Paging):
    """Register entry above, alerts and flows below; tab goes from one list to the other."""

    kind = "host"
    hints = (("enter", "open"), ("tab", "switch"), ("f", "flows"), ("c", "copy"), ("e", "export"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "switch", show=False, priority=True),
        Binding("f", "host_flows", show=False),
    ]
    DEFAULT_CSS = """
    HostView Pane { height: auto; max-height: 40%; }
    HostView .title { height: 1; background: $surface; color: $accent; text-style: bold; padding: 0 1; }
    """

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self._places: list[dict[str, Any]] | None = None
        self._known = False

    def check(self, argument: str, language: str) -> None:
        """Whether it is an address."""
        if not argument:
            raise UsageError(tr("app.takes_address", language))
        self.argument = hostcard.address_of(argument, language)

    def body(self) -> Iterable[Widget]:
        """Register, alerts, flows."""
        yield Pane()
        yield Static(classes="title", id="alerts_title", markup=False)
        yield Grid(self._columns, self.speech, id="alerts")
        yield Static(classes="title", id="flows_title", markup=False)
        yield Grid(partial(flow_columns, compact=True), self.speech, id="flows")

    def on_mount(self) -> None:
        """Begin in the alerts."""
        self.query_one("#alerts", Grid).focus()

    def _columns(self, language: str) -> Sequence[Column]:
        return alert_columns(language, unit=bool(self.own.sources.settings.register), compact=True)

    def load(self) -> None:
        """Read everything."""
        for grid in self.grids():
            self.restart(grid)
        self.behind(self._read, group="read", exclusive=True)

    async def _read(self) -> None:
        found = await self.ask(lambda: (hostcard.places(self.own.sources, self.argument),))
        if found is not None and self.stands:
            self._places, self._known = found[0], True
            self.retell()

    def fetch(self, grid: Grid, ask: Ask, stop: threading.Event) -> Page:
        """A page of its alerts or flows."""
        sources = self.own.sources
        if grid.id == "flows":
            documents, after = sources.flows(flow_query(f"ip:{self.argument}"), limit=PAGE, after=ask.cursor)
            return [
                Entry(d, lambda e, language: flow_row(e.document, language, compact=True)) for d in documents
            ], after
        unit = bool(sources.settings.register)
        page = sources.alerts(about_host(self.argument), limit=PAGE, after=ask.cursor, stop=stop)
        return [
            Entry(d, lambda e, language: alert_row(e.document, language, unit=unit, compact=True))
            for d in page.documents
        ], page.after

    def changed(self) -> None:
        """New alerts come in where the first ones are in sight."""
        grid = self.query_one("#alerts", Grid)
        if grid.cursor == 0:
            grid.restart()

    def retell(self) -> None:
        """Lay out what was read."""
        super().retell()
        if not self.stands:
            return
        if self._known:
            self.query_one(Pane).show(hostcard.sections(self.argument, self._places, self.speech))
            self.query_one(Pane).refresh(layout=True)
        self._titles()

    def _titles(self) -> None:
        for name in ("alerts", "flows"):
            grid = self.query_one(f"#{name}", Grid)
            said = f"{self.tr(f'app_host.{name}')}  {self.rows_said(grid, None)}"
            self.query_one(f"#{name}_title", Static).update(said)

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """Tell where the cursors are."""
        event.stop()
        self._titles()

    def action_switch(self) -> None:
        """To the other list."""
        alerts, flows = self.query_one("#alerts", Grid), self.query_one("#flows", Grid)
        (flows if alerts.has_focus else alerts).focus()

    def _grid(self) -> Grid:
        flows = self.query_one("#flows", Grid)
        return flows if flows.has_focus else self.query_one("#alerts", Grid)

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Explain an alert; go to the other host of a flow."""
        document = event.entry.document
        if event.grid.id == "alerts":
            self.own.show("alert", str(document["event"]["id"]))
            return
        hosts = [str((document.get(side) or {}).get("ip", "")) for side in ("source", "destination")]
        others = [host for host in hosts if host and host != self.argument]
        if others:
            self.own.show("host", others[0])

    def action_host_flows(self) -> None:
        """All its flows, in their view."""
        self.own.show("flows", f"ip:{self.argument}")

    def document(self) -> dict[str, Any] | None:
        """The row under the cursor; only alerts can be worked on."""
        entry = self._grid().current
        return None if entry is None else entry.document

    def export_lines(self) -> Callable[[], Iterable[dict[str, Any]]] | None:
        """All alerts it appears in."""
        store, query = self.own.sources.store, about_host(self.argument)
        return lambda: store.scan(query)
