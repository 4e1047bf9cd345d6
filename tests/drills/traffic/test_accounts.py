"""Log-ins, tickets and leases of a benign day: the same for a seed, and quiet."""

from __future__ import annotations

import numpy as np

from citywall import batches as b
from citywall.batches import FLOW
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build
from drills.traffic.accounts import told
from drills.traffic.day import Day, exempt
from drills.traffic.rows import SECOND

BEGUN = 1_714_521_600 * SECOND


def test_the_same_seed_gives_the_same_hour_with_everything_in_it():
    one, two, other = (told(Day(200, seed, BEGUN), 8).rows() for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert len(one) != len(other) or not np.array_equal(one, other)
    kinds = {
        b.DHCP_MESSAGE,
        b.NTLM_LOGON,
        b.TICKET_ASKED,
        b.TICKET_GIVEN,
        b.CALLS_BOUND,
        b.CALL_MADE,
        b.SHARE_OPENED,
    }
    assert set(one["kind"].tolist()) == kinds
    assert len(told(Day(200, 1, BEGUN), 3).rows()) < len(one) / 4


def test_it_is_borne_in_silence():
    detectors, day = build(exempt(), PRIVATE), Day(600, 1, BEGUN)
    found = []
    for hour in (7, 8, 9):
        found += detectors.process(np.empty(0, FLOW), told(day, hour).rows(), "s", "test")
    assert [(f.detector, f.entity) for f in found if f.severity > Severity.INFORMATIONAL] == []
