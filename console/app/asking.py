"""A dialog made of what is to be asked: lists to choose from, and lines to type into."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from citywall.i18n import tr
from console.app.dialogs import CSS, MOVES, Body, move, settled
from console.app.keys import Choices, Line
from console.text import clean


@dataclass(frozen=True)
class Choice:
    """A list of which one is chosen; `options` are values with what is shown of them."""

    name: str
    options: Sequence[tuple[str, str]]
    chosen: str = ""


@dataclass(frozen=True)
class Field:
    """A line to type into. `needed`: it may not stay empty, unless a choice is one of `unless`."""

    name: str
    placeholder: str
    value: str = ""
    needed: bool = False
    unless: Collection[str] = ()


class AskDialog(ModalScreen[dict[str, str] | None], inherit_css=False):
    """Gives what was chosen and typed, by name; None where it was left."""

    DEFAULT_CSS = CSS.replace("Dialog", "AskDialog") + "AskDialog .prose { width: 1fr; margin-bottom: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False), *MOVES]

    def __init__(
        self, language: str, title: str, asked: Sequence[Choice | Field], *, prose: str = "", focus: str = ""
    ) -> None:
        super().__init__()
        self._language = language
        self._title = title
        self._asked = asked
        self._prose = prose
        self._focus = focus or asked[0].name

    def compose(self) -> ComposeResult:
        """Title, prose, what is asked in order."""
        with Vertical():
            with Body():
                yield Label(Text(clean(self._title)), classes="title")
                if self._prose:
                    yield Label(Text(self._prose), classes="prose")
                for piece in self._asked:
                    if isinstance(piece, Choice):
                        options = [Option(Text(clean(said)), id=value) for value, said in piece.options]
                        yield Choices(*options, id=piece.name, compact=True)
                    else:
                        yield Line(piece.value, placeholder=piece.placeholder, id=piece.name, max_length=1000)
                yield Label("", classes="fault")
            yield Label(tr("app_dialog.work_hint", self._language), classes="hint")

    def on_mount(self) -> None:
        """Begin with what stands."""
        for piece in self._asked:
            if isinstance(piece, Choice) and piece.options:
                values = [value for value, _ in piece.options]
                at = values.index(piece.chosen) if piece.chosen in values else 0
                self.query_one(f"#{piece.name}", OptionList).highlighted = at
        self.query_one(f"#{self._focus}").focus()

    async def on_input_submitted(self) -> None:
        """Give it."""
        await self._done()

    async def on_option_list_option_selected(self) -> None:
        """Give it."""
        await self._done()

    def action_move(self, by: int) -> None:
        """To what is asked next, or before."""
        move(self, by)

    def action_cancel(self) -> None:
        """Give nothing."""
        self.dismiss(None)

    async def _done(self) -> None:
        await settled(*self.query("Input, OptionList"))
        given: dict[str, str] = {}
        for piece in self._asked:
            if isinstance(piece, Choice):
                at = self.query_one(f"#{piece.name}", OptionList).highlighted
                given[piece.name] = piece.options[at or 0][0] if piece.options else ""
            else:
                given[piece.name] = self.query_one(f"#{piece.name}", Input).value.strip()
        chosen = {given[piece.name] for piece in self._asked if isinstance(piece, Choice)}
        for piece in self._asked:
            if isinstance(piece, Field) and piece.needed and not given[piece.name]:
                if chosen.intersection(piece.unless):
                    continue
                fault = self.query_one(".fault", Label)
                fault.update(tr("app_dialog.needed", self._language, name=piece.placeholder))
                fault.add_class("said")
                self.query_one(f"#{piece.name}").focus()
                return
        self.dismiss(given)
