"""`citywall rules update`, `enable`, `disable`, `versions`, `rollback`: the rules of a data folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import InputError, UsageError
from console import options, rulechange, rulefolder, terminal
from console.framework import Command, option

if TYPE_CHECKING:
    from console.terminal import Terminal
    from rules.sets.changing import Change, Witness
    from rules.sets.folder import RuleFolder, Version

#: Seconds that a server may take to answer, and bytes that are taken from it.
_PATIENCE_S, _LARGEST = 60.0, 1 << 30


_as = option("--as", "actor", key="as", default="", metavar="USER")


@click.command(cls=Command, name="update", key="rules-update")
@click.argument("origin", metavar="FROM")
@option("--replace", key="replace", is_flag=True)
@_as
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def update(
    context: click.Context, *, origin: str, replace: bool, actor: str, data: Path, as_json: bool
) -> None:
    """Put rules into the data folder."""
    from rules.sets import changing, sources

    look = terminal.of(context)
    with rulechange.changing(data, look, actor, "update", origin) as witness:
        if origin.startswith(("http://", "https://")):
            contents = _fetched(origin, data)
        else:
            contents = sources.contents(rulechange.readable(origin))
        change = changing.update(
            rulefolder.of(data), contents, origin, replace=replace, witness=witness
        )  # fmt: skip
    _tell_change(change, look, as_json=as_json)
    if rulechange.missed():
        look.note(look.tr("rulelife.missed"))


def _fetched(url: str, data: Path) -> dict[str, bytes]:
    """What a server has, by way of a file in the data folder. Raises InputError."""
    import urllib3

    from rules.sets import sources

    name = url.partition("?")[0].rstrip("/").rpartition("/")[2] or "fetched.rules"
    folder = data / rulefolder.NAME
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".fetched-{name}"
    try:
        with urllib3.PoolManager(retries=2, timeout=_PATIENCE_S) as pool:
            answer = pool.request("GET", url, preload_content=False)
            body = answer.read(_LARGEST + 1)
        if answer.status != 200 or len(body) > _LARGEST:
            raise InputError(url, f"the server answered {answer.status} with {len(body)} bytes")
        path = path.with_name(name)
        path.write_bytes(body)
        return sources.contents(path)
    except urllib3.exceptions.HTTPError as e:
        raise InputError(url, f"cannot be fetched: {e}") from e
    finally:
        path.unlink(missing_ok=True)


def _tell_change(change: Change, look: Terminal, *, as_json: bool) -> None:
    held = change.holding
    told: dict[str, Any] = {
        "version": change.version.number,
        "rules": len(held.rules.rules),
        "added": change.added,
        "changed": change.changed,
        "removed": change.removed,
        "same": change.same,
        "rejected": [
            {"file": r.file, "line": r.line, "column": r.column, "sid": r.sid, "reason": r.reason}
            for r in held.rules.rejected
        ],
        "indicators": held.indicators.counts(),
        "indicators_rejected": held.indicators.refused_count,
        "sigma": len(held.sigma.rules) if held.sigma is not None else 0,
        "sigma_rejected": [
            {"file": r.file, "document": r.document, "id": r.id, "reason": r.reason}
            for r in (held.sigma.rejected if held.sigma is not None else ())
        ],
    }
    if as_json:
        look.say(json.dumps(told, ensure_ascii=False))
        return
    look.say(
        look.tr(
            "rulelife.updated", number=change.version.number, rules=len(held.rules.rules), added=change.added,
            changed=change.changed, removed=change.removed, refused=len(held.rules.rejected),
            indicators=len(held.indicators.found), bad=held.indicators.refused_count, sigma=told["sigma"],
            bad_sigma=len(told["sigma_rejected"]),
        )
    )  # fmt: skip


def _switching(name: str, *, on: bool) -> click.Command:
    """`enable` or `disable`."""

    @click.command(cls=Command, name=name, key=f"rules-{name}")
    @click.argument("what", nargs=-1, required=True, metavar="WHAT...")
    @_as
    @options.data
    @options.as_json
    @options.plain
    @options.looks
    @click.pass_context
    def command(
        context: click.Context, *, what: tuple[str, ...], actor: str, data: Path, as_json: bool
    ) -> None:
        look = terminal.of(context)
        with rulechange.changing(data, look, actor, name, " ".join(what)) as witness:
            _switch(look, what, data, on=on, as_json=as_json, witness=witness)

    return command


enable, disable = _switching("enable", on=True), _switching("disable", on=False)


def _switch(
    look: Terminal, what: tuple[str, ...], data: Path, *, on: bool, as_json: bool, witness: Witness
) -> None:
    from rules.sets import changing
    from rules.sets.choices import is_on

    folder = rulefolder.of(data)
    try:
        version, meant = changing.switch(folder, what, on=on, witness=witness)
    except ValueError as e:
        raise UsageError(str(e)) from e
    if missing := [word for word, count in meant.items() if not count]:
        look.note(look.tr("rulelife.unknown", what=", ".join(missing)))
    rules = changing.everything(folder, version)
    off = sum(not is_on(rule, version.choices) for rule in rules)
    if as_json:
        told = {"version": version.number, "rules": len(rules), "off": off, "meant": meant}
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        look.say(look.tr("rulelife.switched", number=version.number, off=off, rules=len(rules)))


@click.command(cls=Command, name="versions", key="rules-versions")
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def versions(context: click.Context, *, data: Path, as_json: bool) -> None:
    """List the versions that are kept."""
    from console.display.table import Column
    from console.display.write import write_table

    look = terminal.of(context)
    folder = rulefolder.of(data)
    current = folder.current()
    kept = [folder.version(number) for number in folder.numbers()]
    if as_json:
        for version in kept:
            told = {
                "version": version.number,
                "from": version.origin,
                "current": version.number == current.number,
                "digest": version.digest,
                "files": version.files,
                "choices": [[choice.on, choice.what] for choice in version.choices],
            }
            look.say(json.dumps(told, ensure_ascii=False))
        return
    columns = [
        Column(look.tr("rulelife.number")),
        Column(look.tr("rulelife.files")),
        Column(look.tr("rulelife.origin"), least=20),
    ]
    write_table(look, columns, [_row(version, current) for version in kept])


def _row(version: Version, current: Version) -> list[Any]:
    from console.display.table import Cell

    mark = "*" if version.number == current.number else ""
    return [Cell(f"{version.number}{mark}", "bold"), str(len(version.files)), version.origin]


@click.command(cls=Command, name="rollback", key="rules-rollback")
@click.argument("number", type=int)
@_as
@options.data
@options.plain
@options.looks
@click.pass_context
def rollback(context: click.Context, *, number: int, actor: str, data: Path) -> None:
    """Have an earlier version count again."""
    from rules.sets import changing

    look = terminal.of(context)
    folder: RuleFolder = rulefolder.of(data)
    with rulechange.changing(data, look, actor, "rollback", str(number)) as witness:
        kept = folder.numbers()
        if number not in kept:
            raise UsageError(
                look.tr("rulelife.no_version", number=number, kept=", ".join(map(str, kept)) or "-")
            )
        changing.back(folder, number, witness)
    look.say(look.tr("rulelife.back", number=number))
