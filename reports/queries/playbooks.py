"""Playbook runs that were asked for in the day, by playbook, and how they stand."""

from reports.figures import Column, Figure, Query, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """A row a playbook: runs, those that were no dry run, completed, failed."""
    if inputs.playbooks is None:
        return absent("playbooks", "room_absent", room="playbooks")
    found = [r for r in inputs.playbooks if inputs.day.since <= r.requested < inputs.day.until]
    rows = []
    for name in sorted({r.playbook for r in found}):
        own = [r for r in found if r.playbook == name]
        ended = {status: sum(r.status == status for r in own) for status in ("completed", "failed")}
        rows.append(([*name], len(own), sum(r.live for r in own), ended["completed"], ended["failed"]))
    return Figure(
        "playbooks", "observed", (), {"runs": len(found)},
        {"runs": len(found), "failed": sum(row[-1] for row in rows)},
        (Column("playbook", "name"), Column("runs", "count"), Column("live", "count"),
         Column("completed", "count"), Column("failed", "count")),
        tuple(rows),
    )  # fmt: skip


QUERY = Query("playbooks", "response", answer)
