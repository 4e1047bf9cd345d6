"""Widgets that take the keys of a burst in the order in which they were typed.

Textual does what a key is bound to when the key has bubbled up to the application; letters typed after it are
in the line by then. Who types fast over a slow connection would delete or submit what was meant to follow,
and what follows `/` would go to the view. So a line does at once what its keys are bound to, and the
application what all others are (`Console.on_event`).
"""

from __future__ import annotations

from textual.binding import Binding
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Input, OptionList


async def _directly(widget: Widget, event: Key) -> None:
    """Do at once what a key is bound to by the widget's own class or those it is made of."""
    for kind in type(widget).__mro__:
        for binding in vars(kind).get("BINDINGS", ()):
            if isinstance(binding, Binding) and event.key in binding.key.split(","):
                event.stop()
                event.prevent_default()
                await widget.run_action(binding.action)
                return
        if kind in (Input, OptionList):
            return


class Line(Input):
    """A line to type into."""

    async def on_key(self, event: Key) -> None:
        """Edit, or submit."""
        await _directly(self, event)


class Choices(OptionList):
    """A list to choose from."""

    async def on_key(self, event: Key) -> None:
        """Move, or choose."""
        await _directly(self, event)
