"""Attacks that show in events: each is told by its detector at every intensity."""

from __future__ import annotations

import pytest

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build
from drills.traffic.accounts import told
from drills.traffic.day import Day
from drills.traffic.injections import INJECTIONS, INTENSITIES, bad_host
from drills.traffic.rows import SECOND

BEGUN = 1_714_521_600 * SECOND
MORNING = told(Day(60, 1, BEGUN), 8).rows()


@pytest.mark.parametrize("attack", [a for a in INJECTIONS if a.tell], ids=lambda a: a.id)
@pytest.mark.parametrize("level", range(len(INTENSITIES)), ids=INTENSITIES)
def test_each_is_told_after_a_quiet_morning(attack, level):
    rows, events = attack.made(BEGUN, 12 * 3600.0, level, bad_host(3))
    detectors = build({}, PRIVATE)
    assert detectors.process(rows, MORNING, "s", "test") == []
    found = detectors.process(rows, events, "s", "test")
    loud = {f.detector for f in found if f.severity > Severity.INFORMATIONAL}
    assert loud == set(attack.detectors)
