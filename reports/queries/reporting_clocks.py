"""Reporting clocks that ran in the day, by state (国家网络安全事件报告管理办法 Art. 4 and 8)."""

from collections import Counter

from reports.figures import Column, Figure, Query, Said, absent
from reports.inputs import Inputs
from reports.rooms import ClockFact

_STATES = ("met", "late", "overdue", "running")


def answer(inputs: Inputs) -> Figure:
    """Clocks by state at the end of the day; what was done later does not count yet."""
    if inputs.clocks is None:
        return absent("reporting_clocks", "room_absent", room="cases")
    since, until = inputs.day.since, inputs.day.until
    found = [c for c in inputs.clocks if c.since < until and (not c.done or c.done >= since)]
    counts = Counter(_state(c, until) for c in found)
    unclocked = inputs.unclocked
    return Figure(
        "reporting_clocks", "partial" if unclocked else "observed",
        (Said("operator_unset", {"count": unclocked}),) if unclocked else (), {"clocks": len(found)},
        {state: counts[state] for state in _STATES},
        (Column("clock", "clock"), Column("reports", "count")), tuple((s, counts[s]) for s in _STATES),
    )  # fmt: skip


def _state(clock: ClockFact, now: int) -> str:
    if clock.done and clock.done < now:
        return "met" if clock.done <= clock.due else "late"
    return "overdue" if clock.due < now else "running"


QUERY = Query("reporting_clocks", "response", answer)
