"""Runs of playbooks, newest first."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType

from console import runsheet
from console.app.grid import Entry, Grid
from console.app.listing import Listing
from console.app.pages import Page
from console.app.paging import PAGE, Ask
from console.display.table import Column, Row

if TYPE_CHECKING:
    from playbooks.runs import Runs, Stored


class RunsView(Listing):
    """What was and is done about alerts."""

    kind = "runs"
    opens = "run"
    reads = "playbooks.read"
    hints = (("enter", "open"), ("v", "alert"), ("c", "copy"), ("e", "export"))
    BINDINGS: ClassVar[list[BindingType]] = [Binding("v", "alert", show=False)]

    def columns(self) -> Sequence[Column]:
        """Those of runs."""
        return runsheet.run_columns(self)

    def wanted(self, stored: Stored) -> bool:  # noqa: ARG002
        """Whether a run belongs here."""
        return True

    def fetch(self, grid: Grid, ask: Ask, stop: threading.Event) -> Page:  # noqa: ARG002
        """A page of runs."""
        file = self.own.sources.runs()
        found = file.everything(PAGE, until=int(ask.cursor)) if ask.cursor else file.everything(PAGE)
        entries = [self._entry(stored, file) for stored in found if self.wanted(stored)]
        return entries, str(found[-1].run.requested) if len(found) == PAGE else None

    def _entry(self, stored: Stored, file: Runs) -> Entry:
        from playbooks.telling import run_document

        books = file.books(stored.run)

        def read(_: Entry, language: str) -> Row:
            return runsheet.run_row(run_document(stored.run, books, language), self)

        return Entry(run_document(stored.run, books, self.speech), read)

    def nothing(self) -> str:
        """Said where there are none."""
        return self.tr("app_run.none")

    def action_alert(self) -> None:
        """Open the alert it is about."""
        document = self.document()
        if document is not None and document["alert"]:
            self.own.show("alert", str(document["alert"]))

    def export_lines(self) -> Any:
        """Every run that belongs here."""
        return self._all

    def _all(self) -> Iterator[dict[str, Any]]:
        from playbooks.telling import run_document

        file, language = self.own.sources.runs(), self.speech
        for stored in filter(self.wanted, file.everything()):
            yield run_document(stored.run, file.books(stored.run), language)
