"""A table over a window of rows: it draws what is in sight, and asks for pages before they are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from console.app.paging import Ask, Window
from console.display import table
from console.display.table import Column, Row

Document = dict[str, Any]
#: The cells of a row, in a language.
Reader = Callable[["Entry", str], Row]


class Entry:
    """A row: its document, its cells in each language that was asked for, and what else is known of it."""

    def __init__(self, document: Document, read: Reader) -> None:
        self.document = document
        self.note: Any = None
        self._read = read
        self._cells: dict[str, Row] = {}

    def cells(self, language: str) -> Row:
        """The cells, worked out once."""
        if language not in self._cells:
            self._cells[language] = self._read(self, language)
        return self._cells[language]

    def mark(self, note: Any) -> bool:
        """Note something; returns whether it is news, and then works the cells out anew."""
        if note == self.note:
            return False
        self.note = note
        self._cells.clear()
        return True


class Grid(Widget, can_focus=True):
    """A table with a cursor. It never holds more rows than its window does.

    Pages are asked for with :class:`Wanted` messages; who answers gives them to :meth:`take`.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"grid--head", "grid--cursor", "grid--blurred", "grid--empty"}
    DEFAULT_CSS = """
    Grid { height: 1fr; width: 1fr; background: $surface; }
    Grid > .grid--head { color: $text-muted; text-style: bold; background: $panel; }
    Grid > .grid--cursor { background: $primary 45%; text-style: bold; }
    Grid > .grid--blurred { background: $primary 15%; }
    Grid > .grid--empty { color: $text-muted; text-style: italic; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("pagedown,ctrl+f,space", "page(1)", show=False),
        Binding("home,g", "top", show=False),
        Binding("end,G", "bottom", show=False),
        Binding("enter", "open", show=False),
    ]

    class Wanted(Message):
        """A page is wanted."""

        def __init__(self, grid: Grid, ask: Ask) -> None:
            super().__init__()
            self.grid = grid
            self.ask = ask

    class Opened(Message):
        """A row was chosen."""

        def __init__(self, grid: Grid, entry: Entry) -> None:
            super().__init__()
            self.grid = grid
            self.entry = entry

    class Topped(Message):
        """The newest row was asked for."""

        def __init__(self, grid: Grid) -> None:
            super().__init__()
            self.grid = grid

    class Moved(Message):
        """The cursor moved, or the rows around it changed."""

        def __init__(self, grid: Grid) -> None:
            super().__init__()
            self.grid = grid

    def __init__(self, columns: Callable[[str], Sequence[Column]], language: str, **more: Any) -> None:
        super().__init__(**more)
        self._make = columns
        self.language = language
        self.columns = list(columns(language))
        self.window: Window[Entry] = Window()
        self.cursor = 0
        self.top = 0
        self.empty = ""  # what is said where there are no rows
        self._pending: set[int] = set()
        self._goal: int | None = None  # where the cursor is to go once its row is there
        self._cells: dict[int, int] = {}
        self._kept: str | None = None  # the id to find again after reading anew

    @property
    def current(self) -> Entry | None:
        """The row under the cursor."""
        return self.window.row(self.cursor)

    def restart(self, keep: str | None = None) -> None:
        """Read anew from the newest row; the cursor goes back to the row with id `keep` if it is there."""
        self._kept = keep
        self._pending.clear()
        self._goal = None
        if keep is None:
            self.cursor = self.top = 0
        self._want(self.window.restart())

    def take(self, ask: Ask, entries: Sequence[Entry], after: str | None) -> None:
        """Take in a page that was wanted."""
        self._pending.discard(ask.page)
        if not self.window.take(ask, entries, after):
            return
        if ask.page == 0 and self._kept is not None:
            self._find()
        if self._goal is not None:
            self.cursor, self._goal = self._goal, None
        self._measure()
        self._settle()
        self.refresh()

    def failed(self, ask: Ask) -> None:
        """A page that was wanted cannot be had just now."""
        self._pending.discard(ask.page)

    def retell(self, language: str) -> None:
        """Speak another language."""
        self.language = language
        self.columns = list(self._make(language))
        self._measure()
        self.refresh()

    def redraw(self) -> None:
        """Rows have changed in themselves."""
        self._measure()
        self.refresh()

    def in_sight(self) -> list[Entry]:
        """The rows in sight."""
        return [e for n in range(self.top, self.top + self.lines) if (e := self.window.row(n)) is not None]

    @property
    def lines(self) -> int:
        """Rows in sight at once."""
        return max(self.size.height - 1, 1)

    def _find(self) -> None:
        kept, self._kept = self._kept, None
        for at, entry in enumerate(self.window.rows):
            if (entry.document.get("event") or {}).get("id") == kept:
                self.cursor = self.window.first + at
                return
        self.cursor = self.top = 0

    def _measure(self) -> None:
        rows = [entry.cells(self.language) for entry in self.window.rows]
        self._cells = table.fit(self.columns, rows, max(self.size.width - 2, 10))

    def _settle(self) -> None:
        """Bring the cursor to a row that is held, the rows in sight around it, and ask for what is near."""
        window = self.window
        if window.rows:
            self.cursor = min(max(self.cursor, window.first), window.stop - 1)
        else:
            self.cursor = 0
        self.top = min(max(self.top, self.cursor - self.lines + 1, window.first), self.cursor)
        if window.complete:
            self.top = max(min(self.top, window.stop - self.lines), window.first)
        self._look_ahead()
        self.post_message(self.Moved(self))

    def _look_ahead(self) -> None:
        near = 2 * self.lines
        if self.top + self.lines + near > self.window.stop:
            self._want(self.window.below())
        elif self.top - near < self.window.first:
            self._want(self.window.above())

    def _want(self, ask: Ask | None) -> None:
        if ask is not None and ask.page not in self._pending:
            self._pending.add(ask.page)
            self.post_message(self.Wanted(self, ask))

    def _go(self, number: int) -> None:
        window = self.window
        held = window.first <= number < window.stop
        more = (number >= window.stop and not window.complete) or (number < window.first and window.first > 0)
        self._goal = number if more and not held else None
        before = self.cursor, self.top
        self.cursor = number
        if window.rows:
            self.cursor = min(max(number, window.first), window.stop - 1)
        if (self.cursor, self.top) == before and not more:
            return
        self._settle()
        if self.top != before[1]:
            self.refresh()
        else:  # only two lines look otherwise
            for row in (before[0], self.cursor):
                self.refresh(Region(0, row - self.top + 1, self.size.width, 1))

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self._go(max(self.cursor + by, 0))

    def action_page(self, by: int) -> None:
        """Move the cursor by what is in sight."""
        step = by * max(self.lines - 1, 1)
        self.top = max(self.top + step, self.window.first)
        self._go(max(self.cursor + step, 0))
        self.refresh()

    def action_top(self) -> None:
        """Go to the newest row."""
        if self.window.first > 0:
            self.restart()
        else:
            self._go(0)
        self.post_message(self.Topped(self))

    def action_bottom(self) -> None:
        """Go to the last row held; the next ones are fetched meanwhile."""
        self._go(max(self.window.stop - 1, 0))

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.current is not None:
            self.post_message(self.Opened(self, self.current))

    def on_click(self, event: events.Click) -> None:
        """Choose a row; a second click opens it."""
        if event.y < 1 or self.window.row(number := self.top + event.y - 1) is None:
            return
        if event.chain > 1:
            self.action_open()
        else:
            self._go(number)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down."""
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up."""
        event.stop()
        self.action_move(-3)

    def on_resize(self) -> None:
        """Measure the columns anew."""
        self._measure()
        self._settle()
        self.refresh()

    def on_focus(self) -> None:
        """Show where the keys go."""
        self.refresh()

    def on_blur(self) -> None:
        """Show that keys go elsewhere."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line: the heading, or a row."""
        width = self.size.width
        base = self.visual_style.rich_style
        if y == 0:
            style = self.get_component_rich_style("grid--head")
            return _strip([(f" {table.heading(self.columns, self._cells)}", "")], width, style)
        entry = self.window.row(self.top + y - 1)
        if entry is None:
            said = f" {self.empty}" if y == 1 and not self.window.rows else ""
            return _strip([(said, "")], width, base + self.get_component_rich_style("grid--empty"))
        style = base
        if self.top + y - 1 == self.cursor:
            style = self.get_component_rich_style("grid--cursor" if self.has_focus else "grid--blurred")
        pieces = table.parts(self.columns, entry.cells(self.language), self._cells)
        return _strip([(" ", ""), *pieces], width, style)


@lru_cache(256)
def _styled(style: Style, own: str) -> Style:
    return style + Style.parse(own) if own else style


def _strip(pieces: Sequence[tuple[str, str]], width: int, style: Style) -> Strip:
    segments = [Segment(text, _styled(style, own)) for text, own in pieces]
    return Strip(segments).adjust_cell_length(width, style)
