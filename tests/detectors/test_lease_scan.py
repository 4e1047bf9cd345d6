"""Clients of DHCP that ask for many addresses."""

from __future__ import annotations

import pytest
import sighting_scenes as scenes

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def found(scene, **parameters):
    told = build({"leasescan": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in told if f.detector == "leasescan"]


def asks(n, every=1.0, card="24:4b:fe:00:00:09"):
    scene = scenes.Scene()
    for i in range(n):
        scenes.lease(scene, i * every, "0.0.0.0", "255.255.255.255", card, scenes.inside(i))
    return scene


@pytest.mark.parametrize(
    ("n", "every", "worst"),
    [(5, 1, None), (6, 1, Severity.LOW), (16, 1, Severity.MEDIUM), (40, 300, None)],
)
def test_different_addresses_within_the_window_count(n, every, worst):
    assert max((f.severity for f in found(asks(n, every))), default=None) == worst


def test_who_asks_is_told_by_card():
    (first, *_) = found(asks(12))
    assert first.source.mac == "24:4b:fe:00:00:09"
    assert first.entity.endswith("24:4b:fe:00:00:09")
    assert first.facts["last"] == scenes.inside(5)


def test_answers_and_releases_do_not_count():
    scene = asks(12)
    for row in scene.resolution:
        row["type"] = 7
    assert found(scene) == []
