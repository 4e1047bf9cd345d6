"""`citywall rules profile`: what each rule costs over a capture."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from console import options, terminal
from console.commands.rulesexplain import rules_of
from console.framework import Command, option

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(cls=Command, name="profile", key="rules-profile")
@click.argument("capture", type=_FILE, metavar="CAPTURE")
@option("--rules", "files", key="rules", metavar="FILE", multiple=True, type=_FILE)
@option("--top", key="top", type=click.IntRange(1), default=25, show_default=True)
@options.as_json
@options.plain
@options.looks
@click.pass_context
def profile(
    context: click.Context, *, capture: Path, files: tuple[Path, ...], top: int, as_json: bool
) -> None:
    """Tell candidates, checks, hits and cost of each rule over a capture."""
    from rules.match.engine import Engine
    from rules.match.profile import Profile
    from stream.matching import matched

    look = terminal.of(context)
    engine = Engine(rules_of(files))
    profiled = Profile(engine)
    began, packets = time.process_time_ns(), 0
    for scene, alerts in matched(capture, engine):
        packets += len(scene.packets) - scene.carried
        profiled.add(alerts)
    total = time.process_time_ns() - began
    rows = profiled.rows()
    own = sum(row.cost for row in rows)
    if as_json:
        told = {
            "packets": packets,
            "rules": len(engine.rules),
            "total_ns": total,
            "rules_ns": own,
            "by_rule": [
                {
                    "gid": row.rule.gid, "sid": row.rule.sid, "message": row.rule.message,
                    "candidates": row.candidates, "refused": row.refused, "checks": row.checks,
                    "hits": row.hits, "cost_ns": row.cost,
                }
                for row in rows
            ],
        }  # fmt: skip
        look.say(json.dumps(told, ensure_ascii=False))
        return
    from console.display.table import Cell, Column
    from console.display.write import write_table

    names = ("cost", "candidates", "refused", "checks", "hits")
    columns = [
        Column("sid"),
        *(Column(look.tr(f"rulelife.{name}"), right=True) for name in names),
        Column(look.tr("rules.message"), least=20),
    ]
    write_table(
        look,
        columns,
        [
            [
                Cell(str(row.rule.sid), "bold"), f"{row.cost / 1000:.1f}", str(row.candidates),
                str(row.refused), str(row.checks), str(row.hits), row.rule.message,
            ]
            for row in rows[:top]
        ],
    )  # fmt: skip
    look.say(
        look.tr(
            "rulelife.profiled", packets=packets, rules=len(engine.rules), seen=len(rows),
            total=f"{total / 1e9:.2f}", own=f"{own / 1e9:.3f}",
        )
    )  # fmt: skip
