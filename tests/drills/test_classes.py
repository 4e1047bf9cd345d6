"""Classes name detectors that there are."""

from __future__ import annotations

from detectors.registry import DETECTORS as REGISTERED
from drills.classes import CLASSES, DETECTORS, detector_of, detectors_of, signature_class


def test_detectors_of_classes():
    assert set(DETECTORS) <= set(CLASSES)
    assert {name for names in DETECTORS.values() for name in names} <= set(REGISTERED)
    assert detectors_of("dns-tunnel") == {"dnstunnel", "nametunnel"}
    assert detectors_of("evasion") == {"evasion"}
    assert [detector_of(name) for name in ("scan", "exfiltration", "evasion")] == [
        "scan",
        "exfiltration",
        "evasion",
    ]


def test_signatures_speak_of_classes():
    assert signature_class("lateral") == "lateral"
    assert signature_class("trojan-activity") == "c2"
    assert signature_class("misc-activity") == ""
