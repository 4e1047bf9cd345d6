"""Runs and playbooks as documents for machines and screens: every text in the language asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from citywall.i18n import tr
from playbooks.actions import registry
from playbooks.actions.base import Told
from playbooks.cacao import Both, Playbook, actions
from playbooks.library import Entry
from playbooks.state import Run, Unit
from trust.records import iso

Books = Mapping[str, Playbook]


def words(told: Told | None, language: str, section: str = "playbook_failed") -> str:
    """A text of the catalogue; empty for none."""
    return "" if told is None else tr(f"{section}.{told.key}", language, **told.values)


def run_document(run: Run, books: Books, language: str) -> dict[str, Any]:
    """A run as `--json` and the console show it; times in ISO 8601, null where there is none yet."""
    return {
        "id": run.id, "playbook": run.playbook, "name": run.name,
        "title": books[run.books[0]].said("name", books[run.books[0]].name, language),
        "status": run.status, "reason": words(run.reason, language), "live": run.live, "lane": run.lane,
        "requester": run.requester, "requested": iso(run.requested), "ended": _time(run.ended),
        "alert": run.trigger or None, "case": run.case or None, "books": list(run.books),
        "variables": run.scopes[0].values if run.scopes else {},
        "steps": [_visit(run, books, at, language) for at in range(len(run.visits))],
        "not_run": _not_run(run, books, language),
        "actions": [_unit(unit, run, books, language) for unit in run.units.values()],
        "waiting": [_unit(unit, run, books, language) for unit in run.waiting],
    }  # fmt: skip


def playbook_document(entry: Entry, language: str) -> dict[str, Any]:
    """What a list says of a playbook."""
    book, plan = entry.playbook, entry.playbook.plan
    kinds = [registry.action_of(command) for _, _, command in actions(book)]
    return {
        "name": entry.short, "id": book.id, "title": book.said("name", book.name, language),
        "description": book.said("description", book.description, language),
        "modified": book.modified, "digest": entry.digest, "path": str(entry.path), "revoked": book.revoked,
        "steps": len(book.workflow), "containment": any(k is not None and k.containment for k in kinds),
        "plan": None if plan is None else plain(msgspec.to_builtins(plan), language),
    }  # fmt: skip


def plain(value: Any, language: str) -> Any:
    """A document in which texts in both languages stand in one."""
    if isinstance(value, dict):
        if set(value) == {"en", "zh"}:
            return Both(**value).of(language)
        return {name: plain(inner, language) for name, inner in value.items()}
    return [plain(inner, language) for inner in value] if isinstance(value, list | tuple) else value


def _visit(run: Run, books: Books, at: int, language: str) -> dict[str, Any]:
    visit = run.visits[at]
    book = books[run.books[run.scopes[visit.scope].book]]
    outcome = visit.outcome or ("open" if not run.over else "left")
    return {
        "step": visit.step, "title": book.step_name(visit.step, language), "outcome": outcome,
        "began": iso(visit.began), "ended": _time(visit.ended),
    }  # fmt: skip


def _not_run(run: Run, books: Books, language: str) -> list[dict[str, str]]:
    """Steps of the playbook that were not entered (yet)."""
    book = books[run.books[0]]
    entered = {visit.step for visit in run.visits if run.scopes[visit.scope].book == 0}
    return [
        {"step": id_, "title": book.step_name(id_, language)} for id_ in book.workflow if id_ not in entered
    ]


def _unit(unit: Unit, run: Run, books: Books, language: str) -> dict[str, Any]:
    book = books[run.books[run.scopes[unit.scope].book]]
    does = words(unit.plan.does, language, "playbook_does") if unit.plan else ""
    if unit.action == "manual" and unit.plan is not None:
        does = _asked(unit, run, book, language) or does
    request = unit.request
    return {
        "key": unit.key, "step": unit.step, "title": book.step_name(unit.step, language),
        "action": unit.action,
        "state": unit.stage, "does": does, "script": unit.plan.script if unit.plan else "",
        "reason": words(unit.reason, language), "changed": iso(unit.changed), "due": _time(unit.due),
        "escalated": unit.level, "answered_by": unit.by or None,
        "digest": request.digest if request else None, "needed": request.needed if request else 0,
        "approvals": [{"by": a.by, "at": iso(a.at)} for a in request.approvals] if request else [],
        "outputs": unit.result.outputs if unit.result else {},
        "until": _time(unit.result.until) if unit.result else None,
    }  # fmt: skip


def _asked(unit: Unit, run: Run, book: Playbook, language: str) -> str:
    """What is asked of people, in their language; empty where the playbook does not have it."""
    from playbooks.variables import filled

    said = book.said(f"workflow/{unit.step}/commands/{unit.index}/command", "", language)
    if not said:
        return ""
    values = {name: value or "" for name, value in run.scopes[unit.scope].values.items()}
    return tr("playbook_does.manual", language, text=filled(said, values))


def _time(ns: int) -> str | None:
    return iso(ns) if ns else None
