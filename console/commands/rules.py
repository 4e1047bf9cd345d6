"""`citywall rules`: signatures in Suricata's language, checked, looked at and tested."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import UsageError
from console import options, rulecheck, rulefolder, terminal
from console.commands import rulelife, rulesexplain, rulesprofile
from console.framework import Command, Group, option

if TYPE_CHECKING:
    from console.terminal import Terminal
    from rules.language.model import Rule
    from rules.language.parser import RuleSet
    from rules.sets.choices import Choice

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(cls=Group, name="rules")
@options.looks
def command() -> None:
    """Signatures."""


command.add_command(rulesexplain.explain)
command.add_command(rulesexplain.test)
command.add_command(rulesprofile.profile)
for _each in (rulelife.update, rulelife.enable, rulelife.disable, rulelife.versions, rulelife.rollback):
    command.add_command(_each)


@command.command(cls=Command, name="check", key="rules-check")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@option("--flow-logs", "flow_logs", key="flow_logs", is_flag=True)
@options.as_json
@options.plain
@options.looks
@click.pass_context
def check(context: click.Context, *, files: tuple[Path, ...], flow_logs: bool, as_json: bool) -> int:
    """Read rules and tell what is wrong with them."""
    look = terminal.of(context)
    found = read([file for file in files if rulecheck.is_signatures(file)])
    others = rulecheck.others(files)
    never = sum(bool(rule.cannot) for rule in found.rules)
    if as_json:
        told = {
            "rules": found.total,
            "accepted": len(found.rules),
            "rejected": [
                {"file": r.file, "line": r.line, "column": r.column, "sid": r.sid, "reason": r.reason}
                for r in found.rejected
            ],
            "left_out": found.left_out,
            "never": _reasons(found.rules),
        }
        if flow_logs:
            told["flow_logs"] = rulecheck.answered(found.rules)
        look.say(json.dumps(told | others.packed(), ensure_ascii=False))
    else:
        for r in found.rejected:
            look.say(f"{r.file}:{r.line}:{r.column}: sid {r.sid or '?'}: {r.reason}")
        if found.total or not others:
            look.say(
                look.tr(
                    "rules.checked",
                    rules=found.total,
                    accepted=len(found.rules),
                    rejected=len(found.rejected),
                    left_out=found.left_out,
                    never=never,
                )
            )
        others.tell(look)
        if flow_logs:
            rulecheck.tell_answered(found.rules, look)
    return 1 if found.rejected or others.rejected else 0


def _reasons(rules: Sequence[Rule]) -> dict[str, int]:
    """How many rules were understood but can never match here, by the reason."""
    found: dict[str, int] = {}
    for rule in rules:
        for why in rule.cannot[:1]:
            found[why] = found.get(why, 0) + 1
    return found


def read(files: Sequence[Path]) -> RuleSet:
    """The rules of files, with the variables of the settings' defaults; `shipped` names ours."""
    from rules.classes import CLASSES
    from rules.language.parser import Parser
    from rules.pack import found

    return Parser(classes=CLASSES).files([found(path) for path in files])


def _kept(files: tuple[Path, ...], data: Path) -> tuple[list[Rule], tuple[Choice, ...]]:
    """The rules of files; of the data folder where none are given, with what is switched on and off."""
    if files:
        return read(files).rules, ()
    from rules.sets.changing import everything

    folder = rulefolder.of(data)
    version = folder.current()
    return everything(folder, version), version.choices


@command.command(cls=Command, name="list", key="rules-list")
@click.argument("files", nargs=-1, type=_FILE, metavar="[FILE...]")
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def list_(context: click.Context, *, files: tuple[Path, ...], data: Path, as_json: bool) -> None:
    """List rules."""
    from rules.sets.choices import is_on

    look = terminal.of(context)
    rules, choices = _kept(files, data)
    on = [is_on(rule, choices) for rule in rules]
    sigma = [] if files else rulecheck.sigma(rulefolder.of(data))
    if as_json:
        for rule, used in zip(rules, on, strict=True):
            look.say(json.dumps(_brief(rule) | {"on": used}, ensure_ascii=False))
        for told in sigma:
            look.say(json.dumps(told, ensure_ascii=False))
        return
    from console.display.table import Cell, Column
    from console.display.write import write_table

    columns = [
        Column("sid"),
        Column(look.tr("rulelife.state"), drop=3),
        Column(look.tr("rules.action"), drop=2),
        Column(look.tr("rules.protocol"), drop=1),
        Column(look.tr("rules.message"), least=20),
    ]
    write_table(
        look,
        columns,
        [
            [
                Cell(str(rule.sid), "bold"),
                look.tr("rulelife.on" if used else "rulelife.off"),
                rule.action,
                rule.protocol,
                rule.message,
            ]
            for rule, used in zip(rules, on, strict=True)
        ]
        + [
            [
                Cell(told["sigma"], "bold"),
                look.tr("rulelife.on" if told["on"] else "rulelife.off"),
                "sigma",
                told["source"],
                told["title"],
            ]
            for told in sigma
        ],
    )


def _brief(rule: Rule) -> dict[str, Any]:
    return {
        "sid": rule.sid,
        "gid": rule.gid,
        "rev": rule.rev,
        "action": rule.action,
        "protocol": rule.protocol,
        "message": rule.message,
        "class": rule.classtype,
        "priority": rule.priority,
        "file": rule.file,
        "line": rule.line,
        "metadata": rule.metadata,
        "never": rule.cannot,
    }


@command.command(cls=Command, name="show", key="rules-show")
@click.argument("sid", type=int)
@click.argument("files", nargs=-1, type=_FILE, metavar="[FILE...]")
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def show(context: click.Context, *, sid: int, files: tuple[Path, ...], data: Path, as_json: bool) -> None:
    """Show one rule as it was understood."""
    look = terminal.of(context)
    rules = [rule for rule in _kept(files, data)[0] if rule.sid == sid]
    if not rules:
        raise UsageError(look.tr("rules.no_such", sid=sid))
    from rules.telling import demands

    for rule in rules:
        if as_json:
            told = _brief(rule) | {"text": rule.text, "demands": demands(rule)}
            look.say(json.dumps(told, ensure_ascii=False))
        else:
            _show(rule, look)


def _show(rule: Rule, look: Terminal) -> None:
    from console.display.write import write_heading, write_text
    from rules.telling import demands

    write_heading(look, f"{rule.sid}: {rule.message}")
    write_text(look, rule.text, indent=2)
    look.say("")
    write_heading(look, look.tr("rules.demands"))
    for line in demands(rule):
        write_text(look, f"- {line}", indent=2)
    for why in rule.cannot:
        write_text(look, look.tr("rules.never", why=why), indent=2)


@command.command(cls=Command, name="suite", key="rules-suite")
@click.argument("index", type=_FILE)
@options.as_json
@options.plain
@options.looks
@click.pass_context
def suite(context: click.Context, *, index: Path, as_json: bool) -> int:
    """Run an index of tests."""
    from console.rulesuite import run_suite

    look = terminal.of(context)
    outcomes = list(run_suite(index))
    passed = sum(outcome.passed for outcome in outcomes)
    if as_json:
        cases = [
            {"name": o.name, "passed": o.passed, "expected": o.expected, "got": o.got}
            | ({"error": o.error} if o.error else {})
            for o in outcomes
        ]
        told = {"passed": passed, "failed": len(outcomes) - passed, "cases": cases}
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        for o in outcomes:
            if not o.passed:
                look.say(look.tr("rules.case_failed", name=o.name, expected=o.expected, got=o.error or o.got))
        look.say(look.tr("rules.suite", passed=passed, total=len(outcomes)))
    return 0 if passed == len(outcomes) else 1


@command.command(cls=Command, name="compare", key="rules-compare")
@click.argument("expected", type=_FILE)
@option("--rules", "files", key="rules", metavar="FILE", multiple=True, type=_FILE, required=True)
@option("--root", key="root", type=click.Path(path_type=Path, file_okay=False), required=True)
@options.as_json
@options.plain
@options.looks
@click.pass_context
def compare(
    context: click.Context, *, expected: Path, files: tuple[Path, ...], root: Path, as_json: bool
) -> int:
    """Match rules over captures and compare with what is expected of each."""
    from console import rulesuite
    from rules.match.engine import Engine

    look = terminal.of(context)
    engine = Engine(read(files).rules)
    found = rulesuite.Comparison()
    for path, wanted, got in rulesuite.compare(expected, root, engine):
        found.add(path, wanted, got)
    if as_json:
        told = {
            "expected": found.expected,
            "found": found.found,
            "extra": found.extra,
            "captures": found.captures,
        }
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        for path, difference in found.captures.items():
            look.say(f"{path}: {difference}")
        look.say(look.tr("rules.compared", found=found.found, expected=found.expected, extra=found.extra))
    return 0 if found.found == found.expected and not found.extra else 1
