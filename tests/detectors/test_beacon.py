"""Call-backs: what is regular, what is not."""

from __future__ import annotations

import numpy as np
import pytest
import relation_scenes as related
from relation_scenes import Scene, inside, outside

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.beacon import _longest_run, _regularity
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"beacon": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "beacon"]


def every(n, gap, jitter=0.0, target=None, port=443, seed=1, **more):
    rng, scene, at = np.random.default_rng(seed), Scene(), 0.0
    for _ in range(n):
        scene.tcp(at, inside(9, net=1), target or outside(7), port, "talk", **more)
        at += gap * (1 + jitter * rng.uniform(-1, 1))
    return scene


@pytest.mark.parametrize("jitter", [0.0, 0.1, 0.2])
def test_some_jitter_hides_nothing(jitter):
    found = judge(every(40, 60, jitter))
    assert found[-1].severity == Severity.MEDIUM
    assert abs(found[-1].facts["gap_seconds"] - 60) < 8


def test_people_are_not_regular():
    rng, scene, at = np.random.default_rng(2), Scene(), 0.0
    for _ in range(60):
        scene.tcp(at, inside(9, net=1), outside(7), 443, "talk", scale=rng.uniform(1, 30))
        at += rng.exponential(60)
    assert judge(scene) == []


def test_few_are_a_hint_and_common_places_are_no_news():
    assert {f.severity for f in judge(every(12, 60))} == {Severity.LOW}
    common = judge(related.common_telemetry())
    assert common[-1].severity == Severity.INFORMATIONAL
    assert common[-1].facts["hosts_estimated"] > 20


def test_polling_of_services_at_home_is_usual():
    assert judge(every(40, 60, target=inside(7, net=2), port=5432)) == []
    assert judge(every(40, 60, target=inside(7, net=2), port=443)) == []
    assert judge(every(40, 60, target=inside(7, net=2), port=4433))[-1].severity == Severity.LOW
    assert judge(every(40, 60, port=123)) == []


def test_what_is_fast_is_a_conversation():
    assert judge(every(60, 1.0)) == []


def test_a_day_without_end_counts():
    scene = every(30, 1800)
    found = judge(scene)
    assert found[-1].facts["hours_score"] >= 0.5
    assert _longest_run(0b1011100) == 3
    assert _longest_run(0) == 0


def test_regularity_is_as_published():
    assert _regularity(np.full(9, 60.0), 1.0) == (60.0, 0.0, 1.0)
    middle, deviation, score = _regularity(np.array([10.0, 20, 30, 100, 1000]), 1.0)
    assert (middle, deviation) == (30, 20)
    assert score == pytest.approx(((1 - 60 / 80) + 10 / 30) / 2)
