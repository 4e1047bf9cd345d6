"""Machinery: strangers, and masters that look around."""

from __future__ import annotations

import relation_scenes as related
from relation_scenes import Scene, inside, modbus

from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"ics": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "ics"]


def test_polling_is_passed_over():
    assert judge(related.polling()) == []


def test_one_refusal_is_none_and_many_codes_are():
    scene = Scene()
    for i in range(20):
        scene.tcp(i * 5.0, inside(2), inside(7), 502, "talk", **modbus(3, refused=i % 10 == 0))
    assert judge(scene) == []
    scene = Scene()
    for i in range(9):
        scene.tcp(i * 5.0, inside(2), inside(7), 502, "talk", **modbus(i + 1))
    assert {f.kind for f in judge(scene)} == {"recon", "writes"}


def test_a_stranger_is_told_only_after_learning():
    found = judge(related.strange_master())
    assert [f.kind for f in found] == ["strange_master"]
    assert found[0].source.address == inside(9, net=1)
    assert judge(related.strange_master(), learn_s=10_000) == []
