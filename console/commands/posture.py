"""`citywall posture`: the index on five axes, and which alerts took how much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import UsageError
from console import options, severity, since, terminal
from console.framework import Command, option
from console.text import clean

if TYPE_CHECKING:
    from citywall.settings import Settings
    from console.display import table
    from console.terminal import Terminal

_HOUR = 3_600_000_000_000


@click.command(cls=Command, name="posture")
@options.data
@option("--unit", "unit", key="posture_unit", metavar="UNIT")
@option("--system", "system", key="posture_system", metavar="SYSTEM")
@option("--at", "at", key="posture_at", metavar="T")
@option("--explain", "explain", key="posture_explain", is_flag=True)
@option("--register", "place", key="register", metavar="PATH")
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def command(
    context: click.Context,
    *,
    data: Path,
    unit: str | None,
    system: str | None,
    at: str | None,
    explain: bool,
    place: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Posture of the city, a unit or a system."""
    import time

    settings = options.load(config, assignments, *([f"register={place}"] if place else []))
    look = terminal.of(context, settings.language)
    if unit is not None and system is not None:
        raise UsageError(look.tr("error.posture_both"))
    if not settings.register:
        raise UsageError(look.tr("error.no_register"))
    options.need_data(data, look)
    now = time.time_ns()
    until = now if at is None else since.parse(at, look.speech, now)
    from posture import index, telling
    from reports import reading

    register = reading.register_of(settings)
    assert register is not None
    begin = until - settings.posture.window_hours * _HOUR
    watched = reading.watch(settings, data, register, begin, until)
    sensors = watched.sensors()
    found = index.posture(register, watched.alerts, sensors, begin, until)
    rows = telling.chosen(found, unit, system)
    if not rows:
        raise UsageError(look.tr("error.posture_unknown", name=clean(system or unit or "")))
    told = telling.told(found, rows, register, explain=explain)
    told["seen"] = {
        "flows": watched.flows, "hosts": watched.hosts, "alerts": len(watched.alerts),
        "axes": sorted(sensors.axes), "silent": list(sensors.silent), "dropped": list(sensors.dropped),
    }  # fmt: skip
    told["models"] = _models(settings, data, until)
    if as_json:
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        _show(told, {u.id: u for u in register.units}, look, explain=explain)
        for model in told["models"]:
            if model["state"] != "fine":
                words = {"kind": model["kind"], "id": model["id"], "days": model["age_days"]}
                look.note(look.tr(f"report_reason.model_{model['state']}", **words))


def _models(settings: Settings, data: Path, until: int) -> list[dict[str, Any]]:
    """Learned models in use, as of `until`; whether they drift by the newest flows of the archive."""
    if not (data / "models").is_dir():
        return []
    import msgspec

    from models.health import health, recent

    found = health(data, until, settings.models.stale_days, recent(data))
    return [msgspec.to_builtins(one) for one in found]


def _show(told: dict[str, Any], units: dict[str, Any], look: Terminal, *, explain: bool) -> None:
    from console.display.table import Column
    from console.display.write import write_heading, write_table, write_text
    from posture.index import AXES

    write_heading(look, look.tr("posture.window", since=told["since"][:16], until=f"{told['until'][:16]}Z"))
    seen = told["seen"]
    axes = ", ".join(look.tr(f"alerts_axis.{axis}") for axis in seen["axes"]) or "-"
    counts = {name: f"{seen[name]:,}" for name in ("flows", "hosts", "alerts")}
    write_text(look, look.tr("posture.seen", axes=axes, **counts), indent=2)
    columns = [
        Column(look.tr("posture.name"), least=12),
        *(Column(look.tr(f"alerts_axis.{axis}"), right=True) for axis in AXES),
    ]
    rows: list[table.Row] = [
        [_name(row, units, look), *(_index(row["axes"][axis], look) for axis in AXES)] for row in told["rows"]
    ]
    write_table(look, columns, rows)
    if any(row["axes"][axis]["observation"] == "partial" for row in told["rows"] for axis in AXES):
        look.note(look.tr("posture.partial"))
    if explain:
        _explain(told, units, look)


def _explain(told: dict[str, Any], units: dict[str, Any], look: Terminal) -> None:
    from console.display.table import Cell, Column
    from console.display.write import write_heading, write_table, write_text

    weights = {
        name: ", ".join(f"{key} {value:g}" for key, value in told["formula"][name].items())
        for name in ("severity", "side", "status")
    }
    write_text(look, look.tr("posture.formula", formula=told["formula"]["name"], **weights))
    columns = [
        Column(look.tr("table.time"), drop=3),
        Column(look.tr("table.severity")), Column(look.tr("posture.rule")),
        Column(look.tr("posture.side")), Column(look.tr("posture.status"), drop=2),
        Column(look.tr("posture.points"), right=True), Column(look.tr("posture.loss"), right=True),
        Column(look.tr("table.id"), least=8, drop=1),
    ]  # fmt: skip
    for row in told["rows"]:
        for axis, figure in row["axes"].items():
            taken = figure.get("taken")
            if not taken:
                continue
            words = {
                "name": _name(row, units, look), "axis": look.tr(f"alerts_axis.{axis}"),
                "index": figure["index"],
                "reasons": ", ".join(look.tr(f"posture.{reason}") for reason in figure["reasons"]),
            }  # fmt: skip
            write_heading(look, look.tr("posture.because" if figure["reasons"] else "posture.what", **words))
            lines: list[table.Row] = [
                [
                    one["time"][:19].replace("T", " "),
                    Cell(severity.mark(one["severity"], look.speech), severity.style(one["severity"])),
                    clean(one["rule"]), look.tr(f"report_side.{one['side']}"),
                    look.tr(f"report_status.{one['status']}"), f"{one['points']:.1f}", f"-{one['loss']:.1f}",
                    Cell(clean(one["alert"]), "dim"),
                ]
                for one in taken
            ]  # fmt: skip
            write_table(look, columns, lines)


def _index(figure: dict[str, Any], look: Terminal) -> str:
    if figure["index"] is None:
        return look.tr("posture.not_observed")
    return f"{'~' if figure['observation'] == 'partial' else ''}{figure['index']:.1f}"


def _name(row: dict[str, Any], units: dict[str, Any], look: Terminal) -> str:
    if row["kind"] == "city":
        return look.tr("posture.city")
    if not row["id"]:
        unit = units.get(row["unit"])
        name = (look.speech == "en" and unit.name_en) or unit.name if unit else row["unit"]
        return clean(look.tr("posture.others", unit=name))
    return clean(str((look.speech == "en" and row["name_en"]) or row["name"]))
