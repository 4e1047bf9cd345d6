"""Connections that are held open and ask for nothing."""

from __future__ import annotations

import holding_scenes as scenes
import pytest
from holding_scenes import Scene, inside, line, outside

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"slowflood": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "slowflood"]


def heads(n, *, source=None, target=None, **more):
    scene = Scene()
    for i in range(n):
        line(scene, i * 0.2, source or outside(7), target or inside(3, net=2), **more)
    return scene


@pytest.mark.parametrize(("n", "worst"), [(20, None), (45, Severity.MEDIUM), (170, Severity.HIGH)])
def test_unfinished_questions_are_counted(n, worst):
    assert max((f.severity for f in judge(heads(n))), default=None) == worst


def test_only_old_connections_to_services_of_ours_that_are_not_held_by_design():
    assert judge(heads(60, lasts=20.0)) == []
    assert judge(heads(60, target=outside(9))) == []
    assert judge(heads(60, port=993)) == []
    assert judge(heads(60, sent=90_000)) == []
    assert judge(heads(60), exempt=[outside(7)]) == []


def test_many_sources_with_a_few_each_are_told_of_the_service():
    found = judge(scenes.many_slow())
    assert {f.kind for f in found} == {"unfinished"}
    assert {f.source for f in found} == {None}
    assert found[0].entity == f"{inside(3, net=2)}:80"
    assert judge(scenes.many_slow(), together=400) == []


def test_idle_connections_of_a_proxy_of_ours_are_a_remark():
    assert {f.severity for f in judge(scenes.pool())} == {Severity.INFORMATIONAL}


def test_what_is_answered_is_told_by_its_number():
    found = judge(scenes.slow_reading())
    assert {f.kind for f in found} == {"held"}
    assert 100 <= found[0].facts["observed"] < 120
