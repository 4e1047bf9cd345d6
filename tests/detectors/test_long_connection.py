"""Connections held for hours."""

from __future__ import annotations

import pytest
from relation_scenes import Scene, inside, outside

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build

HOUR = 3600 * 10**9


def judge(scene, **parameters):
    found = build({"longconn": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "longconn"]


def held(hours, port=1234, cuts=1, pause=0.0, sport=40000):
    """A connection of that many hours, in as many pieces as its meter cuts."""
    scene = Scene()
    for i in range(cuts):
        at = i * (hours / cuts * 3600 + pause)
        scene.tcp(at, inside(9), outside(7), port, "talk", sport=sport, lasts=1)
    scene = scene.logged()
    for row in scene.rows:
        row["last"] = row["first"] + int(hours / cuts * HOUR)
    return scene


@pytest.mark.parametrize(
    ("hours", "worst"), [(0.9, None), (2, Severity.LOW), (13, Severity.MEDIUM)]
)  # fmt: skip
def test_it_is_graded_by_hours(hours, worst):
    assert max((f.severity for f in judge(held(hours))), default=None) == worst


def test_pieces_are_joined_by_their_ports():
    assert judge(held(4, cuts=8, pause=30))[-1].facts["observed"] > 3.5
    assert judge(held(4, cuts=8, pause=600)) == []
    apart = held(1.5, cuts=3)
    for i, row in enumerate(apart.rows):
        row["src_port"] += i
    assert judge(apart) == []


def test_services_held_by_design_are_passed_over():
    assert judge(held(20, port=22)) == []
    assert judge(held(20, port=22), services=[23])[-1].severity == Severity.MEDIUM
