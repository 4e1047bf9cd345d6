"""`citywall mutes`: alerts that are not to make cases, for a reason and for a time."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import StoreError
from console import desk, since
from console.framework import Command, Group, option
from console.options import looks
from console.text import clean

if TYPE_CHECKING:
    from alerts.cases.mutes import Mute
    from alerts.desk import Kept
    from console.terminal import Terminal

_NANO = 1_000_000_000
_DAY = 86_400 * _NANO


@click.group(cls=Group, name="mutes")
@looks
def command() -> None:
    """Alerts that are not to make cases, for a reason and for a time."""


@command.command(cls=Command, name="add", key="mutes-add")
@option("--rule", key="mute_rule", default="", metavar="ID")
@option("--kind", key="mute_kind", default="", metavar="KIND")
@option("--source", key="mute_source", default="", metavar="NET")
@option("--target", key="mute_target", default="", metavar="NET")
@option("--domain", key="mute_domain", default="", metavar="NAME")
@option("--days", key="mute_days", type=click.IntRange(1, 30), default=7, show_default=True)
@option("--from", "from_", key="mute_from", metavar="T")
@option("--up-to", "severity", key="mute_severity", type=click.IntRange(1, 5), default=3, show_default=True)
@option("--importance", key="mute_importance", type=click.IntRange(0, 5), default=3, show_default=True)
@option("--false-positive", "false_positive", key="mute_false", is_flag=True)
@option("--reason", key="mute_reason", required=True, metavar="TEXT")
@desk.as_
@desk.usual
@click.pass_context
def add(
    context: click.Context, /, *, actor: str, days: int, from_: str | None, false_positive: bool, reason: str,
    **given: Any,
) -> None:  # fmt: skip
    """Mute what an alert is about."""
    from alerts.cases import mutes
    from alerts.documents import ABSENT
    from citywall.permissions import Target

    with desk.acting(context, given, actor) as (opened, by, _, look):
        now = time.time_ns()
        begins = now if from_ is None else since.parse(from_, look.speech)
        names = ("rule", "kind", "source", "target", "domain", "severity", "importance")
        draft = mutes.Mute(
            uuid.uuid4().hex[:12], "false_positive" if false_positive else "mute", reason, by.user, now,
            begins, begins + days * _DAY, **{name: given[name] for name in names},
        )  # fmt: skip
        kept = opened.change(
            by, "alerts.mute", mutes.FORM, draft.id, version=ABSENT, target=Target("mute", draft.id),
            make=lambda *_: mutes.checked(draft), detail={"reason": reason},
        )  # fmt: skip
        _tell(kept, "mutes.added", look, given["as_json"])


@command.command(cls=Command, name="lift", key="mutes-lift")
@click.argument("name", metavar="MUTE")
@desk.as_
@desk.usual
@click.pass_context
def lift(context: click.Context, /, *, name: str, actor: str, **given: Any) -> None:
    """End a mute."""
    from alerts.cases import mutes
    from alerts.desk import read

    with desk.acting(context, given, actor) as (opened, by, _, look):
        doc = opened.documents.get("mute", name)
        if doc is None:
            raise StoreError(f"there is no mute {name}")
        kept = opened.change(
            by, "alerts.mute", mutes.FORM, name, version=read(mutes.FORM, doc).version,
            make=lambda mute, _, now: mutes.lifted(mute, by.user, now), detail={"step": "lift"},
        )  # fmt: skip
        _tell(kept, "mutes.lifted", look, given["as_json"])


@command.command(cls=Command, name="list", key="mutes-list")
@option("--all", "every", key="mute_all", is_flag=True)
@desk.usual
@click.pass_context
def list_(context: click.Context, /, *, every: bool, **given: Any) -> None:
    """List the mutes."""
    from alerts.cases import mutes
    from alerts.documents import documents_of

    settings, look = desk.begin(context, given)
    now = time.time_ns()
    found = [m for m in mutes.active(documents_of(given["data"], settings)) if every or m.until > now]
    if given["as_json"]:
        for mute in found:
            look.say(json.dumps(_plain(mute), ensure_ascii=False))
    else:
        _write(sorted(found, key=lambda m: (m.until, m.id)), look)


def _tell(kept: Kept[Mute], key: str, look: Terminal, as_json: bool) -> None:
    if as_json:
        look.say(json.dumps(_plain(kept.body) | {"version": kept.version}, ensure_ascii=False))
    else:
        look.say(look.tr(key, id=kept.id, until=_short(kept.body.until)))


def _plain(mute: Mute) -> dict[str, Any]:
    import msgspec

    from alerts import times

    told: dict[str, Any] = msgspec.to_builtins(mute)
    for name in ("made", "begins", "expires", "lifted"):
        told[name] = times.to_iso(told[name]) if told[name] else None
    return told


def _write(found: list[Mute], look: Terminal) -> None:
    from console import severity
    from console.display.table import Column
    from console.display.write import write_table

    columns = [
        Column(look.tr("table.id"), least=6),
        Column(look.tr("mutes.about"), least=12),
        Column(look.tr("mutes.severity"), drop=2),
        Column(look.tr("mutes.until")),
        Column(look.tr("mutes.owner"), drop=1),
        Column(look.tr("mutes.reason"), least=8),
    ]
    rows = [
        [
            m.id,
            clean(" ".join(filter(None, (m.rule, m.kind, m.source and f"{m.source} →", m.target, m.domain)))),
            severity.name(m.severity, look.speech),
            _short(m.until),
            clean(m.owner),
            clean((look.tr("mutes.false_positive") + " " if m.why == "false_positive" else "") + m.reason),
        ]
        for m in found
    ]
    if not write_table(look, columns, rows):
        look.note(look.tr("mutes.none"))


def _short(moment: int) -> str:
    from alerts import times

    return times.to_iso(moment)[:16].replace("T", " ")
