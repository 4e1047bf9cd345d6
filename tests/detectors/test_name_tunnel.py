"""Data in names."""

from __future__ import annotations

import hashlib

import pytest
import sighting_scenes as scenes

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def found(scene, **parameters):
    told = build({"nametunnel": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in told if f.detector == "nametunnel"]


def asks(n, size, qtype=1, zone="t.example.org"):
    scene = scenes.Scene()
    for i in range(n):
        label = hashlib.sha512(b"%d" % i).hexdigest()[:size]
        label = ".".join(label[i : i + 60] for i in range(0, size, 60))
        name = f"{label}.{zone}" if zone else f"{label[: size // 2]}.{label[size // 2 :]}9"
        scenes.ask(scene, i, scenes.inside(9), scenes.inside(1), name, qtype, port=1000 + i)
    return scene


@pytest.mark.parametrize(
    ("n", "size", "qtype", "worst"),
    [
        (200, 8, 1, None),  # many short ones
        (30, 60, 1, None),  # few long ones
        (12, 120, 1, Severity.MEDIUM),  # few that are full
        (6, 120, 1, None),
        (120, 40, 1, Severity.MEDIUM),
        (600, 40, 1, Severity.HIGH),
        (120, 8, 10, Severity.MEDIUM),  # short questions whose answers hold data
    ],
)
def test_number_length_and_kind_are_weighed(n, size, qtype, worst):
    assert max((f.severity for f in found(asks(n, size, qtype))), default=None) == worst


def test_names_without_a_domain_are_counted_together():
    told = found(asks(200, 40, zone=""))
    assert told[0].facts["domain"] == "."


def test_the_same_names_again_are_no_data():
    scene = scenes.Scene()
    for i in range(500):
        name = f"{hashlib.sha256(b'%d' % (i % 20)).hexdigest()[:40]}.avts.example.org"
        scenes.ask(scene, i, scenes.inside(9), scenes.inside(1), name, port=1000 + i)
    assert found(scene) == []


def test_the_domain_is_told():
    told = found(scenes.name_tunnel(six=True))
    assert told[0].facts["domain"] == "example.org"
    assert told[0].entity == scenes.inside(9, True, 1)
