"""The streams a command writes to, and how it may write on them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

import click

from citywall.i18n import tr
from console import caller, language

if TYPE_CHECKING:
    from rich.console import Console

_META = "citywall.look."


@dataclass(frozen=True)
class Terminal:
    """Where output goes and how: `rich` is only for a terminal, `colour` only where it is welcome."""

    speech: str
    plain: bool = False
    colour: bool = True

    @property
    def out(self) -> TextIO:
        """Results."""
        at = caller.current()
        return sys.stdout if at is None else at.out

    @property
    def err(self) -> TextIO:
        """Progress, warnings, errors."""
        at = caller.current()
        return sys.stderr if at is None else at.err

    def is_rich(self, stream: TextIO) -> bool:
        """Whether `stream` is a terminal that may be drawn on."""
        return not self.plain and stream.isatty() and os.environ.get("TERM", "") not in {"dumb", "unknown"}

    def console(self, stream: TextIO) -> Console:
        """A rich console on `stream` that interprets nothing in the text it is given."""
        from rich.console import Console

        return Console(
            file=stream,
            no_color=not self.colour,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=False,
            force_terminal=self.is_rich(stream),
        )

    def tr(self, key: str, **values: object) -> str:
        """A text of the catalogue in this invocation's language."""
        return tr(key, self.speech, **values)

    def say(self, line: str) -> None:
        """One line of results."""
        self.out.write(line + "\n")

    def note(self, line: str) -> None:
        """One line beside the results."""
        self.err.write(line + "\n")
        self.err.flush()


def remember(context: click.Context, parameter: click.Parameter, value: bool) -> bool:
    """Callback of the flags about looks, which may stand before or behind a command's name."""
    if value:
        context.meta[_META + str(parameter.name)] = True
    return value


def of(context: click.Context, setting: str = "auto") -> Terminal:
    """The terminal of an invocation; `setting` is the value of the key `language`."""
    colour = not (context.meta.get(_META + "no_color") or os.environ.get("NO_COLOR"))
    return Terminal(language.of(context, setting), bool(context.meta.get(_META + "plain")), colour)
