"""Notices as rows and sections of the screen: 通报—签收—整改—复测—销号."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.duties.paper import stamp
from console.casetext import Teller
from console.display.sheet import Section
from console.display.table import Cell, Column, Row
from console.text import clean

if TYPE_CHECKING:
    from alerts.duties.notices import Notice

_STYLES = {"issued": "bold yellow", "failed": "bold red", "passed": "green", "closed": "dim"}


def notice_columns(teller: Teller) -> list[Column]:
    """The columns of a list of notices."""
    return [
        Column(teller.tr("notices.letter")),
        Column(teller.tr("table.unit"), least=6),
        Column(teller.tr("notices.title"), least=16),
        Column(teller.tr("notices.status")),
        Column(teller.tr("notices.due"), drop=1),
        Column(teller.tr("notices.overdue")),
    ]


def notice_row(notice: Notice, now: int, teller: Teller) -> Row:
    """The cells of a notice."""
    late = notice.overdue(now)
    return [
        Cell(clean(notice.letter), "dim"),
        clean(notice.unit_name),
        Cell(clean(notice.title), "bold"),
        Cell(teller.tr(f"notice_status.{notice.status}"), _STYLES.get(notice.status, "")),
        stamp(notice.due),
        Cell(teller.tr(f"notices.owes_{late}") if late else "", "bold red"),
    ]


def sections(notice: Notice, now: int, teller: Teller) -> list[Section]:
    """A notice: how it stands, what was found and is asked for, what everybody did."""
    head = Section(clean(f"{notice.letter}  {notice.title}"))
    status = teller.tr(f"notice_status.{notice.status}")
    head.say(teller.tr("notices.status"), status, _STYLES.get(notice.status, ""))
    head.say(teller.tr("table.unit"), clean(notice.unit_name))
    head.say(teller.tr("app_notice.receipt_due"), stamp(notice.receipt_due))
    head.say(teller.tr("notices.due"), stamp(notice.due))
    if late := notice.overdue(now):
        head.say(teller.tr("notices.overdue"), teller.tr(f"notices.owes_{late}"), "bold red")
    head.say(teller.tr("app_notice.issuer"), clean(notice.issuer))
    head.say(teller.tr("app_notice.contact"), clean(notice.contact))
    head.say(teller.tr("app_notice.cases"), clean(", ".join(notice.cases)))
    found, asked = Section(teller.tr("app_notice.findings")), Section(teller.tr("app_notice.demands"))
    found.prose += [clean(line) for line in notice.findings.splitlines()]
    asked.prose += [clean(line) for line in notice.demands.splitlines()]
    done = Section(teller.tr("app_notice.history"))
    for step in notice.history:
        result = teller.tr(f"notice_status.{step.value}") if step.what == "retest" else ""
        said = [teller.tr(f"notice_step.{step.what}"), result, clean(step.text)]
        done.prose.append(f"{stamp(step.at)}  {clean(step.by)}  {'  '.join(filter(None, said))}")
    return [head, found, asked, done]
