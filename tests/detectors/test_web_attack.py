"""Attacks on web servers."""

from __future__ import annotations

import pytest
import sighting_scenes as scenes

from citywall import batches as b
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def found(scene, **parameters):
    told = build({"webattack": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in told if f.detector == "webattack"]


def requests(n, flags, apart=1.0):
    scene = scenes.Scene()
    for i in range(n):
        target = f"/a{i}?x=1"
        scenes.request(scene, i * apart, scenes.outside(7), scenes.inside(3), target, flags)
    return scene


@pytest.mark.parametrize(
    ("n", "flags", "kind", "worst"),
    [
        (3, b.INJECTION, None, None),
        (8, b.INJECTION, "burst", Severity.MEDIUM),
        (40, b.INJECTION, "burst", Severity.MEDIUM),
        (40, b.INJECTION | b.COMMAND, "burst", Severity.HIGH),
        (1, b.INJECTION | b.UNMISTAKABLE, "exploit", Severity.MEDIUM),
        (9, b.INJECTION | b.UNMISTAKABLE, "exploit", Severity.HIGH),
        (1, b.WEB_SHELL | b.UNMISTAKABLE, "web_shell", Severity.MEDIUM),
        (4, b.SCANNER, None, None),
        (20, b.PROBING, "scanner", Severity.MEDIUM),
        (500, 0, None, None),
    ],
)
def test_signs_are_weighed(n, flags, kind, worst):
    told = found(requests(n, flags))
    assert {f.kind for f in told} == ({kind} if kind else set())
    assert max((f.severity for f in told), default=None) == worst


def test_odd_requests_far_apart_are_no_burst():
    assert found(requests(20, b.INJECTION, apart=100)) == []


def test_pictures_that_are_missing_are_no_guessing():
    scene = scenes.Scene()
    for i in range(200):  # the same ten of them
        scenes.request(scene, i, scenes.inside(9), scenes.inside(3), f"/img{i % 10}.png")
        scenes.response(scene, i + 0.1, scenes.inside(3), scenes.inside(9), 404)
    assert found(scene) == []


def test_what_was_asked_for_is_told():
    told = found(scenes.exploit(six=True))[0]
    assert told.facts["example"] == "/view?f=../../../etc/passwd"
    assert told.target.port == 80
