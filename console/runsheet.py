"""Runs of playbooks as rows and sections of the screen."""

from __future__ import annotations

from typing import Any

from console.casetext import Teller
from console.display.sheet import Section
from console.display.table import Cell, Column, Row
from console.text import clean

_STYLES = {
    "running": "bold yellow", "completed": "green", "failed": "bold red", "voided": "bold red",
    "rolling_back": "bold yellow", "rollback_failed": "bold red",
    "approval": "bold yellow", "manual": "bold yellow", "uncertain": "bold red", "done": "green",
}  # fmt: skip


def run_columns(teller: Teller) -> list[Column]:
    """The columns of a list of runs."""
    return [
        Column(teller.tr("playbooks.requested"), drop=3),
        Column(teller.tr("playbooks.title"), least=16),
        Column(teller.tr("playbooks.status")),
        Column(teller.tr("playbooks.mode"), drop=2),
        Column(teller.tr("playbooks.requester"), drop=4),
        Column(teller.tr("playbooks.waits_for"), least=10, drop=1),
    ]


def run_row(told: dict[str, Any], teller: Teller) -> Row:
    """The cells of a run (`playbooks.telling.run_document`)."""
    return [
        _time(told["requested"])[5:],
        Cell(clean(told["title"]), "bold"),
        Cell(teller.tr(f"playbook_status.{told['status']}"), _STYLES.get(told["status"], "")),
        teller.tr("playbooks.live" if told["live"] else "playbooks.dry"),
        clean(told["requester"]),
        Cell(clean(", ".join(unit["title"] for unit in told["waiting"])), "yellow"),
    ]


def sections(told: dict[str, Any], teller: Teller) -> list[Section]:
    """A run: where it stands, what it waits for and what approving it means, what it did, what is left."""
    return [
        _head(told, teller), *(_waiting(unit, teller) for unit in told["waiting"]), _actions(told, teller),
        _steps(told, teller), _left(told, teller),
    ]  # fmt: skip


def _head(told: dict[str, Any], teller: Teller) -> Section:
    section = Section(clean(told["title"]))
    status = told["status"]
    section.say(
        teller.tr("playbooks.status"), teller.tr(f"playbook_status.{status}"), _STYLES.get(status, "")
    )
    mode = teller.tr("playbooks.live" if told["live"] else "playbooks.dry")
    section.say(teller.tr("playbooks.mode"), mode)
    section.say(teller.tr("table.lane"), told["lane"])
    section.say(teller.tr("playbooks.run"), told["id"], "dim")
    section.say(teller.tr("playbooks.requester"), clean(told["requester"]))
    section.say(teller.tr("playbooks.requested"), _time(told["requested"]))
    section.say(teller.tr("app_run.alert"), told["alert"] or "")
    section.say(teller.tr("app_run.case"), told["case"] or "")
    if told["reason"]:
        section.prose.append(clean(told["reason"]))
    return section


def _waiting(unit: dict[str, Any], teller: Teller) -> Section:
    section = Section(f"{teller.tr('playbooks.waits_for')}: {clean(unit['title'])}")
    section.say(teller.tr("playbooks.status"), teller.tr(f"playbook_stage.{unit['state']}"), "bold yellow")
    section.say(teller.tr("app_run.does"), clean(unit["does"]), "bold")
    section.say(teller.tr("app_run.due"), _time(unit["due"]))
    if unit["state"] == "approval":
        given = ", ".join(approval["by"] for approval in unit["approvals"])
        said = teller.tr("app_run.approvals_of", count=len(unit["approvals"]), needed=unit["needed"])
        section.say(teller.tr("app_run.approvals"), f"{said} {clean(given)}".strip())
        section.say(teller.tr("app_run.digest"), unit["digest"], "dim")
    section.prose += [clean(f"| {line}") for line in unit["script"].splitlines()]
    return section


def _actions(told: dict[str, Any], teller: Teller) -> Section:
    section = Section(teller.tr("app_run.actions"))
    section.columns = [
        Column(teller.tr("app_run.action"), least=14),
        Column(teller.tr("playbooks.status")),
        Column(teller.tr("app_run.does"), least=16),
        Column(teller.tr("app_run.people"), drop=1),
    ]
    section.rows = [
        [
            Cell(clean(unit["title"]), "bold"),
            Cell(teller.tr(f"playbook_stage.{unit['state']}"), _STYLES.get(unit["state"], "")),
            clean(" ".join([unit["reason"] or unit["does"], *_outputs(unit)])) + _until(unit, teller),
            clean(", ".join([*(a["by"] for a in unit["approvals"]), unit["answered_by"] or ""]).strip(", ")),
        ]
        for unit in told["actions"]
        if unit["state"] not in {"new", "approval", "manual"}
    ]
    return section


def _outputs(unit: dict[str, Any]) -> list[str]:
    """What people found out; what actions gave stands in what they did."""
    return [f"{name}={value}" for name, value in unit["outputs"].items()] if unit["answered_by"] else []


def _until(unit: dict[str, Any], teller: Teller) -> str:
    return f" {teller.tr('app_run.until', time=_time(unit['until']))}" if unit["until"] else ""


def _steps(told: dict[str, Any], teller: Teller) -> Section:
    section = Section(teller.tr("app_run.steps"))
    for step in told["steps"]:
        outcome = teller.tr(f"app_run.step_{step['outcome']}")
        section.prose.append(clean(f"{_time(step['began'])}  {step['title']}  {outcome}"))
    return section


def _left(told: dict[str, Any], teller: Teller) -> Section:
    section = Section(teller.tr("app_run.not_run"))
    if told["not_run"] and told["status"] == "running":
        section.prose.append(clean(", ".join(step["title"] for step in told["not_run"])))
    return section


def _time(moment: str | None) -> str:
    return (moment or "")[:19].replace("T", " ")
