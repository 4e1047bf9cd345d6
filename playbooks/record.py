"""Events of runs as entries of the audit log: every one is there, on disk, before it counts."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from citywall.permissions import Identity, Target
from playbooks import events as e
from playbooks.state import Run
from trust.audit import entry
from trust.records import SYSTEM, Entry

_ACTIONS = {
    "requested": "playbooks.request", "approved": "playbooks.approve", "rejected": "playbooks.reject",
    "answered": "playbooks.answer", "aborted": "playbooks.abort", "voided": "playbooks.void",
    "rollback_asked": "playbooks.rollback",
}  # fmt: skip
#: Longest text of an event in a record's detail.
_MOST = 400


def recorded(event: e.Event, run: Run, n: int, by: Identity | None) -> Entry:
    """The entry of the `n`-th event of a run, done by `by` (the engine itself, where None)."""
    kind = str(type(event).__struct_config__.tag)
    detail: dict[str, Any] = {"event": kind, "run": run.id, "n": n}
    key = getattr(event, "key", "")
    if unit := run.units.get(key):
        detail |= {"unit": unit.key, "step": unit.step, "action": unit.action}
    outcome: Literal["done", "refused", "failed"] = "done"
    reason = ""
    told = getattr(event, "reason", None)
    if isinstance(told, str):
        reason = told
    elif told is not None:
        outcome, reason = ("refused" if told.refused else "failed"), told.key
        detail["values"] = {name: value[:_MOST] for name, value in told.values.items()}
    match event:
        case e.Requested():
            detail |= {
                "playbook": event.playbook, "books": list(event.books), "live": event.live,
                "lane": event.lane, "trigger": event.trigger, "case": event.case,
            }  # fmt: skip
        case e.Vetted() if event.plan is not None:
            detail |= {"does": event.plan.does.key, "script": event.plan.script[:2000]}
        case e.Approved():
            detail["seen"] = event.digest
        case e.Acted():
            detail["outcome"] = event.outcome
            if event.result is not None:
                detail |= {"undo": event.result.undo, "until": event.result.until}
        case e.Answered():
            detail |= {"outcome": event.outcome, "note": event.note[:_MOST]}
        case e.Escalated():
            detail["level"] = event.level
        case _:
            pass
    action = _ACTIONS.get(kind, f"playbooks.{kind}")
    return entry(
        by or SYSTEM, action, Target("playbook_run", run.id), outcome=outcome, reason=reason,
        detail=msgspec.to_builtins(detail),
    )  # fmt: skip
