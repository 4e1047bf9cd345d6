"""`citywall drill`: attacks replayed in a lane of their own, and how detection and people did."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import UsageError
from console import complaints, folders, options, terminal
from console.commands import run as run_command
from console.framework import Command, Group, option
from console.text import clean

if TYPE_CHECKING:
    from console.terminal import Terminal
    from drills.document import Document
    from drills.folder import Planned
    from drills.running import Observed
    from drills.scenario import Scenario

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_name = click.argument("name", metavar="DRILL")


class Speed(click.ParamType):
    """`max`, or how many times as fast as the clock."""

    name = "speed"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The speed; 0 for `max`."""
        if value == "max":
            return 0.0
        try:
            speed = float(str(value).removeprefix("x"))
        except ValueError:
            speed = 0.0
        if not 0.01 <= speed <= 100_000:
            look = terminal.of(ctx) if ctx else None
            self.fail(look.tr("drill.bad_speed", text=value) if look else str(value), param, ctx)
        return speed


@click.group(cls=Group, name="drill")
@options.looks
def command() -> None:
    """Drills: attacks replayed, detection and people scored."""


@command.command(cls=Command, name="scenarios", key="drill-scenarios")
@options.as_json
@options.plain
@options.looks
@click.pass_context
def scenarios(context: click.Context, *, as_json: bool) -> None:
    """List the scenarios that ship."""
    from console.display.table import Column
    from console.display.write import write_table
    from drills import library, reading

    look = terminal.of(context)
    found = [reading.read(name) for name in library.SHIPPED]
    if as_json:
        for s in found:
            look.say(json.dumps(_scenario(s), ensure_ascii=False))
        return
    columns = [Column(look.tr("drill.scenario")), Column(look.tr("drill.title"), least=12),
               Column("s", right=True), Column(look.tr("drill.purpose"), least=20)]  # fmt: skip
    write_table(
        look, columns,
        [
            [s.id, s.title.text(look.speech), str(s.seconds), " ".join(s.purpose.text(look.speech).split())]
            for s in found
        ],
    )  # fmt: skip


@command.command(cls=Command, name="check", key="drill-check")
@click.argument("files", metavar="SCENARIO...", nargs=-1, required=True)
@options.as_json
@options.plain
@options.looks
@click.pass_context
def check(context: click.Context, *, files: tuple[str, ...], as_json: bool) -> None:
    """Tell every fault of scenarios."""
    from drills import reading

    look = terminal.of(context)
    faults = [fault for file in files for fault in reading.examine(file)[1]]
    if as_json:
        told = {"accepted": not faults, "faults": complaints.faults(faults, look.speech)}
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        for fault in faults:
            look.say(clean(fault.text(look.speech)))
        if not faults:
            look.say(look.tr("drill.accepted", count=len(files)))
    if faults:
        raise click.exceptions.Exit(1)


@command.command(cls=Command, name="plan", key="drill-plan")
@click.argument("scenario", metavar="[SCENARIO]", required=False)
@option("--from-capture", "capture", key="from_capture", metavar="FILE", type=_FILE)
@option("--truth", "truth", key="drill_truth", metavar="FILE", type=_FILE)
@option("--name", "name", key="drill_name", metavar="NAME")
@option("--title", "title", key="drill_title", metavar="TEXT")
@option("--seed", "seed", key="drill_seed", type=click.IntRange(0, 999_999_999))
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def plan(
    context: click.Context,
    *,
    scenario: str | None,
    capture: Path | None,
    truth: Path | None,
    name: str | None,
    title: str | None,
    seed: int | None,
    data: Path,
    as_json: bool,
) -> None:
    """Make a drill."""
    import msgspec

    from drills import folder, library, reading, recorded

    look = terminal.of(context)
    if (scenario is None) == (capture is None) or (truth is not None and capture is None):
        raise UsageError(look.tr("drill.scenario_or_capture"))
    source: Path | None
    if capture is not None:
        if seed is not None:
            raise UsageError(look.tr("drill.no_seed"))
        chosen, source = recorded.scenario_of(capture, truth, title or name), None
    else:
        assert scenario is not None
        chosen, source = reading.read(scenario), library.find(scenario) or Path(scenario)
        if seed is not None and chosen.recorded:
            raise UsageError(look.tr("drill.no_seed"))
        chosen = chosen if seed is None else msgspec.structs.replace(chosen, seed=seed)
    now, root = time.time_ns(), folder.root_of(data)
    day = time.strftime("%Y%m%d", time.localtime(now // 1_000_000_000))
    look.note(look.tr("drill.planning", scenario=chosen.id))
    made = folder.plan(chosen, root, name or folder.free_name(root, chosen.id, day), now, source=source)
    if as_json:
        look.say(json.dumps(_plan(made), ensure_ascii=False))
        return
    look.say(
        look.tr(
            "drill.planned", name=made.drill.name, folder=clean(str(made.folder)), digest=made.drill.digest,
            seed=made.drill.seed, packets=f"{made.truth.packets:,}", attacks=len(made.truth.attacks),
        )
    )  # fmt: skip


@command.command(cls=Command, name="list", key="drill-list")
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def list_(context: click.Context, *, data: Path, as_json: bool) -> None:
    """List drills."""
    from console.display.table import Column
    from console.display.write import write_table
    from drills import folder, running

    look, root = terminal.of(context), folder.root_of(data)
    rows = []
    for name in folder.names(root):
        run = running.run_of(root / name)
        state = "not_run" if run is None else "ended" if run.ended else "running"
        rows.append((folder.load(root, name), state))
    if as_json:
        for planned, state in rows:
            look.say(json.dumps({**_plan(planned), "state": state}, ensure_ascii=False))
        return
    columns = [Column(look.tr("drill.name")), Column(look.tr("drill.title"), least=10),
               Column(look.tr("drill.state")), Column(look.tr("drill.digest"), drop=1)]  # fmt: skip
    shown: list[list[Any]] = [
        [
            p.drill.name, clean(p.drill.title.text(look.speech)), look.tr(f"drill_doc.state_{state}"),
            p.drill.digest[:20],
        ]
        for p, state in rows
    ]  # fmt: skip
    if not write_table(look, columns, shown):
        look.note(look.tr("drill.none"))


@command.command(cls=Command, name="brief", key="drill-brief")
@_name
@option("--trainer", key="drill_trainer", is_flag=True)
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def brief(context: click.Context, *, name: str, trainer: bool, data: Path, as_json: bool) -> None:
    """Print a drill's briefing."""
    from drills import briefing, folder

    look = terminal.of(context)
    planned = folder.load(folder.root_of(data), name)
    told = briefing.brief(planned, look.speech, trainer=trainer)
    if as_json:
        words = {"drill": name, "language": look.speech, "trainer": trainer, "text": told.markdown()}
        look.say(json.dumps(words, ensure_ascii=False))
    else:
        show(told, look)


@command.command(cls=Command, name="run", key="drill-run")
@_name
@option("--speed", "speed", key="drill_speed", type=Speed(), default="max", show_default=True)
@options.data
@options.settings
@options.as_json
@options.plain
@option("--quiet", "-q", key="quiet", is_flag=True)
@options.log_level
@options.looks
@click.pass_context
def run(
    context: click.Context,
    *,
    name: str,
    speed: float,
    data: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    log_level: str,
) -> int:
    """Replay a drill through the stream."""
    import msgspec

    from drills import folder, running

    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    planned = folder.load(folder.root_of(data), name)
    folders.start_log(planned.folder, log_level)
    display = run_command.choose_display(look, as_json, quiet)
    with run_command.interruptible(look, planned.folder), display:
        done, report = running.run(planned, data, settings, speed=speed, observe=display)
    if as_json:
        told = {"drill": name, **msgspec.to_builtins(done), "resumed": report.resumed,
                "seconds": dict(report.seconds)}  # fmt: skip
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        look.say(look.tr("drill.ran", name=name, packets=f"{done.packets:,}", alerts=done.alerts))
    return run_command.exit_code(report)


@command.command(cls=Command, name="score", key="drill-score")
@_name
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def score(
    context: click.Context,
    *,
    name: str,
    data: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Score a drill."""
    from drills import record, scoring
    from drills.document import Document

    look, planned, observed = _observed(context, name, data, config, assignments)
    drill = planned.drill
    made = scoring.score(drill.name, drill.digest, planned.scenario, planned.truth, observed)
    if as_json:
        look.say(json.dumps(json.loads(scoring.encode(made)), ensure_ascii=False))
        return
    told = Document(look.speech)
    record.show_score(told, made)
    show(told, look)


@command.command(cls=Command, name="report", key="drill-report")
@_name
@option("--out", "out", key="drill_out", metavar="FOLDER", type=_FOLDER)
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def report(
    context: click.Context,
    *,
    name: str,
    out: Path | None,
    data: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write a drill's record pack."""
    from drills import record

    look, planned, observed = _observed(context, name, data, config, assignments)
    pack = record.write(planned, observed, out or planned.folder / record.REPORT)
    if as_json:
        told = {"drill": name, "folder": str(pack.folder), "files": [f.path for f in pack.files],
                "manifest": {"sm3": pack.sm3, "sha256": pack.sha256}}  # fmt: skip
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        look.say(look.tr("drill.reported", folder=clean(str(pack.folder)), count=len(pack.files),
                         sm3=pack.sm3, sha256=pack.sha256))  # fmt: skip


def _observed(
    context: click.Context, name: str, data: Path, config: Path | None, assignments: tuple[str, ...]
) -> tuple[Terminal, Planned, Observed]:
    from drills import folder, running

    settings = options.load(config, assignments)
    planned = folder.load(folder.root_of(data), name)
    return terminal.of(context, settings.language), planned, running.observed(planned, data, settings)


def show(told: Document, look: Terminal) -> None:
    """A document on the terminal."""
    from console.display.table import Column
    from console.display.write import write_heading, write_table, write_text
    from drills.document import Heading, Paragraph

    for at, block in enumerate(told.blocks):
        if isinstance(block, Heading):
            if at:
                look.say("")
            write_heading(look, clean(block.text))
        elif isinstance(block, Paragraph):
            for line in block.text.splitlines():
                write_text(look, clean(line))
        elif any(block.columns):
            columns = [Column(clean(c), least=6) for c in block.columns]
            write_table(look, columns, [[clean(cell) for cell in row] for row in block.rows])
        else:
            for key, value in block.rows:
                write_text(look, clean(f"{key}: {value}"))


def _plan(made: Planned) -> dict[str, Any]:
    drill = made.drill
    return {
        "name": drill.name, "id": drill.id, "folder": str(made.folder), "scenario": drill.scenario,
        "title": drill.title.zh, "title_en": drill.title.en, "digest": drill.digest, "seed": drill.seed,
        "packets": made.truth.packets, "attacks": len(made.truth.attacks),
    }  # fmt: skip


def _scenario(found: Scenario) -> dict[str, Any]:
    return {
        "id": found.id, "title": found.title.zh, "title_en": found.title.en, "seconds": found.seconds,
        "seed": found.seed, "attacks": len(found.attacks), "purpose": found.purpose.zh,
        "purpose_en": found.purpose.en,
    }  # fmt: skip
