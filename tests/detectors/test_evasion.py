"""Hostile fragments."""

from __future__ import annotations

import detector_scenes as scenes
import pytest
from detector_scenes import Scene, address

from citywall.batches import FRAGMENT_OVERLAP, FRAGMENT_REPEAT, FRAGMENT_TINY
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"evasion": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "evasion"]


@pytest.mark.parametrize("six", [False, True])
def test_who_contradicts_himself_is_named(six):
    (first, *_) = judge(scenes.overlapping(six))
    assert (first.kind, first.severity) == ("overlap", Severity.MEDIUM)
    assert first.source.address == address(7, six, 1)
    assert first.target.address == address(8, six, 2)
    assert first.evidence[0].frame == 1
    assert first.facts["observed"] == 1


def test_a_flood_is_told_of_its_target():
    (first, *_) = judge(scenes.fragment_flood())
    assert first.kind == "fragment_flood"
    assert first.source is None
    assert first.facts["several_sources"] == 1
    assert first.facts["observed"] == 500


def test_what_comes_twice_as_it_was_is_nothing():
    scene = Scene()
    for i in range(50):
        scene.fragment(i, address(1), address(2), FRAGMENT_REPEAT)
    assert judge(scene) == []


def test_a_window_ends():
    scene = Scene()
    for at in (0, 59, 200):
        scene.fragment(at, address(1), address(2), FRAGMENT_TINY)
    assert [f.facts["observed"] for f in judge(scene)] == [2]
    assert judge(scene, tiny=3) == []


def test_the_same_host_in_two_networks_is_two():
    scene = Scene()
    for vlan in (7, 8):
        scene.fragment(vlan, address(1), address(2), FRAGMENT_OVERLAP, vlan=vlan)
    assert len({f.entity for f in judge(scene)}) == 2


def test_those_who_are_exempt_are_not_told_of():
    assert judge(scenes.overlapping(), exempt=[address(7, False, 1) + "/32"]) == []
