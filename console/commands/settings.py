"""`citywall settings`: every key, its type, default and meaning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from citywall.i18n import known, tr
from console import options, terminal
from console.framework import Command

if TYPE_CHECKING:
    from console.terminal import Terminal


@click.command(cls=Command, name="settings")
@options.as_json
@options.plain
@options.looks
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List every settings key."""
    from citywall.settings import keys

    look = terminal.of(context)
    known = keys()
    if as_json:
        told = [
            {
                "key": key,
                "type": kind,
                "default": default,
                "description": meaning(key, description, look.speech),
            }
            for key, (kind, default, description) in known.items()
        ]
        look.say(json.dumps(told, ensure_ascii=False, default=list))
        return
    rows = [
        [key, kind, written(default), meaning(key, description, look.speech)]
        for key, (kind, default, description) in known.items()
    ]
    _show(look, rows)


def meaning(key: str, description: str, language: str) -> str:
    """What a key means, in `language`; the declaration's own words where nobody translated them."""
    name = f"setting.{key}"
    return tr(name, language) if known(name) else description


def written(default: Any) -> str:
    """A default as it would be written in TOML."""
    if isinstance(default, tuple | list):
        return "[" + ", ".join(written(item) for item in default) + "]"
    if isinstance(default, dict):
        return "{" + ", ".join(f"{key} = {written(value)}" for key, value in default.items()) + "}"
    if isinstance(default, bool):
        return str(default).lower()
    return json.dumps(default, ensure_ascii=False) if isinstance(default, str) else str(default)


def _show(look: Terminal, rows: list[list[str]]) -> None:
    from console.display import table
    from console.display.table import Cell, Column
    from console.display.write import write_table

    columns = [
        Column(look.tr("table.key")),
        Column(look.tr("table.type"), drop=2),
        Column(look.tr("table.default"), least=8, drop=1),
        Column(look.tr("table.meaning"), least=16),
    ]
    styled: list[table.Row] = [[Cell(row[0], "bold"), *row[1:]] for row in rows]
    write_table(look, columns, styled)
