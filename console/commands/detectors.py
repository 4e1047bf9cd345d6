"""`citywall detectors`: what they look for, how they decide, and their parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import UsageError
from citywall.findings import Severity
from console import options, severity, terminal
from console.commands.settings import written
from console.framework import Command, Group

if TYPE_CHECKING:
    from console.display import table
    from console.terminal import Terminal


@click.group(cls=Group, name="detectors")
@options.looks
def command() -> None:
    """What the detectors look for."""


@command.command(cls=Command, name="list", key="detectors-list")
@options.as_json
@options.plain
@options.looks
@click.pass_context
def list_(context: click.Context, *, as_json: bool) -> None:
    """List the detectors."""
    look = terminal.of(context)
    known = _described(look.speech)
    if as_json:
        look.say(json.dumps(list(known.values()), ensure_ascii=False))
        return
    from console.display.table import Cell, Column
    from console.display.write import write_table

    columns = [
        Column(look.tr("table.id")),
        Column(look.tr("table.title"), least=12),
        Column(look.tr("table.axis"), drop=3),
        Column(look.tr("table.attck"), least=8, drop=2),
        Column(look.tr("table.class"), least=8, drop=1),
    ]
    rows: list[table.Row] = [
        [
            Cell(told["id"], "bold"),
            told["title"],
            look.tr(f"axis.{told['axis']}"),
            ", ".join(dict.fromkeys(technique["id"] for technique in told["attck"])),
            told["gb20986"]["subclass"],
        ]
        for told in known.values()
    ]
    write_table(look, columns, rows)


@command.command(cls=Command, name="show", key="detectors-show")
@click.argument("detector", metavar="ID")
@options.as_json
@options.plain
@options.looks
@click.pass_context
def show(context: click.Context, *, detector: str, as_json: bool) -> None:
    """Explain one detector."""
    look = terminal.of(context)
    _known(detector, look)
    known = _described(look.speech)
    if as_json:
        look.say(json.dumps(known[detector], ensure_ascii=False))
    else:
        _show(known[detector], look)


@command.command(cls=Command, name="test", key="detectors-test")
@click.argument("detector", metavar="ID")
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def test(
    context: click.Context, *, detector: str, config: Path | None, assignments: tuple[str, ...], as_json: bool
) -> None:
    """Try a detector on made-up attacks of its kind."""
    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    _known(detector, look)
    from console import tuning

    told = tuning.trials(detector, settings)
    if as_json:
        look.say(json.dumps(told, ensure_ascii=False))
        return
    if not told:
        look.note(look.tr("detectors_tune.no_trials", id=detector))
    for trial in told:
        words = ", ".join(
            f"{look.tr(f'detectors_tune.{level}')} "
            + (look.tr("detectors_tune.missed") if s is None else f"{s:,.1f} s")
            for level, s in trial["seconds"].items()
        )
        look.say(f"{trial['attack']}: {words}")


@command.command(cls=Command, name="tune", key="detectors-tune")
@click.argument("detector", metavar="ID")
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def tune(
    context: click.Context,
    *,
    detector: str,
    data: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show what other thresholds would have raised of the archived flows."""
    before, after = options.load(config, ()), options.load(config, assignments)
    look = terminal.of(context, after.language)
    _known(detector, look)
    options.need_data(data, look)
    from console import tuning

    told = tuning.compare(detector, data, before, after)
    if as_json:
        look.say(json.dumps(told, ensure_ascii=False))
        return
    for side in ("before", "after"):
        counts = ", ".join(
            f"{severity.name(Severity[k.upper()], look.speech)} {n}" for k, n in told[side].items()
        )
        look.say(f"{look.tr(f'detectors_tune.{side}')}: {counts}")
    for change in ("gone", "new", "changed"):
        for one in told[change]:
            grade = severity.name(one["severity"], look.speech)
            look.say(f"{look.tr(f'detectors_tune.{change}')}: {one['kind']} {one['entity']} ({grade})")


def _known(detector: str, look: Terminal) -> None:
    from detectors.registry import DETECTORS

    if detector not in DETECTORS:
        raise UsageError(look.tr("error.no_detector", name=detector, names=", ".join(DETECTORS)))


def _described(language: str) -> dict[str, dict[str, Any]]:
    from detectors.registry import DETECTORS

    return {id_: detector.describe(language) for id_, detector in DETECTORS.items()}


def _show(told: Mapping[str, Any], look: Terminal) -> None:
    from console.display.write import write_heading, write_text

    write_heading(look, f"{told['id']}: {told['title']}")
    techniques = [f"{t['id']} {t['name']} ({t['tactic']['name']})" for t in told["attck"]]
    for key, said in (
        ("version", str(told["version"])),
        ("axis", look.tr(f"axis.{told['axis']}")),
        ("class", told["gb20986"]["subclass"]),
        ("attck", "; ".join(techniques)),
    ):
        write_text(look, f"{look.tr(f'detector.{key}')}: {said}", indent=2)
    for title in told["kinds"].values():
        write_text(look, f"- {title}", indent=2)
    for key in ("reasoning", "false_positives", "remediation"):
        look.say("")
        write_heading(look, look.tr(f"detector.{key}"))
        write_text(look, told[key], indent=2)
    look.say("")
    write_heading(look, look.tr("detector.parameters", id=told["id"]))
    for parameter in told["parameters"]:
        write_text(
            look, f"{parameter['name']} = {written(parameter['default'])}  {_bounds(parameter)}", indent=2
        )
        write_text(look, parameter["description"], indent=6)


def _bounds(parameter: Mapping[str, Any]) -> str:
    """`[1 .. 3600 s]`: the range and the unit, as far as they are declared."""
    low, high, unit = parameter["low"], parameter["high"], parameter["unit"]
    span = "" if low is None and high is None else f"{_number(low)} .. {_number(high)}"
    inside = " ".join(part for part in (span, unit) if part)
    return f"[{inside}]" if inside else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
