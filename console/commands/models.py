"""`citywall models`: learned detectors: trained, judged, listed, put to use and taken back."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import UsageError
from console import options, terminal
from console.framework import Command, Group, option
from console.text import clean

if TYPE_CHECKING:
    from console.terminal import Terminal
    from models.registry import Entry

_FILE = click.Path(path_type=Path, dir_okay=False)
_PLACE = click.Path(path_type=Path)


@click.group(cls=Group, name="models")
@options.looks
def command() -> None:
    """Learned detectors."""


@command.command(cls=Command, name="train", key="models-train")
@click.argument("kind", metavar="KIND")
@option("--table", "table", key="models_table", metavar="FILE", multiple=True, type=_PLACE)
@option("--benign", "benign", key="models_benign", metavar="FILE", multiple=True, type=_FILE)
@option("--seed", "seed", key="models_seed", type=click.IntRange(0, 2**31 - 1))
@option("--activate", "activate", key="models_activate", is_flag=True)
@option("--out", "out", key="models_out", metavar="FILE", type=_FILE)
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def train(
    context: click.Context,
    *,
    kind: str,
    table: tuple[Path, ...],
    benign: tuple[Path, ...],
    seed: int | None,
    activate: bool,
    out: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Train a model and keep it."""
    from models import kinds, modelfile
    from models.registry import Registry

    look = terminal.of(context)
    if activate and out is not None:
        raise UsageError(look.tr("models.out_or_activate"))
    request = kinds.Request(
        _now(), _progress(look), kinds.DEFAULT_SEED if seed is None else seed, table, benign
    )
    card, arrays = kinds.kind_of(kind).train(request)
    registry = Registry(data)
    if out is not None:
        made, place = modelfile.save(out, card, arrays), out
    else:
        made = registry.keep(card, arrays)
        place = registry.path(kind, made.id)
        if activate:
            registry.activate(made.id)
    if as_json:
        told = {"kind": kind, "id": made.id, "path": str(place), "active": activate, **_card(card)}
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        look.say(look.tr("models.trained", kind=kind, id=made.id, path=clean(str(place))))


@command.command(cls=Command, name="evaluate", key="models-evaluate")
@click.argument("kind", metavar="[KIND]", required=False)
@option("--table", "table", key="models_kind", metavar="KIND")
@option("--test", "test", key="models_test", metavar="FILE", multiple=True, type=_PLACE)
@option("--train", "train_on", key="models_train_on", metavar="FILE", multiple=True, type=_PLACE)
@option("--benign", "benign", key="models_benign", metavar="FILE", multiple=True, type=_FILE)
@option("--model", "model", key="models_model", metavar="ID")
@option("--seed", "seed", key="models_seed", type=click.IntRange(0, 2**31 - 1))
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def evaluate(
    context: click.Context,
    *,
    kind: str | None,
    table: str | None,
    test: tuple[Path, ...],
    train_on: tuple[Path, ...],
    benign: tuple[Path, ...],
    model: str | None,
    seed: int | None,
    data: Path,
    as_json: bool,
) -> None:
    """Judge a model on what it has not seen."""
    from models import kinds
    from models.registry import Registry

    look = terminal.of(context)
    if (kind is None) == (table is None):
        raise UsageError(look.tr("models.kind_once"))
    request = kinds.Request(
        _now(), _progress(look), kinds.DEFAULT_SEED if seed is None else seed, train_on, benign, test, model
    )
    told = kinds.kind_of(kind or table or "").evaluate(request, Registry(data))
    if as_json:
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        _report(told, look)


@command.command(cls=Command, name="list", key="models-list")
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def list_(context: click.Context, *, data: Path, as_json: bool) -> None:
    """List models."""
    from console.display.table import Cell, Column
    from console.display.write import write_table
    from models.registry import Registry

    look = terminal.of(context)
    entries = Registry(data).entries()
    if as_json:
        for entry in entries:
            look.say(json.dumps(_entry(entry, look), ensure_ascii=False))
        return
    columns = [
        Column(look.tr("models.kind")),
        Column(look.tr("table.id")),
        Column(look.tr("models.state"), least=8),
        Column(look.tr("models.created"), drop=1),
        Column(look.tr("models.rows"), right=True, drop=2),
    ]
    shown: list[list[Any]] = [
        [
            Cell(e.kind, "bold"), e.id, _state(e, look), e.card.created if e.card else "",
            f"{e.card.data.get('rows', 0):,}" if e.card else "",
        ]
        for e in entries
    ]  # fmt: skip
    if not write_table(look, columns, shown):
        look.note(look.tr("models.none"))


@command.command(cls=Command, name="show", key="models-show")
@click.argument("name", metavar="ID")
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def show(context: click.Context, *, name: str, data: Path, as_json: bool) -> None:
    """Tell everything a model says of itself."""
    from console.display.write import write_heading, write_text
    from models.registry import Registry

    look = terminal.of(context)
    entry = Registry(data).find(name)
    if as_json:
        look.say(json.dumps(_entry(entry, look), ensure_ascii=False))
        return
    write_heading(look, f"{entry.kind} {entry.id}: {_state(entry, look)}")
    for key, value in _entry(entry, look).items():
        if key not in ("kind", "id", "state"):
            said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            write_text(look, f"{key}: {clean(said)}", indent=2)


@command.command(cls=Command, name="activate", key="models-activate")
@click.argument("name", metavar="ID")
@options.data
@options.looks
@click.pass_context
def activate(context: click.Context, *, name: str, data: Path) -> None:
    """Put a model to use."""
    from models.registry import Registry

    look = terminal.of(context)
    entry = Registry(data).activate(name)
    look.say(look.tr("models.activated", kind=entry.kind, id=entry.id))


@command.command(cls=Command, name="rollback", key="models-rollback")
@click.argument("kind", metavar="KIND")
@options.data
@options.looks
@click.pass_context
def rollback(context: click.Context, *, kind: str, data: Path) -> None:
    """Put the model to use that was before."""
    from models.registry import Registry

    look = terminal.of(context)
    entry = Registry(data).rollback(kind)
    if entry is None:
        look.say(look.tr("models.none_now", kind=kind))
    else:
        look.say(look.tr("models.activated", kind=kind, id=entry.id))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _progress(look: Terminal) -> Any:
    return lambda what: look.note(look.tr("models.progress", what=what))


def _state(entry: Entry, look: Terminal) -> str:
    if entry.refusal is not None:
        return look.tr("models.refused", reason=clean(entry.refusal.text(look.speech)))
    return look.tr("models.in_use" if entry.active else "models.shipped" if entry.shipped else "models.kept")


def _card(card: Any) -> dict[str, Any]:
    import msgspec

    told: dict[str, Any] = msgspec.to_builtins(card)
    return {k: v for k, v in told.items() if k not in ("kind", "parameters", "parts")}


def _entry(entry: Entry, look: Terminal) -> dict[str, Any]:
    refusal = entry.refusal and entry.refusal.text(look.speech)
    return {
        "kind": entry.kind, "id": entry.id, "active": entry.active, "shipped": entry.shipped,
        "path": str(entry.path), "refused": refusal, **(_card(entry.card) if entry.card else {}),
    }  # fmt: skip


def _report(told: dict[str, Any], look: Terminal) -> None:
    from console.display.table import Column
    from console.display.write import write_table, write_text

    low, high = told["interval"]
    look.say(
        look.tr("models.accuracy", accuracy=f"{told['accuracy']:.2%}", low=f"{low:.2%}", high=f"{high:.2%}")
    )
    truth = told["confusion"]
    for side in truth:
        look.say(look.tr("models.confusion", side=side, normal=f"{truth[side]['normal']:,}",
                         attack=f"{truth[side]['attack']:,}"))  # fmt: skip
    columns = [Column(look.tr("models.class")), Column(look.tr("models.rows"), right=True),
               Column(look.tr("models.recall"), right=True), Column("95 %", right=True, drop=1)]  # fmt: skip
    write_table(
        look, columns,
        [[name, f"{of['rows']:,}", f"{of['recall']:.2%}", "{:.1%} - {:.1%}".format(*of["interval"])]
         for name, of in told["by_class"].items()],
    )  # fmt: skip
    for key, value in told.items():
        if key not in ("accuracy", "interval", "confusion", "by_class", "by_type", "model", "flags"):
            said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            write_text(look, f"{key}: {clean(said)}")
    for flag in told.get("flags", ()):
        write_text(look, look.tr(f"model_flag.{flag}"))
