"""The benign day: the same for a seed, full of what offices do, and quiet."""

from __future__ import annotations

import numpy as np

from citywall.batches import EVENT
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build
from drills.traffic.day import Day, exempt
from drills.traffic.rows import SECOND

BEGUN = 1_714_521_600 * SECOND


def test_the_same_seed_gives_the_same_hour():
    one, two, other = (Day(20, seed, BEGUN).hour(9).rows() for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert len(one) != len(other) or not np.array_equal(one, other)


def test_nights_are_quieter_and_every_service_is_there():
    noon, night = (Day(60, 1, BEGUN).hour(h).rows() for h in (10, 4))
    assert len(night) < len(noon) / 2
    assert {53, 123, 445, 443, 502, 587, 993, 3478, 9100} <= set(noon["dst_port"].tolist())


def test_it_is_borne_in_silence():
    detectors = build(exempt(), PRIVATE)
    day = Day(300, 1, BEGUN)
    found = []
    for hour in (3, 9):
        found += detectors.process(day.hour(hour).rows(), np.empty(0, EVENT), "s", "test")
    assert [(f.detector, f.entity) for f in found if f.severity > Severity.INFORMATIONAL] == []
