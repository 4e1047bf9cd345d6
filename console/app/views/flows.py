"""The archive of closed flows, newest first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from alerts.query import FLOWS, Query
from console.app.grid import Entry, Grid
from console.app.pages import Page, Paging
from console.app.paging import PAGE, Ask
from console.app.working import host_of
from console.documents import words
from console.listing import flow_columns, flow_row
from console.sources import Sources, flow_query


class FlowsView(Paging):
    """The flows that a filter finds."""

    kind = "flows"
    reads = "flows.read"
    filters = True
    hints = (("enter", "source"), ("t", "target"), ("v", "alerts"), ("c", "copy"), ("e", "export"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h", "host('source')", show=False),
        Binding("t", "host('destination')", show=False),
        Binding("v", "alerts", show=False),
    ]

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self.query_ = flow_query(argument)

    def check(self, argument: str, language: str) -> None:  # noqa: ARG002
        """Whether the filter can be read."""
        flow_query(argument)

    def body(self) -> Iterable[Widget]:
        """The list."""
        yield Grid(partial(flow_columns, compact=True), self.speech, id="flows")

    @property
    def grid(self) -> Grid:
        """The list."""
        return self.query_one("#flows", Grid)

    def load(self) -> None:
        """Read from the newest on."""
        self.restart(self.grid)

    def fetch(self, grid: Grid, ask: Ask, stop: threading.Event) -> Page:  # noqa: ARG002
        """A page of flows."""
        documents, after = self.own.sources.flows(self.query_, limit=PAGE, after=ask.cursor)
        return [
            Entry(d, lambda entry, language: flow_row(entry.document, language, compact=True))
            for d in documents
        ], after

    def given(self, kind: str, typed: str) -> None:
        """A filter."""
        if kind == "filter":
            self.query_ = flow_query(typed)
            self.argument = typed
            self.load()
        else:
            super().given(kind, typed)

    def aside(self) -> str:
        """Which rows are in sight."""
        return self.rows_said(self.grid, None) if self.stands else ""

    def nothing(self) -> str:
        """Said where there are none."""
        return self.tr("app.nothing" if self.query_ else "app.no_flows")

    def on_grid_opened(self) -> None:
        """Open the card of the source."""
        self.action_host("source")

    def action_host(self, side: str) -> None:
        """Open the card of a host."""
        document = self.document()
        if document is not None and (address := host_of(document, side)):
            self.own.show("host", address)

    def action_alerts(self) -> None:
        """Open the alerts whose evidence this flow is, or of its two hosts."""
        document = self.document()
        if document is not None:
            one, other = (host_of(document, side) for side in ("source", "destination"))
            self.own.show("alerts", f"ip:{one} ip:{other}")

    def filter_names(self) -> Sequence[str]:
        """Names that complete a filter."""
        return FLOWS.names

    def document(self) -> dict[str, Any] | None:
        """The flow under the cursor."""
        entry = self.grid.current
        return None if entry is None else entry.document

    def copied(self) -> str:
        """The Community ID of the flow under the cursor."""
        document = self.document()
        return "" if document is None else words(document, "network.community_id")

    def export_lines(self) -> Callable[[], Iterable[dict[str, Any]]] | None:
        """Everything the filter finds."""
        sources, query = self.own.sources, self.query_
        return lambda: _all(sources, query)


def _all(sources: Sources, query: Query | None) -> Iterator[dict[str, Any]]:
    after: str | None = None
    while True:
        documents, after = sources.flows(query, limit=1000, after=after)
        yield from documents
        if after is None:
            return
