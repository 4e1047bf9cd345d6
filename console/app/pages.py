"""Views with lists: they answer a grid's wish for pages by reading in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial

from console.app.grid import Entry, Grid
from console.app.paging import Ask
from console.app.view import View

#: Rows of a page and the cursor of the next.
Page = tuple[list[Entry], str | None]


class Paging(View):
    """A view whose grids are filled by `fetch`."""

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self.stop = threading.Event()

    def grids(self) -> Iterable[Grid]:
        """The grids of this view."""
        return self.query(Grid)

    def fetch(self, grid: Grid, ask: Ask, stop: threading.Event) -> Page:
        """A page for a grid, read in a thread; gives up with Stopped once `stop` is set."""
        raise NotImplementedError

    def arrived(self, grid: Grid, entries: list[Entry]) -> None:
        """A page is shown."""

    def restart(self, grid: Grid, keep: str | None = None) -> None:
        """Read a grid anew; searches that still go on are of no use any more."""
        self.stop.set()
        self.stop = threading.Event()
        grid.empty = self.tr("app.searching")
        grid.restart(keep)

    def on_unmount(self) -> None:
        """Nobody waits any more."""
        self.stop.set()

    def on_grid_wanted(self, event: Grid.Wanted) -> None:
        """Read a page."""
        event.stop()
        self.behind(partial(self._page, event.grid, event.ask), group="pages")

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """Tell where the cursor is."""
        event.stop()
        self.where()

    def nothing(self) -> str:
        """What is said where nothing is found."""
        return self.tr("app.nothing")

    async def _page(self, grid: Grid, ask: Ask) -> None:
        found = await self.ask(partial(self._fetched, grid, ask, self.stop))
        if not self.stands:
            return
        if found is None:
            grid.failed(ask)
            grid.empty = ""
            grid.refresh()
            return
        entries, after = found
        grid.empty = self.nothing()
        grid.take(ask, entries, after)
        self.arrived(grid, entries)

    def _fetched(self, grid: Grid, ask: Ask, stop: threading.Event) -> Page:
        entries, after = self.fetch(grid, ask, stop)
        for entry in entries:  # here rather than where it would keep keys waiting
            entry.cells(grid.language)
        return entries, after

    def retell(self) -> None:
        """Lists speak the present language."""
        for grid in self.grids():
            if grid.language != self.speech:
                grid.retell(self.speech)
        super().retell()

    def rows_said(self, grid: Grid, total: int | None) -> str:
        """Where the rows in sight stand among all."""
        if not grid.window.rows:
            return self.tr("app.rows_none") if grid.window.complete else self.tr("app.searching")
        first, last = grid.top + 1, min(grid.top + grid.lines, grid.window.stop)
        if grid.window.complete and total is None:
            total = grid.window.stop
        if total is None:
            return self.tr("app.rows_more", first=f"{first:,}", last=f"{last:,}")
        return self.tr("app.rows", first=f"{first:,}", last=f"{last:,}", total=f"{max(total, last):,}")
