"""Dialogs: log in, and work on an alert."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from alerts.workflow import MAX_NAME, MAX_NOTE, STATUSES, Status, Workflow
from citywall.i18n import tr
from console.app.keys import Choices, Line

#: Style of every dialog; `Dialog` stands for its class.
CSS = """
Dialog { align: center middle; background: $background 60%; }
Dialog > Vertical { width: 64; max-width: 95%; height: auto; max-height: 100%; background: $panel;
                    border: round $primary; padding: 1 2; }
Dialog Body { height: auto; scrollbar-size-vertical: 1; }
Dialog .title { text-style: bold; color: $accent; margin-bottom: 1; }
Dialog .hint { color: $text-muted; margin-top: 1; }
Dialog .fault { color: $text-error; display: none; margin-top: 1; }
Dialog .fault.said { display: block; }
Dialog Input { background: $surface; border: tall $surface; }
Dialog Input:focus { border: tall $primary; }
Dialog OptionList { height: auto; max-height: 7; background: $surface; margin-bottom: 1; border: none; }
"""


#: Bindings of every dialog, first of all others. Together with `keys.Line` and `keys.Choices`, which do
#: what keys say themselves, they bring each key of a burst to what had the focus when it was typed.
MOVES = (
    Binding("tab", "move(1)", show=False, priority=True),
    Binding("shift+tab", "move(-1)", show=False, priority=True),
)


class Body(VerticalScroll, can_focus=False):
    """What a dialog asks: it scrolls where the terminal is too low for all of it, its hint below does not."""

    #: Rows of a dialog around it: border, padding, hint.
    _AROUND = 6

    def on_mount(self) -> None:
        """Fit, now and whenever the terminal changes."""
        self.screen.screen_layout_refresh_signal.subscribe(self, self._fit, immediate=True)
        self._fit(self.screen)

    def _fit(self, screen: Screen[Any]) -> None:
        self.styles.max_height = max(3, screen.size.height - self._AROUND)


async def settled(*widgets: Widget) -> None:
    """Wait until widgets have taken the keys that are on their way to them."""
    for widget in widgets:
        taken = asyncio.Event()
        widget.call_later(taken.set)
        await taken.wait()


def move(screen: Screen[Any], by: int) -> None:
    """Move the focus at once."""
    if by > 0:
        screen.focus_next()
    else:
        screen.focus_previous()


@dataclass(frozen=True)
class Login:
    """What was typed to log in."""

    name: str
    password: str


@dataclass(frozen=True)
class Work:
    """What is to become of an alert: only what is to change is not None."""

    status: Status | None = None
    owner: str | None = None
    note: str | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing changes."""
        return self.status is None and self.owner is None and self.note is None


class LoginDialog(ModalScreen[Login | None], inherit_css=False):
    """Asks for a user name and a password."""

    DEFAULT_CSS = CSS.replace("Dialog", "LoginDialog")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False),
        Binding("enter", "next", show=False, priority=True),
        *MOVES,
    ]

    def __init__(self, language: str, name: str = "") -> None:
        super().__init__()
        self._language = language
        self._name_given = name

    def compose(self) -> ComposeResult:
        """Two lines."""
        with Vertical():
            with Body():
                yield Label(tr("app_dialog.log_in", self._language), classes="title")
                yield Line(self._name_given, placeholder=tr("app_dialog.user", self._language), id="user",
                           max_length=64)  # fmt: skip
                yield Line(
                    placeholder=tr("app_dialog.password", self._language),
                    password=True, id="password", max_length=256,
                )  # fmt: skip
            yield Label(tr("app_dialog.log_in_hint", self._language), classes="hint")

    def on_mount(self) -> None:
        """Begin where something is to be typed."""
        self.query_one("#password" if self._name_given else "#user", Input).focus()

    async def action_next(self) -> None:
        """From name to password, from there to the end."""
        name, password = (self.query_one(f"#{n}", Input) for n in ("user", "password"))
        left = self.focused
        await settled(name, password)
        if left is name or not name.value.strip():
            self.set_focus(password if name.value.strip() else name)
        elif password.value:
            self.dismiss(Login(name.value.strip(), password.value))

    def action_move(self, by: int) -> None:
        """To the next line, or the one before."""
        move(self, by)

    def action_cancel(self) -> None:
        """Do nothing."""
        self.dismiss(None)


class WorkDialog(ModalScreen[Work | None], inherit_css=False):
    """Asks what is to become of an alert."""

    DEFAULT_CSS = CSS.replace("Dialog", "WorkDialog")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False), *MOVES]

    def __init__(self, language: str, workflow: Workflow, focus: str = "status") -> None:
        super().__init__()
        self._language = language
        self._workflow = workflow
        self._focus = focus

    def compose(self) -> ComposeResult:
        """Status, owner, note."""
        with Vertical():
            with Body():
                yield Label(tr("app_dialog.work", self._language), classes="title")
                yield Choices(
                    *(Option(tr(f"app_status.{status}", self._language), id=status) for status in STATUSES),
                    id="status", compact=True,
                )  # fmt: skip
                yield Line(
                    self._workflow.owner, placeholder=tr("app_dialog.owner", self._language),
                    id="owner", max_length=MAX_NAME,
                )  # fmt: skip
                yield Line(placeholder=tr("app_dialog.note", self._language), id="note", max_length=MAX_NOTE)
            yield Label(tr("app_dialog.work_hint", self._language), classes="hint")

    def on_mount(self) -> None:
        """Begin with what stands."""
        choices = self.query_one("#status", OptionList)
        choices.highlighted = STATUSES.index(self._workflow.status)
        self.query_one(f"#{self._focus}").focus()

    async def on_input_submitted(self) -> None:
        """Store."""
        await self._done()

    async def on_option_list_option_selected(self) -> None:
        """Store."""
        await self._done()

    def action_move(self, by: int) -> None:
        """To the next line, or the one before."""
        move(self, by)

    def action_cancel(self) -> None:
        """Do nothing."""
        self.dismiss(None)

    async def _done(self) -> None:
        await settled(*self.query("Input, OptionList"))
        chosen = self.query_one("#status", OptionList).highlighted
        status = STATUSES[chosen] if chosen is not None else self._workflow.status
        owner = self.query_one("#owner", Input).value.strip()
        note = self.query_one("#note", Input).value.strip()
        work = Work(
            cast("Status", status) if status != self._workflow.status else None,
            owner if owner != self._workflow.owner else None,
            note or None,
        )
        self.dismiss(None if work.empty else work)
