"""Cases, that with the newest alert first."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from console import casesheet, casetext
from console.app.grid import Entry, Grid
from console.app.listing import WorkList
from console.app.pages import Page
from console.app.paging import PAGE, Ask
from console.display.table import Column, Row
from console.sources import Stopped

if TYPE_CHECKING:
    from alerts.cases.casebook import Place, View
    from citywall.permissions import Identity


class CasesView(WorkList):
    """The cases that somebody has to see to, or all; the filter is words that must be found in them."""

    kind = "cases"
    opens = "case"
    reads = "cases.read"

    def columns(self) -> Sequence[Column]:
        """Those of cases."""
        return casesheet.case_columns(self)

    def fetch(self, grid: Grid, ask: Ask, stop: threading.Event) -> Page:  # noqa: ARG002
        """A page: as many pages of the store as it takes."""
        book, lane = self.own.sources.casebook(), self.own.sources.settings.lane
        identity, wanted = self.own.desk.identity, self.argument.lower().split()
        entries: list[Entry] = []
        after = _place(ask.cursor)
        while not stop.is_set():
            views, after = book.page(limit=PAGE, after=after)
            entries += [
                self._entry(view)
                for view in views
                if view.case.lane == lane and (self.every or view.open)
                and _may_see(identity, view) and _has(view, wanted)
            ]  # fmt: skip
            if after is None or len(entries) >= PAGE:
                return entries, None if after is None else f"{after[0]} {after[1]}"
        raise Stopped

    def _entry(self, view: View) -> Entry:
        settings = self.own.sources.settings
        told = casetext.plain(view, settings)

        def read(_: Entry, language: str) -> Row:  # noqa: ARG001  (the view speaks it)
            return casesheet.case_row(view, self, settings)

        return Entry(told, read)

    def nothing(self) -> str:
        """Said where there are none."""
        return self.tr("app_case.none")

    def export_lines(self) -> Any:
        """Everything the filter finds."""
        return self._all

    def _all(self) -> Iterator[dict[str, Any]]:
        sources, identity = self.own.sources, self.own.desk.identity
        wanted, every = self.argument.lower().split(), self.every
        for view in sources.casebook().views():
            if view.case.lane == sources.settings.lane and (every or view.open) and (
                _may_see(identity, view) and _has(view, wanted)
            ):  # fmt: skip
                yield casetext.plain(view, sources.settings, whole=True)


def _may_see(identity: Identity | None, view: View) -> bool:
    from alerts.cases.casebook import visible

    return identity is None or visible(identity, view.case)


def _has(view: View, wanted: Sequence[str]) -> bool:
    """Whether every word is found in what a case says."""
    case, work = view.case, view.work
    units = [name for a in case.assets for name in (a.unit, a.unit_name, a.system, a.system_name)]
    words = [case.id, case.title_en, case.title_zh, work.owner, work.status, *case.hosts, *units]
    said = " ".join(words).lower()
    return all(word in said for word in wanted)


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    at, _, name = cursor.partition(" ")
    return int(at), name
