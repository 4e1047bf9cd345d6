"""A case as sections of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import casetext, severity
from console.casetext import Teller, short
from console.display.sheet import Section
from console.display.table import Cell, Column, Row
from console.text import clean

if TYPE_CHECKING:
    from alerts.cases.casebook import View
    from alerts.cases.members import Member
    from citywall.settings import Settings
    from playbooks.runs import Stored

_HOSTS = 10


def case_columns(teller: Teller) -> list[Column]:
    """The columns of a list of cases."""
    return [
        Column(teller.tr("table.severity")),
        Column(teller.tr("cases.status"), least=8),
        Column(teller.tr("cases.title"), least=24),
        Column(teller.tr("cases.stage"), drop=4),
        Column(teller.tr("cases.alerts"), right=True, drop=3),
        Column(teller.tr("cases.last"), drop=5),
        Column(teller.tr("table.unit"), least=6, drop=2),
        Column(teller.tr("cases.owner"), drop=2),
        Column(teller.tr("cases.due"), drop=1),
    ]


def case_row(view: View, teller: Teller, settings: Settings) -> Row:
    """The cells of a case."""
    case, work = view.case, view.work
    status = teller.tr("cases.resurged") if view.resurged else teller.tr(f"case_status.{work.status}")
    return [
        Cell(severity.mark(case.severity, teller.speech), severity.style(case.severity)),
        Cell(status, "bold red" if view.resurged else "dim" if work.status == "closed" else "green"),
        Cell(clean(casetext.title(view, teller)), "bold"),
        teller.tr(f"case_stage.{case.stage}"),
        f"{len(case.members):,}",
        short(case.last)[5:16],
        clean(", ".join(dict.fromkeys(a.unit_name or a.unit for a in case.assets))),
        clean(work.owner),
        casetext.due(view, teller, settings),
    ]


def member_columns(teller: Teller) -> list[Column]:
    """The columns of a case's alerts."""
    return [
        Column(teller.tr("table.time"), drop=2),
        Column(teller.tr("table.severity")),
        Column(teller.tr("cases.stage"), drop=1),
        Column(teller.tr("table.title"), least=24),
        Column(teller.tr("table.count"), right=True, drop=3),
    ]


def member_row(member: Member, teller: Teller) -> Row:
    """The cells of an alert of a case."""
    said = member.message_zh if teller.speech == "zh" else member.message_en
    return [
        short(member.start)[5:],
        Cell(severity.mark(member.severity, teller.speech), severity.style(member.severity)),
        teller.tr(f"case_stage.{member.stage}"),
        Cell(clean(said), "bold"),
        f"{member.count:,}",
    ]


def sections(view: View, teller: Teller, settings: Settings, runs: list[Stored]) -> list[Section]:
    """What a case is, its clocks, its playbook runs, what people did, what rose; its alerts are a list."""
    told = casetext.plain(view, settings)
    return [
        _head(view, teller), _clocks(told, teller), _runs(runs, teller), _history(view, teller),
        _breakouts(view, teller),
    ]  # fmt: skip


def _head(view: View, teller: Teller) -> Section:
    case, work = view.case, view.work
    section = Section(clean(casetext.title(view, teller)))
    outcome = f" ({teller.tr(f'case_outcome.{work.outcome}')})" if work.outcome else ""
    units = dict.fromkeys(f"{a.unit_name or a.unit} {a.system_name or a.system}".strip() for a in case.assets)
    level = teller.tr(f"case_level.{work.level}") if work.level else teller.tr("cases.ungraded")
    hosts = ", ".join(case.hosts[:_HOSTS]) + (" …" if len(case.hosts) > _HOSTS else "")
    opened = ""
    if case.opened_by:
        opened = f"{short(case.detected_at)} ({teller.tr(f'cases.by_{case.opened_by}')})"
    if view.resurged:
        section.lines.append([("  " + teller.tr("cases.resurged_long"), "bold red")])
    for key, said, style in (
        ("id", case.id, "dim"),
        ("status", teller.tr(f"case_status.{work.status}") + outcome, "green"),
        ("owner", work.owner, "bold"),
        ("level", level, ""),
        ("severity", severity.name(case.severity, teller.speech), severity.style(case.severity)),
        ("stage", teller.tr(f"case_stage.{case.stage}"), ""),
        ("hosts", hosts, ""),
        ("units", "; ".join(units), ""),
        ("detected", opened, ""),
        ("known", short(work.known_at), ""),
        ("span", f"{short(case.first)} – {short(case.last)}", ""),
    ):
        section.say(teller.tr(f"cases.{key}"), clean(said), style)
    return section


def _clocks(told: dict[str, Any], teller: Teller) -> Section:
    section = Section()
    for clock in told["clocks"]:
        state = teller.tr(f"clock_state.{clock['state']}")
        words = {"law": clock["law"], "clause": clock["clause"], "due": clock["due"][:19], "state": state}
        report, to = teller.tr(f"case_report.{clock['report']}"), teller.tr(f"recipient.{clock['to']}")
        section.prose.append(teller.tr("cases.clock", report=report, to=to, **words))
    if told["clock_unset"]:
        section.prose.append(teller.tr("cases.clock_unset"))
    return section


def _breakouts(view: View, teller: Teller) -> Section:
    section = Section(teller.tr("cases.breakouts"))
    for b in view.case.breakouts:
        section.prose.append(f"{short(b.time)}  {casetext.breakout_text(b, teller)}")
    return section


def _runs(runs: list[Stored], teller: Teller) -> Section:
    section = Section(teller.tr("app_case.runs"))
    for stored in runs:
        run = stored.run
        mode = teller.tr("playbooks.live" if run.live else "playbooks.dry")
        said = f"{run.name}  {teller.tr(f'playbook_status.{run.status}')}  {mode}  {run.id}"
        section.prose.append(clean(f"{short(run.requested)}  {said}"))
    return section


def _history(view: View, teller: Teller) -> Section:
    section = Section(teller.tr("cases.history"))
    for step in view.timeline:
        section.prose.append(f"{short(step.at)}  {clean(step.by)}: {clean(casetext.step_text(step, teller))}")
    return section
