"""Data carried off."""

from __future__ import annotations

from relation_scenes import OPENED, Scene, inside, outside

from citywall.batches import TCP
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build

MB = 1_000_000


def judge(out, back, source=None, target=None, hosts=0, **parameters):
    scene = Scene()
    for i in range(hosts):
        scene.tcp(i * 0.1, inside(i, net=3), outside(7), 443, "talk")
    ends = source or inside(9), target or outside(7)
    scene.flow(20, *ends, TCP, None, 443, 1000, 1000, out * MB, back * MB, 3.0, **OPENED)
    found = build({"exfiltration": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "exfiltration"]


def test_much_out_and_little_in():
    assert judge(300, 3)[-1].severity == Severity.MEDIUM
    assert judge(3000, 3)[-1].severity == Severity.HIGH
    assert judge(100, 3) == []


def test_a_call_and_a_download_are_none():
    assert judge(300, 250) == []
    assert judge(300, 3000) == []


def test_only_from_us_to_others():
    assert judge(300, 3, target=inside(7)) == []
    assert judge(300, 3, source=outside(3)) == []


def test_a_place_that_many_use_is_told_softly():
    assert judge(300, 3, hosts=30)[-1].severity == Severity.INFORMATIONAL
    assert judge(300, 3, hosts=30, common=200)[-1].severity == Severity.MEDIUM
