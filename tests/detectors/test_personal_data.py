"""Numbers of people in clear text."""

from __future__ import annotations

import sighting_scenes as scenes

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def found(scene, **parameters):
    return build({"personaldata": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")


def numbers(src, dst, *counts):
    scene = scenes.Scene()
    for i, n in enumerate(counts):
        scenes.people(scene, i, src, dst, n)
    return scene


def test_what_leaves_is_told_from_a_few_on():
    out = scenes.inside(3), scenes.outside(7)
    assert found(numbers(*out, 1, 1)) == []
    assert found(numbers(*out, 1, 2))[0].severity is Severity.MEDIUM
    assert found(numbers(*out, 150))[0].severity is Severity.HIGH
    assert found(numbers(*out, 1, 2), outside=10) == []


def test_what_stays_is_told_from_many_on():
    within = scenes.inside(3), scenes.inside(9)
    assert found(numbers(*within, 20, 20)) == []
    assert found(numbers(*within, 20, 40))[0].severity is Severity.LOW


def test_what_others_send_us_is_not_ours():
    assert found(numbers(scenes.outside(7), scenes.inside(3), 500)) == []


def test_numbers_are_masked():
    (told,) = {f.facts["example"] for f in found(scenes.leaving(six=True))[:1]}
    assert told.count("*") == 10


def test_telephone_numbers_alone_are_told_from_many_on():
    (told, *_) = found(scenes.telephones())
    assert (told.kind, told.severity, told.facts["identity_numbers"]) == ("telephones", Severity.LOW, 0)
    assert found(scenes.telephones(), telephones=5000) == []
    assert found(scenes.telephones(), telephones=50)[-1].severity is Severity.MEDIUM
