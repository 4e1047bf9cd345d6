"""Views that are one list: what a row opens, copies and exports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from console.app.grid import Grid
from console.app.pages import Paging
from console.display.table import Column


class Listing(Paging):
    """A list. `opens` is the view of one of its rows, which has what is under `key` of the row's document."""

    opens: ClassVar[str]
    key: ClassVar[str] = "id"

    def columns(self) -> Sequence[Column]:
        """The columns of the list."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        """The list."""
        yield Grid(lambda _: self.columns(), self.speech, id="list")

    @property
    def grid(self) -> Grid:
        """The list."""
        return self.query_one("#list", Grid)

    def load(self) -> None:
        """Read from the first on."""
        self.restart(self.grid)

    def changed(self) -> None:
        """What is new comes in where the first rows are in sight."""
        if self.grid.cursor == 0:
            self.grid.restart()

    def aside(self) -> str:
        """Which rows are in sight."""
        return self.rows_said(self.grid, None) if self.stands else ""

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Open the row."""
        self.own.show(self.opens, str(event.entry.document[self.key]))

    def document(self) -> dict[str, Any] | None:
        """What is under the cursor."""
        entry = self.grid.current
        return None if entry is None else entry.document

    def copied(self) -> str:
        """What names it."""
        document = self.document()
        return "" if document is None else str(document[self.key])


class WorkList(Listing):
    """A list of what somebody has to see to, or, with `every`, of what is closed too; the filter is words."""

    filters = True
    hints = (("enter", "open"), ("z", "closed_too"), ("c", "copy"), ("e", "export"))
    BINDINGS: ClassVar[list[BindingType]] = [Binding("z", "closed_too", show=False)]

    def __init__(self, argument: str = "") -> None:
        super().__init__(argument)
        self.every = False

    def given(self, kind: str, typed: str) -> None:
        """A filter."""
        if kind == "filter":
            self.argument = typed
            self.load()
        else:
            super().given(kind, typed)

    def aside(self) -> str:
        """Which rows are in sight, and whether closed ones are among them."""
        said = super().aside()
        return f"{self.tr('app_case.all')}  {said}" if self.every and said else said

    def action_closed_too(self) -> None:
        """Show closed ones too, or no longer."""
        self.every = not self.every
        self.load()
