"""`citywall rules explain` and `rules test`: what one rule, or a few, make of one capture."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import UsageError
from console import options, terminal
from console.framework import Command, option

if TYPE_CHECKING:
    from console.terminal import Terminal
    from rules.language.model import Rule
    from rules.match.explain import Explanation

_FILE = click.Path(path_type=Path, dir_okay=False)


def rules_of(files: tuple[Path, ...], text: str = "") -> list[Rule]:
    """The rules of files, or of a text; the ones that ship where neither is given."""
    from rules.classes import CLASSES
    from rules.language.parser import Parser
    from rules.pack import SHIPPED, found

    parser = Parser(classes=CLASSES)
    read = parser.files([found(path) for path in files] or (() if text else (SHIPPED,)))
    if text:
        parser.text(text, "-", read)
    if read.rejected and (text or not read.rules):
        told = read.rejected[0]
        raise UsageError(f"{told.file}:{told.line}:{told.column}: {told.reason}")
    return read.rules


@click.command(cls=Command, name="explain", key="rules-explain")
@click.argument("sid", type=int)
@option("--capture", key="capture_file", metavar="PATH", type=_FILE, required=True)
@option("--rules", "files", key="rules", metavar="FILE", multiple=True, type=_FILE)
@options.as_json
@options.plain
@options.looks
@click.pass_context
def explain(
    context: click.Context, *, sid: int, capture: Path, files: tuple[Path, ...], as_json: bool
) -> int:
    """Show each condition of a rule in order against what comes nearest to it in a capture."""
    from rules.match import explain as explaining
    from rules.match.engine import Engine
    from stream.matching import everything, matched

    look = terminal.of(context)
    rules = [rule for rule in rules_of(files) if rule.sid == sid]
    if not rules:
        raise UsageError(look.tr("rules.no_such", sid=sid))
    told = explaining.explain(rules[0], matched(capture, Engine(rules), wanted=everything))
    if as_json:
        look.say(json.dumps(_packed(rules[0], told), ensure_ascii=False))
    else:
        _show(rules[0], told, look)
    return 0 if told.told else 1


def _packed(rule: Rule, told: Explanation) -> dict[str, Any]:
    near = told.nearest
    return {
        "sid": rule.sid,
        "message": rule.message,
        "frames": told.told,
        "never": told.never,
        "nearest": None
        if near is None
        else {
            "kind": near.thing,
            "frame": near.frame,
            "source": near.source,
            "target": near.target,
            "direction": ("to_server", "to_client")[near.direction],
            "conditions": [
                {"kind": s.kind, "demand": s.demand, "met": s.met, "saw": s.saw} for s in near.steps
            ],
        },
    }


def _show(rule: Rule, told: Explanation, look: Terminal) -> None:
    from console.display.write import write_heading, write_text

    write_heading(look, f"{rule.sid}: {rule.message}")
    if told.told:
        frames = ", ".join(map(str, told.told[:10]))
        look.say(look.tr("explain.told", count=len(told.told), frames=frames))
    else:
        look.say(look.tr("explain.not_told"))
    for why in told.never:
        look.say(look.tr("rules.never", why=why))
    near = told.nearest
    if near is None:
        look.say(look.tr("explain.nothing"))
        return
    thing = look.tr(f"explain.{near.thing}")
    look.say(
        look.tr("explain.nearest", thing=thing, frame=near.frame, source=near.source, target=near.target)
    )
    for step in near.steps:
        mark = look.tr("explain.met" if step.met else "explain.failed")
        line = f"{mark} {look.tr(f'explain.{step.kind}')}: {step.demand}"
        write_text(look, line + (look.tr("explain.saw", saw=step.saw) if step.saw else ""), indent=2)


@click.command(cls=Command, name="test", key="rules-test")
@click.argument("capture", type=_FILE, metavar="CAPTURE")
@option("--rules", "files", key="rules", metavar="FILE", multiple=True, type=_FILE)
@option("--text", key="rule_text", metavar="RULE")
@options.as_json
@options.plain
@options.looks
@click.pass_context
def test(
    context: click.Context, *, capture: Path, files: tuple[Path, ...], text: str | None, as_json: bool
) -> int:
    """Match rules, or one rule given as text, over a capture."""
    from rules.match.engine import Engine
    from stream.matching import over_capture

    look = terminal.of(context)
    alerts = over_capture(capture, Engine(rules_of(files, text or "")))
    if as_json:
        counts = Counter(alert.rule.sid for alert in alerts)
        rows = [
            {"frame": a.frame, "sid": a.rule.sid, "message": a.rule.message, "action": a.action}
            for a in alerts
        ]
        told = {"alerts": rows, "counts": {str(sid): n for sid, n in sorted(counts.items())}}
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        for alert in alerts:
            look.say(f"{alert.frame}: {alert.action} {alert.rule.sid} {alert.rule.message}")
        look.say(look.tr("explain.tested", count=len(alerts)))
    return 0 if alerts else 1
