"""Sections on the screen, scrolled; the same that commands print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.display.sheet import Line, Section, layout

#: Cells of a line of prose at most: longer ones are hard to read.
_WIDEST = 120


class Pane(ScrollView, can_focus=True):
    """Sections laid out to the width there is."""

    DEFAULT_CSS = """
    Pane { height: 1fr; width: 1fr; background: $surface; scrollbar-size-vertical: 1; overflow-x: hidden;
           scrollbar-background: $surface; scrollbar-color: $primary 50%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False),
        Binding("k", "scroll_up", show=False),
        Binding("g", "scroll_home", show=False),
        Binding("G", "scroll_end", show=False),
        Binding("space,ctrl+f", "page_down", show=False),
        Binding("ctrl+b", "page_up", show=False),
    ]

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.sections: Sequence[Section] = ()
        self.lines: list[Line] = []

    def show(self, sections: Sequence[Section]) -> None:
        """Show sections instead of what was shown."""
        self.sections = sections
        self._lay_out()

    def on_resize(self) -> None:
        """Lay out anew."""
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.size.width
        if width <= 0:
            return
        self.lines = layout(self.sections, min(max(width - 3, 20), _WIDEST))
        self.virtual_size = Size(0, len(self.lines))
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """Lines that everything takes, for where the height is `auto`."""
        return len(layout(self.sections, min(max(width - 3, 20), _WIDEST)))

    def render_line(self, y: int) -> Strip:
        """One line."""
        base = self.visual_style.rich_style
        at = y + self.scroll_offset.y
        line = self.lines[at] if at < len(self.lines) else []
        segments = [Segment(" ", base)]
        segments += [Segment(piece, base + Style.parse(own) if own else base) for piece, own in line]
        return Strip(segments).adjust_cell_length(self.size.width, base)
