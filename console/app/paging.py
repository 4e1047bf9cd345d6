"""A window over pages that lead one to the next: however many rows there are, a few hundred are held.

Stores page forwards only: a page comes with the cursor of the one after. Cursors are kept (a few bytes a
page), so that earlier pages can be asked for again. What was written meanwhile may have moved where an
earlier page ends; the pages behind it are then forgotten and asked for anew, so that no row is missed or
seen twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
#: Rows of a page, and pages held.
PAGE = 100
KEPT = 5


@dataclass(frozen=True)
class Ask:
    """A page to fetch: which it is, where it begins, and of which reading."""

    page: int
    cursor: str | None
    reading: int


class Window(Generic[T]):
    """The rows held, `first` being the number of the first of them; it asks for pages and takes them.

    It fetches nothing itself: who has a page that was asked for gives it to :meth:`take`.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._reading = 0
        self.restart()

    def restart(self) -> Ask:
        """Forget everything and begin with the newest rows; returns what to fetch."""
        self._reading += 1
        self._cursors: list[str | None] = [None]  # where each page known begins
        self._starts: list[int] = [0]  # the number of its first row
        self._pages: deque[Sequence[T]] = deque()
        self._page = 0  # the number of the first page held
        self._ended = False
        self._rows: list[T] = []
        return Ask(0, None, self._reading)

    @property
    def first(self) -> int:
        """The number of the first row held, from 0."""
        return self._starts[self._page]

    @property
    def rows(self) -> list[T]:
        """The rows held, in order."""
        return self._rows

    @property
    def stop(self) -> int:
        """The number after that of the last row held."""
        return self.first + len(self._rows)

    @property
    def complete(self) -> bool:
        """Whether the last row held is the last there is."""
        return self._ended

    def row(self, number: int) -> T | None:
        """The row of a number, None where it is not held."""
        at = number - self.first
        return self._rows[at] if 0 <= at < len(self._rows) else None

    def below(self) -> Ask | None:
        """What to fetch to go on behind the last row held; None where nothing is there."""
        following = self._page + len(self._pages)
        if self._ended or not self._pages or following >= len(self._cursors):
            return None
        return Ask(following, self._cursors[following], self._reading)

    def above(self) -> Ask | None:
        """What to fetch to go back before the first row held; None where nothing is there."""
        if self._page == 0:
            return None
        return Ask(self._page - 1, self._cursors[self._page - 1], self._reading)

    def take(self, ask: Ask, rows: Sequence[T], after: str | None) -> bool:
        """Take a page in; False where it is no longer wanted. `after` is the cursor of the next page."""
        if ask.reading != self._reading:
            return False
        following = self._page + len(self._pages)
        if self._pages and ask.page not in (self._page - 1, following):
            return False
        if not self._pages:
            self._page = ask.page
        if ask.page < self._page:
            self._prepend(rows, after)
        else:
            self._append(ask.page, rows, after)
        self._rows = [row for page in self._pages for row in page]
        return True

    def _append(self, page: int, rows: Sequence[T], after: str | None) -> None:
        self._pages.append(rows)
        self._link(page, rows, after)
        self._ended = after is None
        while len(self._pages) > self._kept:
            self._pages.popleft()
            self._page += 1

    def _prepend(self, rows: Sequence[T], after: str | None) -> None:
        self._page -= 1
        same = after == self._cursors[self._page + 1] and (
            self._starts[self._page] + len(rows) == self._starts[self._page + 1]
        )
        if not same:  # rows were added or went: what follows begins elsewhere
            self._pages.clear()
            self._ended = after is None
        self._pages.appendleft(rows)
        self._link(self._page, rows, after)
        while len(self._pages) > self._kept:
            self._pages.pop()
            self._ended = False

    def _link(self, page: int, rows: Sequence[T], after: str | None) -> None:
        """Note where the page after begins, and forget the ones behind it where that is elsewhere."""
        following, start = page + 1, self._starts[page] + len(rows)
        if following < len(self._cursors) and (self._cursors[following], self._starts[following]) == (
            after, start,
        ):  # fmt: skip
            return
        del self._cursors[following:], self._starts[following:]
        if after is not None:
            self._cursors.append(after)
            self._starts.append(start)
