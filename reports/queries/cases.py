"""Cases (事件) that were open in the day, by level; how many were closed, and how many with a whole file."""

from collections import Counter

from reports.figures import Column, Figure, Query, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """A row a level, `` for those that nobody graded; a file is whole with cause, evidence and lessons."""
    if inputs.cases is None:
        return absent("cases", "room_absent", room="cases")
    since, until = inputs.day.since, inputs.day.until
    found = [c for c in inputs.cases if c.opened < until and (not c.closed or c.closed >= since)]
    closed = [c for c in found if c.closed and c.closed < until]
    levels = Counter(c.level for c in found)
    return Figure(
        "cases", "observed", (), {"cases": len(found)},
        {"cases": len(found), "opened": sum(c.opened >= since for c in found), "closed": len(closed),
         "whole": sum(c.whole for c in closed), "unacknowledged": sum(not c.acknowledged for c in found)},
        (Column("level", "level"), Column("cases", "count"), Column("closed", "count"),
         Column("whole", "count")),
        tuple(
            (level, n, sum(c.level == level for c in closed),
             sum(c.level == level and c.whole for c in closed))
            for level, n in sorted(levels.items())
        ),
    )  # fmt: skip


QUERY = Query("cases", "response", answer)
