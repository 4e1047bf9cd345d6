"""Cases as commands show them: a line of a table, a page, an object for machines."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from citywall import sm3
from citywall.errors import InputError
from console import caller, severity
from console.text import clean

if TYPE_CHECKING:
    from alerts.cases.casebook import View
    from alerts.cases.facts import Breakout
    from alerts.cases.work import Evidence, Step
    from citywall.settings import Settings
    from console.display import table
    from console.terminal import Terminal

_BLOCK = 1 << 20


class Teller(Protocol):
    """What speaks to a reader: a terminal, a view."""

    @property
    def speech(self) -> str:
        """The language."""
        ...

    def tr(self, key: str, **values: object) -> str:
        """A text of the catalogue."""
        ...


def plain(view: View, settings: Settings, *, whole: bool = False, now: int | None = None) -> dict[str, Any]:
    """As `--json` has it; with every alert and step where `whole`. Times are ISO 8601, UTC."""
    from alerts.cases import clocks

    case, work = view.case, view.work
    now = time.time_ns() if now is None else now
    told: dict[str, Any] = {
        "id": case.id, "status": work.status, "resurged": view.resurged, "owner": work.owner,
        "outcome": work.outcome, "level": work.level or None, "lane": case.lane,
        "title": case.title_en, "title_zh": case.title_zh, "host": case.host, "hosts": list(case.hosts),
        "severity": case.severity, "stage": case.stage, "importance": case.importance, "points": case.points,
        "opened_by": case.opened_by,
        "first": _iso(case.first), "last": _iso(case.last), "detected_at": _iso(case.detected_at),
        "known_at": _iso(work.known_at), "handled_at": _iso(work.handled_at),
        "alerts": len(case.members), "repeated": case.repeated,
        "units": list(case.units), "systems": sorted({a.system for a in case.assets if a.system}),
        "cii": any(a.cii for a in case.assets),
        "clocks": [
            {"report": c.duty.report, "to": c.duty.to, "law": clocks.LAW, "clause": c.duty.clause,
             "checked": clocks.CHECKED, "since": _iso(c.since), "due": _iso(c.due), "done": _iso(c.done),
             "state": c.state(now)}
            for c in clocks.of(work, settings.reporting.operator)
        ],
        "clock_unset": clocks.is_unset(work, settings.reporting.operator),
        "version": view.version,
    }  # fmt: skip
    if whole:
        told |= {
            "members": [
                {"id": m.id, "time": _iso(m.start), "last": _iso(m.last), "severity": m.severity,
                 "stage": m.stage, "points": m.points, "rule": m.rule, "kind": m.kind,
                 "message": m.message_en, "message_zh": m.message_zh, "count": m.count,
                 "tactics": list(m.tactics), "techniques": list(m.techniques), "session": m.session}
                for m in case.members
            ],
            "breakouts": [
                {"time": _iso(b.time), "what": b.what, "from": b.rose_from, "to": b.rose_to, "alert": b.alert}
                for b in case.breakouts
            ],
            "history": [_step(step) for step in view.timeline],
            "joined": [work.case for work in view.joined],
        }  # fmt: skip
    return told


def write_list(views: list[View], look: Terminal, settings: Settings) -> None:
    """A table, or a note that there is nothing."""
    from console.display.table import Cell, Column
    from console.display.write import write_table

    columns = [
        Column(look.tr("table.severity")),
        Column(look.tr("cases.status"), least=8),
        Column(look.tr("cases.title"), least=30),
        Column(look.tr("cases.stage"), drop=4),
        Column(look.tr("cases.alerts"), right=True, drop=3),
        Column(look.tr("cases.last"), drop=5),
        Column(look.tr("table.unit"), least=6, drop=2),
        Column(look.tr("cases.owner"), drop=2),
        Column(look.tr("cases.due"), drop=1),
        Column(look.tr("table.id"), least=8, code=True),
    ]
    rows: list[table.Row] = [
        [
            Cell(severity.mark(v.case.severity, look.speech), severity.style(v.case.severity)),
            look.tr("cases.resurged") if v.resurged else look.tr(f"case_status.{v.work.status}"),
            Cell(clean(title(v, look)), "bold"),
            look.tr(f"case_stage.{v.case.stage}"),
            f"{len(v.case.members):,}",
            short(v.case.last),
            clean(", ".join(dict.fromkeys(a.unit_name or a.unit for a in v.case.assets))),
            clean(v.work.owner),
            due(v, look, settings),
            Cell(v.case.id, "dim"),
        ]
        for v in views
    ]
    if not write_table(look, columns, rows):
        look.note(look.tr("cases.none"))


def write_case(view: View, look: Terminal, settings: Settings) -> None:
    """Everything about one case: what it is, its clocks, its alerts, what rose, what people did."""
    from console.display.write import write_heading, write_text

    case, work = view.case, view.work
    write_heading(look, clean(title(view, look)))
    units = "; ".join(
        dict.fromkeys(f"{a.unit_name or a.unit} {a.system_name or a.system}".strip() for a in case.assets)
    )
    outcome = look.tr(f"case_outcome.{work.outcome}") if work.outcome else ""
    level = look.tr(f"case_level.{work.level}") if work.level else look.tr("cases.ungraded")
    opened = f"{short(case.detected_at)} ({look.tr(f'cases.by_{case.opened_by}')})" if case.opened_by else ""
    for key, said in (
        ("id", case.id),
        ("status", look.tr(f"case_status.{work.status}") + (f" ({outcome})" if outcome else "")),
        ("owner", work.owner),
        ("level", level),
        ("severity", severity.name(case.severity, look.speech)),
        ("stage", look.tr(f"case_stage.{case.stage}")),
        ("hosts", ", ".join(case.hosts[:10]) + (" …" if len(case.hosts) > 10 else "")),
        ("units", units),
        ("detected", opened),
        ("known", short(work.known_at)),
        ("span", f"{short(case.first)} – {short(case.last)}"),
    ):
        if said:
            write_text(look, f"{look.tr(f'cases.{key}')}: {clean(said)}", indent=2)
    if view.resurged:
        write_text(look, look.tr("cases.resurged_long"), indent=2)
    _write_clocks(view, look, settings)
    _write_alerts(view, look)
    if view.timeline:
        write_heading(look, look.tr("cases.history"))
        for step in view.timeline:
            write_text(look, f"{short(step.at)}  {clean(step.by)}: {clean(step_text(step, look))}", indent=2)


def title(view: View, look: Teller) -> str:
    """What a case is called in the reader's language."""
    return view.case.title_zh if look.speech == "zh" else view.case.title_en


def step_text(step: Step, look: Teller) -> str:
    """One step in words."""
    value = step.value
    if step.what in ("status", "grade", "close", "report"):
        section = {"status": "status", "grade": "level", "close": "outcome", "report": "report"}[step.what]
        value = look.tr(f"case_{section}.{value}")
    if step.evidence is not None:
        value = step.evidence.ref + (f" sha256:{step.evidence.sha256}" if step.evidence.sha256 else "")
    if step.time:
        value = f"{value} {short(step.time)}".strip()
    said = look.tr(f"case_step.{step.what}", value=value)
    return f"{said} {step.text}".strip()


def evidence_of(ref: str) -> Evidence:
    """A reference to evidence; of a file that is here, with its digests. Raises InputError where it fails."""
    from alerts.cases.work import Evidence

    at = caller.current()
    path = Path(ref) if at is None else at.folder / ref
    if (at is not None and not at.trusted) or not path.is_file():  # others' rights are not ours
        return Evidence(ref)
    one, other, size = sm3.new(), hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                one.update(block)
                other.update(block)
                size += len(block)
    except OSError as e:
        raise InputError(ref, e.strerror or str(e)) from e
    return Evidence(ref, one.hexdigest(), other.hexdigest(), size)


def _write_clocks(view: View, look: Terminal, settings: Settings) -> None:
    from alerts.cases import clocks
    from console.display.write import write_text

    for clock in plain(view, settings)["clocks"]:
        state = look.tr(f"clock_state.{clock['state']}")
        words = {"law": clock["law"], "clause": clock["clause"], "due": clock["due"][:19], "state": state}
        report, to = look.tr(f"case_report.{clock['report']}"), look.tr(f"recipient.{clock['to']}")
        write_text(look, look.tr("cases.clock", report=report, to=to, **words), indent=2)
    if clocks.is_unset(view.work, settings.reporting.operator):
        write_text(look, look.tr("cases.clock_unset"), indent=2)
    if any(a.cii for a in view.case.assets) and settings.reporting.operator != "cii":
        write_text(look, look.tr("cases.clock_cii"), indent=2)


def _write_alerts(view: View, look: Terminal) -> None:
    from console.display.write import write_heading, write_text

    chinese = look.speech == "zh"
    write_heading(look, look.tr("cases.alerts_of", count=len(view.case.members), repeated=view.case.repeated))
    for member in view.case.members:
        said = member.message_zh if chinese else member.message_en
        mark = severity.mark(member.severity, look.speech)
        write_text(look, f"{short(member.start)}  {mark}  {clean(said)}  {member.id}", indent=2)
    if view.case.breakouts:
        write_heading(look, look.tr("cases.breakouts"))
        for b in view.case.breakouts:
            write_text(look, f"{short(b.time)}  {breakout_text(b, look)}", indent=2)


def breakout_text(b: Breakout, look: Teller) -> str:
    """What rose, in words."""
    if b.what == "importance":
        return look.tr("cases.rose_importance", before=b.rose_from, after=b.rose_to)
    if b.what == "stage":
        before, after = look.tr(f"case_stage.{b.rose_from}"), look.tr(f"case_stage.{b.rose_to}")
    else:
        before, after = severity.name(b.rose_from, look.speech), severity.name(b.rose_to, look.speech)
    return look.tr(f"cases.rose_{b.what}", before=before, after=after)


def due(view: View, look: Teller, settings: Settings) -> str:
    """When the next report must be made, and how that stands; empty where no clock runs."""
    running = [c for c in plain(view, settings)["clocks"] if not c["done"]]
    if not running:
        return ""
    first = min(running, key=lambda c: str(c["due"]))
    return f"{first['due'][:16].replace('T', ' ')} {look.tr('clock_state.' + first['state'])}"


def _step(step: Step) -> dict[str, Any]:
    told: dict[str, Any] = {"at": _iso(step.at), "by": step.by, "what": step.what}
    told |= {name: value for name in ("text", "value") if (value := getattr(step, name))}
    if step.time:
        told["time"] = _iso(step.time)
    if step.evidence is not None:
        e = step.evidence
        told["evidence"] = {"ref": e.ref, "sm3": e.sm3, "sha256": e.sha256, "bytes": e.bytes}
    return told


def _iso(moment: int) -> str | None:
    from alerts import times

    return times.to_iso(moment) if moment else None


def short(moment: int) -> str:
    """A time to the second; empty for none."""
    return (_iso(moment) or "")[:19].replace("T", " ")
