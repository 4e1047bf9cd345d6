"""The line in which filters, places to go and file names are typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Label

from console.app import keys

_LAST_WORD = re.compile(r"[^\s()]*$")
#: Lines of each kind that are remembered.
_REMEMBERED = 50


class Completion(Suggester):
    """Completes the last word by names; the first word of a jump by names of views."""

    def __init__(self, names: Callable[[str], Sequence[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._names = names

    async def get_suggestion(self, value: str) -> str | None:
        """The value with its last word completed."""
        return complete(value, self._names(value))


def complete(value: str, names: Sequence[str]) -> str | None:
    """`value` with its last word completed to the first name that begins so; None where none does."""
    word = _LAST_WORD.search(value)
    typed = word.group() if word else ""
    if not typed:
        return None
    found = next((name for name in names if name.startswith(typed) and name != typed), None)
    return None if found is None else value[: len(value) - len(typed)] + found


class Line(keys.Line):
    """The input: tab completes, up and down go through what was typed before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", show=False),
        Binding("escape", "leave", show=False),
        Binding("up", "earlier(-1)", show=False),
        Binding("down", "earlier(1)", show=False),
    ]

    def __init__(self, **more: Any) -> None:
        super().__init__(compact=True, select_on_focus=False, **more)
        self.before: list[str] = []
        self._at = 0
        self._names: Callable[[str], Sequence[str]] | None = None

    def begin(self, value: str, before: list[str], names: Callable[[str], Sequence[str]] | None) -> None:
        """Begin a line, with what was typed before and the names that complete it."""
        self.before = before
        self._at = len(before)
        self._names = names
        self.suggester = Completion(names) if names else None
        self.value = value
        self.cursor_position = len(value)

    def action_complete(self) -> None:
        """Complete the last word, whether the suggestion is in sight already or not."""
        found = complete(self.value, self._names(self.value)) if self._names else None
        self.value = found or self.value
        self.cursor_position = len(self.value)

    def action_earlier(self, by: int) -> None:
        """An earlier line, or a later one."""
        self._at = min(max(self._at + by, 0), len(self.before))
        self.value = self.before[self._at] if self._at < len(self.before) else ""
        self.cursor_position = len(self.value)

    def action_leave(self) -> None:
        """Close the prompt."""
        self.post_message(Prompt.Left())


class Prompt(Horizontal):
    """Shown while something is typed. `kind` is `filter`, `jump`, `export` or `time`."""

    DEFAULT_CSS = """
    Prompt { height: auto; max-height: 3; display: none; background: $panel; padding: 0 1; layout: grid;
             grid-size: 2; grid-columns: auto 1fr; grid-rows: 1; }
    Prompt.open { display: block; }
    Prompt Label { color: $accent; text-style: bold; padding-right: 1; }
    Prompt Line { background: $panel; width: 1fr; }
    Prompt .fault { color: $text-error; column-span: 2; text-style: none; display: none; }
    Prompt .fault.said { display: block; }
    """

    class Given(Message):
        """A line was entered."""

        def __init__(self, kind: str, text: str) -> None:
            super().__init__()
            self.kind = kind
            self.text = text

    class Left(Message):
        """Nothing is to be done."""

    def __init__(self) -> None:
        super().__init__()
        self.kind = ""
        self._lines: dict[str, list[str]] = {}

    def compose(self) -> ComposeResult:
        """Label, line, and what is wrong with it."""
        yield Label("", classes="label")
        yield Line(disabled=True)
        yield Label("", classes="fault", markup=False)

    def open(self, kind: str, label: str, value: str, names: Callable[[str], Sequence[str]] | None) -> None:
        """Ask for a line."""
        self.kind = kind
        self.query_one(".label", Label).update(label)
        self.fault("")
        line = self.query_one(Line)
        line.begin(value, self._lines.setdefault(kind, []), names)
        line.disabled = False
        self.add_class("open")
        self.screen.set_focus(line)  # at once: the next key is the line's

    def close(self) -> None:
        """Ask no more."""
        self.query_one(Line).disabled = True
        self.remove_class("open")

    @property
    def is_open(self) -> bool:
        """Whether a line is asked for."""
        return self.has_class("open")

    def fault(self, said: str) -> None:
        """Say what is wrong with the line."""
        label = self.query_one(".fault", Label)
        label.update(said)
        label.set_class(bool(said), "said")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand the line over."""
        event.stop()
        text = event.value.strip()
        before = self._lines.setdefault(self.kind, [])
        if text and before[-1:] != [text]:
            before.append(text)
            del before[:-_REMEMBERED]
        self.post_message(self.Given(self.kind, text))
