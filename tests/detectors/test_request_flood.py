"""Floods that are answered."""

from __future__ import annotations

import baseline_scenes as usual
import pytest
from baseline_scenes import Scene, inside, outside

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"requests": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "requests"]


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_requests_of_few_are_a_flood(six):
    found = judge(usual.request_flood(six))[0]
    assert (found.kind, found.severity) == ("request_flood", Severity.MEDIUM)
    assert (found.source, found.target.port) == (None, 80)
    assert found.facts["observed"] == 400
    assert found.time - found.evidence[0].time < 5 * 10**9


def test_a_single_source_is_named():
    scene = Scene()
    for i in range(1500):
        scene.tcp(i / 500, outside(9), inside(7, net=2), 8080, "talk")
    assert {f.source.address for f in judge(scene)} == {outside(9)}


def test_a_service_first_seen_with_a_crowd_is_a_hint():
    scene = Scene()
    for i in range(2000):
        scene.tcp(i / 500, outside(i % 900), inside(7, net=2), 443, "talk")
    assert {f.severity for f in judge(scene)} == {Severity.INFORMATIONAL}


def visited(rate, rush):
    """A portal with `rate` visitors a second for twenty minutes, thinned by twenty, then a rush."""
    scene = Scene()
    for i in range(rate * 60):
        scene.tcp(i * 20 / rate, outside(i % 900), inside(7, net=2), 443, "talk")
    for i in range(rush * 5):
        scene.tcp(1200 + i / rush, outside(i % 900), inside(7, net=2), 443, "talk")
    return scene


def test_once_a_service_is_known_its_own_rate_decides():
    quiet, busy = visited(2, 40), visited(80, 40)
    lower = {"allowed": 5, "alarm": 50}
    assert max(f.severity for f in judge(quiet, **lower)) >= Severity.MEDIUM
    assert judge(busy, **lower, factor=20.0) == []
    usual_rate = [f.facts["usual"] for f in judge(quiet, **lower)]
    assert max(usual_rate) < 1


def test_connections_without_a_request_are_none():
    scene = Scene()
    for i in range(1500):
        scene.tcp(i / 500, outside(i % 20), inside(7, net=2), 80, "connect_only")
    assert judge(scene) == []


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_stray_segments_that_are_reset_are_a_flood(six):
    found = judge(usual.ack_flood(six))[0]
    assert (found.kind, found.severity) == ("ack_flood", Severity.MEDIUM)
    assert found.facts["sources_estimated"] > 200
