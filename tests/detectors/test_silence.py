"""Sources of flows that fall silent or lose."""

from __future__ import annotations

import baseline_scenes as usual
import pytest
from baseline_scenes import Sampled, inside, outside

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"sensors": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "sensors"]


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_a_domain_that_stops_is_told_once(six):
    (found,) = judge(usual.silent_segment(six))
    assert (found.kind, found.severity, found.entity) == ("silent", Severity.MEDIUM, "vlan 12")
    assert found.facts["observed"] > 3 * found.facts["usual"]


def test_who_was_not_heard_for_a_day_is_not_missed():
    assert judge(usual.segments(until=20.0)) == []
    assert judge(usual.segments(until=20.0), learn_h=10.0, flows=50)


def test_a_domain_that_is_quiet_every_night_is_not_missed():
    scene = Sampled()
    for hour in range(24 * 4):
        scene.tcp(hour * 3600.0, inside(1, net=1), outside(7), 443, "talk", vlan=11)
        if 8 <= hour % 24 <= 18:
            for i in range(6):
                scene.tcp(hour * 3600.0 + i * 600, inside(1, net=4), outside(8), 443, "talk", vlan=12)
    assert judge(scene) == []


def test_a_domain_that_spoke_again_may_fall_silent_again():
    scene = usual.segments(until=27.0, hours=80.0)
    for i in range(40):
        scene.tcp((50 + i / 4) * 3600.0, inside(1, net=4), outside(8), 443, "talk", vlan=12)
    assert [f.kind for f in judge(scene)] == ["silent", "silent"]


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_connections_seen_by_halves_are_told(six):
    found = judge(usual.segments(six, until=12.0, halved=9.0, every=180.0, hours=12.0), half_flows=15)
    assert {(f.kind, f.entity) for f in found} == {("lossy", "vlan 12")}
    assert found[0].facts["usual"] == 0
    assert found[0].facts["observed"] >= 0.4


def test_a_domain_that_was_always_half_is_what_it_is():
    assert judge(usual.segments(until=12.0, halved=0.0, every=180.0, hours=12.0), half_flows=15) == []
