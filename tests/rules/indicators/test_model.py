from __future__ import annotations

from citywall.findings import Severity
from rules.indicators.model import MOST_TOLD, Indicator, Indicators, Refused, severity_for


def test_an_indicator_holds_from_its_beginning_until_before_its_end():
    indicator = Indicator("domain", "a.example", "x", 0.5, Severity.LOW, 10, 20)
    assert [indicator.holds(t) for t in (9, 10, 19, 20)] == [False, True, True, False]
    assert Indicator("domain", "a.example", "x", 0.5, Severity.LOW).holds(1 << 60)


def test_refused_entries_are_counted_beyond_those_that_are_told():
    found = Indicators()
    for i in range(MOST_TOLD + 5):
        found.refuse(Refused("f", f"line {i}", "v", "r"))
    assert (found.refused_count, len(found.refused)) == (MOST_TOLD + 5, MOST_TOLD)


def test_severity_goes_by_confidence():
    assert [severity_for(c) for c in (0.9, 0.7, 0.2)] == [Severity.HIGH, Severity.MEDIUM, Severity.LOW]
