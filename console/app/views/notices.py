"""Notices to units, newest first."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from console import noticesheet
from console.app.grid import Entry, Grid
from console.app.listing import WorkList
from console.app.pages import Page
from console.app.paging import Ask
from console.display.table import Column, Row

if TYPE_CHECKING:
    from alerts.desk import Kept
    from alerts.duties.notices import Notice


class NoticesView(WorkList):
    """The notices that are not struck off, or all; the filter is words that must be found in them."""

    kind = "notices"
    opens = "notice"
    reads = "notices.read"

    def columns(self) -> Sequence[Column]:
        """Those of notices."""
        return noticesheet.notice_columns(self)

    def fetch(self, grid: Grid, ask: Ask, stop: threading.Event) -> Page:  # noqa: ARG002
        """All of them at once: people write them, and strike them off."""
        return [self._entry(kept) for kept in self._wanted()], None

    def _wanted(self) -> Iterator[Kept[Notice]]:
        from alerts.duties.office import visible

        sources, identity = self.own.sources, self.own.desk.identity
        words = self.argument.lower().split()
        for kept in sources.office().notices():
            notice = kept.body
            said = (
                f"{notice.letter} {notice.id} {notice.unit} {notice.unit_name} {notice.title} {notice.status}"
            )
            if (
                notice.lane == sources.settings.lane and (self.every or notice.status != "closed")
                and visible(identity, notice) and all(word in said.lower() for word in words)
            ):  # fmt: skip
                yield kept

    def _entry(self, kept: Kept[Notice]) -> Entry:
        def read(_: Entry, language: str) -> Row:  # noqa: ARG001  (the view speaks it)
            return noticesheet.notice_row(kept.body, time.time_ns(), self)

        return Entry(plain(kept), read)

    def nothing(self) -> str:
        """Said where there are none."""
        return self.tr("app_notice.none")

    def export_lines(self) -> Any:
        """Everything the filter finds."""
        return lambda: (plain(kept) for kept in self._wanted())


def plain(kept: Kept[Notice]) -> dict[str, Any]:
    """A notice as `citywall notices show --json` has it."""
    from console.commands.notices import document

    return document(kept, time.time_ns())
