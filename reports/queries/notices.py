"""Notices (通报) that were open in the day, by unit: issued, received, put right, closed, overdue."""

from reports.figures import Column, Figure, Query, absent
from reports.inputs import Inputs
from reports.rooms import NoticeFact


def answer(inputs: Inputs) -> Figure:
    """A row a unit; overdue is what was not acknowledged or not put right in time by the end of the day."""
    if inputs.notices is None:
        return absent("notices", "room_absent", room="notices")
    since, until = inputs.day.since, inputs.day.until
    found = [n for n in inputs.notices if n.issued < until and (not n.closed or n.closed >= since)]
    rows = []
    for unit in sorted({n.unit for n in found}):
        own = [n for n in found if n.unit == unit]
        rows.append(
            (inputs.unit_name(unit), len(own), sum(0 < n.received < until for n in own),
             sum(0 < n.rectified < until for n in own), sum(0 < n.closed < until for n in own),
             sum(_overdue(n, until) for n in own))
        )  # fmt: skip
    return Figure(
        "notices", "observed", (), {"notices": len(found)},
        {"notices": len(found), "overdue": sum(row[-1] for row in rows)},
        (Column("unit", "name"), Column("notices", "count"), Column("received", "count"),
         Column("rectified", "count"), Column("closed", "count"), Column("overdue", "count")),
        tuple(rows),
    )  # fmt: skip


def _overdue(notice: NoticeFact, now: int) -> bool:
    def late(done: int, due: int) -> bool:
        return due < now and not 0 < done < now

    return late(notice.received, notice.receipt_due) or late(notice.rectified, notice.due)


QUERY = Query("notices", "response", answer)
