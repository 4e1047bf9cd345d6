"""`citywall status`: how the run in a data folder fares."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from citywall.errors import DataFolderError
from console import options, terminal, units
from console.framework import Command

if TYPE_CHECKING:
    from console.display import table
    from console.terminal import Terminal
    from stream.health import Health, ServiceHealth

#: Seconds without news after which that is said.
STALE_S = 5.0


@click.command(cls=Command, name="status")
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def command(context: click.Context, *, data: Path, as_json: bool) -> int:
    """How the run in a data folder fares."""
    look = terminal.of(context)
    options.need_data(data, look)
    import msgspec

    from stream import health

    found = health.read(data)
    if found is None:
        raise DataFolderError(look.tr("error.no_status", path=data))
    cut_off = found.state == "running" and not health.held(data)
    if as_json:
        told = msgspec.to_builtins(found) | {"cut_off": cut_off, "age_s": round(health.age_s(found), 3)}
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        _show(found, look, cut_off=cut_off, age=health.age_s(found))
    return int(cut_off or found.state == "failed")


def _show(found: Health, look: Terminal, *, cut_off: bool, age: float) -> None:
    from console.display.table import Cell, Column
    from console.display.write import write_heading, write_table, write_text

    state = "cut_off" if cut_off else found.state
    write_heading(look, look.tr(f"status.{state}", pid=found.pid, reason=found.reason))
    if state == "running" and age > STALE_S:
        write_text(look, look.tr("status.stale", seconds=f"{age:.0f}"), indent=2)
    if found.path:
        said = look.tr("status.input", session=found.session, sessions=found.sessions, path=found.path)
        write_text(look, said, indent=2)
    totals = "  ".join(f"{name} {units.count(n)}" for name, n in found.totals.items())
    write_text(look, f"{look.tr('status.totals')}: {totals}", indent=2)
    store = found.store
    said = "status.waiting" if store.waiting_for else "status.available"
    line = f"{look.tr('status.store', url=store.url)}: {look.tr(said, reason=store.waiting_for)}"
    if store.waits:
        line += look.tr("status.waited", seconds=f"{store.waited_s:.1f}", waits=store.waits)
    write_text(look, line, indent=2)
    if found.dead_letters:
        write_text(look, look.tr("status.dead_letters", n=found.dead_letters), indent=2)
    for sensor in found.sensors:
        said = "status.sensor_ended" if sensor.ended else "status.sensor"
        counts = {"packets": units.count(sensor.packets), "dropped": units.count(sensor.dropped)}
        line = look.tr(said, path=sensor.path, behind=f"{sensor.behind_s:.0f}", **counts)
        write_text(look, line, indent=2)
        if (rules := sensor.rules) is not None:
            said = "status.rules_recalling" if rules.recalling else "status.rules"
            write_text(look, look.tr(said, behind=f"{rules.behind_s:.1f}"), indent=4)
            if rules.missing:
                write_text(look, look.tr("status.rules_missing", n=units.count(rules.missing)), indent=4)
    for fault in found.faults:
        line = look.tr(f"status.fault_{fault.kind}", sensor=fault.sensor, n=units.count(fault.n))
        write_text(look, line, indent=2)
    if found.service is not None:
        _show_service(found.service, look)
    columns = [
        Column(look.tr("status.stage")),
        Column(look.tr("status.items"), right=True),
        Column(look.tr("status.lag"), right=True),
        Column(look.tr("status.checkpoint"), right=True, drop=1),
        Column(look.tr("status.cpu"), right=True, drop=2),
    ]
    rows: list[table.Row] = [
        [
            Cell(f"{s.stage}/{s.partition}", "bold"),
            units.count(s.items),
            units.count(sum(s.lag.values())),
            "" if s.checkpoint_age_s is None else look.tr("status.ago", seconds=f"{s.checkpoint_age_s:.0f}"),
            f"{s.cpu_seconds:.1f} s",
        ]
        for s in found.stages
    ]
    write_table(look, columns, rows)


def _show_service(service: ServiceHealth, look: Terminal) -> None:
    from console.display.write import write_text

    if service.watch:
        files = {state: service.files.get(state, 0) for state in ("done", "same", "refused")}
        write_text(
            look, look.tr("status.watch", path=service.watch, waiting=service.waiting, **files), indent=2
        )
    if service.stopping:
        write_text(look, look.tr("status.stopping"), indent=2)
    now = time.time_ns()
    for job in service.jobs:
        words = {"name": look.tr(f"job.{job.name}"), "age": f"{max(now - job.at, 0) / 1e9:.0f}"}
        if job.failing:
            write_text(look, look.tr("status.job_failing", reason=job.failing, **words), indent=2)
        elif job.runs:
            write_text(look, look.tr("status.job", **words), indent=2)
