"""Which commands the service runs for who is at its socket: those that change something, or ask who reads."""

from __future__ import annotations

from typing import Any

import click

#: Commands without `--as` that need what the service has open.
_MORE = frozenset({"accounts-passwd", "accounts-list", "cases-make"})
#: Commands with `--as` that work where they are typed: they write files there, or have the terminal.
_NOT = frozenset({"console", "notices-pdf"})


def is_act(command: click.Command, key: str, values: dict[str, Any]) -> bool:
    """Whether the service is to run a command that was given these values."""
    if key in _NOT or "data" not in values:
        return False
    return key in _MORE or any("--as" in p.opts and values.get(str(p.name)) for p in command.params)
