"""Classes name detectors that there are."""

from __future__ import annotations

from detectors.registry import DETECTORS as REGISTERED
from drills.classes import CLASSES, DETECTORS, detectors_of


def test_detectors_of_classes():
    assert set(DETECTORS) <= set(CLASSES)
    assert {name for names in DETECTORS.values() for name in names} <= set(REGISTERED)
    assert detectors_of("dns-tunnel") == {"dnstunnel"}
    assert detectors_of("evasion") == frozenset()
