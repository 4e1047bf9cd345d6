"""`citywall dead-letters`: messages that the stream could not use, and how to heal them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import UsageError
from console import folders, options, terminal
from console.framework import Command, Group, option

if TYPE_CHECKING:
    from console.terminal import Terminal
    from stream.letters import Letter


@click.group(cls=Group, name="dead-letters")
@options.looks
def command() -> None:
    """Messages that the stream could not use."""


@command.command(cls=Command, name="list", key="dead-letters-list")
@options.data
@option("--all", "healed", key="dead_letters_all", is_flag=True)
@options.as_json
@options.plain
@options.looks
@click.pass_context
def list_(context: click.Context, *, data: Path, healed: bool, as_json: bool) -> None:
    """List dead letters, oldest first."""
    look = terminal.of(context)
    options.need_data(data, look)
    from stream.letters import LetterBox

    letters = LetterBox(data).letters(healed=healed)
    if as_json:
        for letter in letters:
            look.say(json.dumps(_plain(letter), ensure_ascii=False))
        return
    _write(letters, look)


@command.command(cls=Command, name="show", key="dead-letters-show")
@click.argument("letter", metavar="ID")
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def show(context: click.Context, *, letter: str, data: Path, as_json: bool) -> None:
    """Show one dead letter: where it stood, why it could not be used, what it holds."""
    look = terminal.of(context)
    options.need_data(data, look)
    from stream.letters import LetterBox, contents

    box = LetterBox(data)
    (found,) = box.letters(ids=[letter])
    told = _plain(found)
    message = box.message(found.id)
    told["message"] = None if message is None else contents(message)
    if as_json:
        look.say(json.dumps(told, ensure_ascii=False))
        return
    from console.display.write import write_heading, write_text

    write_heading(look, f"{found.id}: {found.reason}")
    for name, value in told.items():
        if name not in {"id", "reason"}:
            said = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
            write_text(look, f"{name}: {said}", indent=2)


@command.command(cls=Command, name="replay", key="dead-letters-replay")
@click.argument("letters", metavar="ID...", nargs=-1)
@options.data
@option("--all", "everything", key="dead_letters_replay_all", is_flag=True)
@options.settings
@options.as_json
@options.plain
@option("--quiet", "-q", key="quiet", is_flag=True)
@options.log_level
@options.looks
@click.pass_context
def replay(
    context: click.Context,
    *,
    letters: tuple[str, ...],
    data: Path,
    everything: bool,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    log_level: str,
) -> int:
    """Run the sessions of dead letters again: what was missing is then there."""
    from console.commands import run as running
    from stream.letters import LetterBox

    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    options.need_data(data, look)
    if bool(letters) == everything:
        raise UsageError(look.tr("error.which_letters"))
    chosen = LetterBox(data).letters(ids=letters)
    if not chosen:
        look.note(look.tr("dead_letters.none"))
        return 0
    folders.start_log(data, log_level)
    from stream import healing

    display = running.choose_display(look, as_json, quiet)
    with running.interruptible(look, data), display:
        healed = healing.replay(chosen, data, settings, display)
    if as_json:
        told = running.as_object(healed.report, data) | {"healed": healed.healed, "again": healed.again}
        look.say(json.dumps(told, ensure_ascii=False))
    look.note(look.tr("dead_letters.replayed", healed=len(healed.healed), again=len(healed.again)))
    return int(bool(healed.again)) or running.exit_code(healed.report)


def _plain(letter: Letter) -> dict[str, Any]:
    """As `--json` has it: times in ISO 8601."""
    import msgspec

    from alerts.times import to_iso

    told: dict[str, Any] = msgspec.to_builtins(letter)
    told["noted"] = to_iso(letter.noted)
    told["healed"] = None if letter.healed is None else to_iso(letter.healed)
    return told


def _write(letters: list[Letter], look: Terminal) -> None:
    from alerts.times import to_iso
    from console.display.table import Cell, Column
    from console.display.write import write_table

    if not letters:
        look.note(look.tr("dead_letters.none"))
        return
    columns = [
        Column(look.tr("table.id")),
        Column(look.tr("dead_letters.noted"), drop=2),
        Column(look.tr("dead_letters.stage")),
        Column(look.tr("dead_letters.path"), least=10, drop=1),
        Column(look.tr("dead_letters.reason"), least=16),
    ]
    write_table(
        look,
        columns,
        [
            [
                Cell(letter.id, "dim" if letter.healed else "bold"),
                to_iso(letter.noted)[:19],
                f"{letter.stage}/{letter.partition}",
                letter.path or letter.session,
                letter.reason,
            ]
            for letter in letters
        ],
    )
