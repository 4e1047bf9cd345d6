"""Playbooks and their runs on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.text import clean

if TYPE_CHECKING:
    from console.terminal import Terminal
    from playbooks.library import Entry, Report


_PLAN = ("title", "start_condition", "organisation", "resources", "training", "recovery", "reviewed")


def lint(report: Report, look: Terminal) -> None:
    """What is wrong with one file."""
    for fault in report.faults:
        look.say(clean(fault.text(look.speech)))
    for warning in report.warnings:
        look.say(look.tr("playbooks.warning", text=clean(warning.text(look.speech))))
    if report.entry is not None:
        look.say(look.tr("playbooks.accepted", path=report.path, name=clean(report.entry.short)))
    else:
        look.note(look.tr("playbooks.refused_file", path=report.path, count=len(report.faults)))


def listing(found: list[dict[str, Any]], look: Terminal) -> None:
    """The playbooks, a line each."""
    from console.display.table import Column
    from console.display.write import write_table

    columns = [
        Column(look.tr("playbooks.name")),
        Column(look.tr("playbooks.title"), least=12),
        Column(look.tr("playbooks.class"), least=8, drop=1),
        Column(look.tr("playbooks.containment"), drop=2),
        Column(look.tr("playbooks.reviewed"), drop=3),
    ]
    rows = []
    for told in found:
        plan = told["plan"] or {}
        rows.append([
            clean(told["name"]), clean(told["title"]), clean(plan.get("gb20986_subclass", "")),
            look.tr("assets.yes" if told["containment"] else "assets.no"), plan.get("reviewed", ""),
        ])  # fmt: skip
    if not write_table(look, columns, rows):
        look.note(look.tr("table.none"))


def playbook(entry: Entry, told: dict[str, Any], look: Terminal) -> None:
    """One playbook: its plan header and its steps."""
    look.say(clean(f"{told['title']} ({told['name']})"))
    if told["description"]:
        look.say(clean(told["description"]))
    plan = told["plan"]
    if plan is not None:
        for name in (
            "title",
            "start_condition",
            "organisation",
            "resources",
            "training",
            "recovery",
            "reviewed",
        ):
            look.say(f"{look.tr(f'playbooks.plan_{name}')}{look.tr('fault.colon')}{clean(plan[name])}")
        for clause in plan["clauses"]:
            said = f"{clause['document']} {clause['clause']}{look.tr('fault.colon')}{clause['asks']}"
            look.say(f"  {clean(said)}")
    book = entry.playbook
    for id_, step in book.workflow.items():
        kind = id_.partition("--")[0]
        look.say(f"- {clean(book.step_name(id_, look.speech))} [{kind}]")
        said = book.said(f"workflow/{id_}/description", step.description, look.speech)
        if said:
            look.say(f"    {clean(said)}")


def runs(documents: list[dict[str, Any]], look: Terminal) -> None:
    """Runs, a line each."""
    from console.display.table import Column
    from console.display.write import write_table

    columns = [
        Column(look.tr("playbooks.run")),
        Column(look.tr("playbooks.title"), least=10),
        Column(look.tr("playbooks.status")),
        Column(look.tr("playbooks.mode"), drop=2),
        Column(look.tr("playbooks.requester"), drop=3),
        Column(look.tr("playbooks.requested"), least=10, drop=4),
        Column(look.tr("playbooks.waits_for"), least=8, drop=1),
    ]
    rows = [
        [
            told["id"], clean(told["title"]), look.tr(f"playbook_status.{told['status']}"),
            look.tr("playbooks.live" if told["live"] else "playbooks.dry"), clean(told["requester"]),
            told["requested"][:19].replace("T", " "),
            clean(", ".join(unit["title"] for unit in told["waiting"])),
        ]
        for told in documents
    ]  # fmt: skip
    if not write_table(look, columns, rows):
        look.note(look.tr("table.none"))


def run(told: dict[str, Any], look: Terminal) -> None:
    """One run: where it stands, what it did, and what it waits for."""
    mode = look.tr("playbooks.live" if told["live"] else "playbooks.dry")
    state = look.tr(f"playbook_status.{told['status']}")
    look.say(clean(f"{told['id']}  {told['title']}  {state}  {mode}  {told['lane']}"))
    if told["reason"]:
        look.say(clean(told["reason"]))
    for unit in told["actions"]:
        look.say(clean(f"- {unit['title']}: {look.tr('playbook_stage.' + unit['state'])}  {unit['does']}"))
        if unit["state"] == "planned" and unit["script"]:
            _script(unit["script"], look)
        if unit["reason"]:
            look.say(f"    {clean(unit['reason'])}")
        if unit["until"]:
            look.say(look.tr("playbooks.until", time=unit["until"][:19].replace("T", " ")))
    for unit in told["waiting"]:
        _waiting(told["id"], unit, look)
    if told["not_run"] and told["status"] == "running":
        names = ", ".join(step["title"] for step in told["not_run"])
        look.say(look.tr("playbooks.not_run", names=clean(names)))


def _waiting(run_id: str, unit: dict[str, Any], look: Terminal) -> None:
    key = unit["key"][:12]
    look.say("")
    if unit["state"] == "approval":
        look.say(look.tr("playbooks.asks_approval", title=clean(unit["title"]), needed=unit["needed"]))
        _script(unit["script"], look)
        look.say(look.tr("playbooks.how_approve", run=run_id, step=key, digest=unit["digest"][:20]))
    else:
        look.say(look.tr(f"playbooks.asks_{unit['state']}", title=clean(unit["title"])))
        look.say(look.tr("playbooks.how_answer", run=run_id, step=key))


def _script(script: str, look: Terminal) -> None:
    for line in script.splitlines():
        look.say(f"    | {clean(line)}")
