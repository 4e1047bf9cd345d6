"""What the tests of this room write into logs: times go up by a second a record, from the same moment."""

from __future__ import annotations

from citywall.permissions import Identity, Target
from trust.audit import entry
from trust.records import Entry

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
LI = Identity("li", ("analyst",), via="test")


class Clock:
    """A wall clock that goes on by a second whenever it is asked."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        self.now += SECOND
        return self.now


def closing(case: int) -> Entry:
    """Li closes a case."""
    return entry(LI, "cases.close", Target("case", str(case)), detail={"note": "误报"})
