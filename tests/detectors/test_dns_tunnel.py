"""DNS tunnels by their flows."""

from __future__ import annotations

import pytest
from relation_scenes import Scene, dns_volume, inside, names

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"dnstunnel": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "dnstunnel"]


def asks(n, size, six=False):
    scene = Scene()
    for i in range(n):
        scene.udp(i * 0.5, inside(9, six, 1), inside(1, six, 1), 53, size=size)
    return scene


@pytest.mark.parametrize(
    ("n", "size", "worst"),
    [
        (40, 40, None),
        (12, 55, Severity.INFORMATIONAL),
        (40, 95, Severity.MEDIUM),
        (200, 55, Severity.MEDIUM),
        (200, 150, Severity.HIGH),
        (8, 200, None),
    ],
)
def test_size_and_number_are_weighed(n, size, worst):
    found = judge(asks(n, size))
    assert max((f.severity for f in found), default=None) == worst


def test_ordinary_names_are_passed_over_in_both_families():
    assert judge(names()) == judge(names(six=True)) == []


def test_volume_alone_is_told():
    assert [f.kind for f in judge(dns_volume())] == ["volume"]
    assert judge(dns_volume(), volume_bytes=1 << 30) == []


def test_a_resolver_may_be_exempt():
    assert judge(asks(200, 150), exempt=[inside(9, net=1)]) == []
