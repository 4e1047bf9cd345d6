"""Call-backs: what is regular, what is not."""

from __future__ import annotations

import numpy as np
import pytest
import relation_scenes as related
from relation_scenes import Scene, inside, outside

from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.beacon import Beacon, BeaconParameters, _longest_run, regularity, scores_of
from detectors.places import Places
from detectors.registry import build
from detectors.relations.records import PAIR, STARTS


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


def test_a_few_quick_calls_by_chance_are_no_beacon():
    rng, scene = np.random.default_rng(4), Scene()
    for host in range(60):
        at = 0.0
        for _ in range(24):
            scene.tcp(at, inside(9 + host, net=1), outside(7 + host), 443, "talk")
            at += rng.exponential(4)
    assert len({f.entity for f in judge(scene)}) <= 12  # chance is never quite none
    assert judge(every(24, 4, 0.2))


def test_few_are_a_hint_and_common_places_are_no_news():
    assert {f.severity for f in judge(every(12, 60))} == {Severity.LOW}
    assert judge(related.common_telemetry()) == []
    common = judge(related.common_telemetry(), everywhere=250)
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


def slow(values, small, wide):
    """(median, deviation, score) of one series, told slowly."""
    low, middle, high = (sorted(values)[round((len(values) - 1) * q)] for q in (0.25, 0.5, 0.75))
    even = high - low < min(wide, middle / 2) or middle in (low, high)
    skew = 0.0 if even else (low + high - 2 * middle) / (high - low)
    deviation = sorted(abs(v - middle) for v in values)[round((len(values) - 1) * 0.5)]
    return (
        middle,
        deviation,
        (1 - abs(skew) + (small if middle < 1 else max(0, middle - deviation) / middle)) / 2,
    )


def test_regularity_is_as_published():
    rng = np.random.default_rng(3)
    values = rng.integers(0, 200, (200, 31))
    counts = rng.integers(1, 32, 200)
    valid = np.arange(31) < counts[:, None]
    for wide in (10, 50):
        found = zip(*regularity(values, valid, 1.0, wide), strict=True)
        for row, n, got in zip(values.tolist(), counts, found, strict=True):
            assert got == pytest.approx(slow(row[:n], 1.0, wide))
    none = regularity(values[:1], np.zeros((1, 31), bool), 1.0, 10)
    assert [part.tolist() for part in none] == [[0.0], [0.0], [1.0]]
    assert slow([10, 20, 30, 100, 1000], 1.0, 10)[2] == pytest.approx(((1 - 60 / 80) + 10 / 30) / 2)


def test_no_beacon_is_given_up_before_its_sizes_are_looked_at():
    rng, n = np.random.default_rng(5), 3000
    pairs = np.zeros(n, PAIR)
    pairs["flows"] = rng.integers(8, 70, n)
    pairs["hours"] = rng.choice([0, 1, 0xFFFFFF], n)
    pairs["last"] = rng.choice([3600, 12 * 3600], n) * 10**9
    gaps = rng.choice([500, 3000, 60_000], (n, 1)) * (
        1 + rng.uniform(0, 0.6, (n, 1)) * rng.random((n, STARTS))
    )
    starts = np.cumsum(gaps, axis=1).astype(np.uint32)
    sizes = (500 + rng.choice([0, 5, 4000], (n, 1)) * rng.random((n, STARTS))).astype(np.uint32)
    scores = scores_of(pairs, starts, sizes)
    told = (scores.gap_s >= 2.0) & (scores.score >= 0.9)
    hopeful = Beacon(BeaconParameters(), Places(()))._hopeful(pairs, starts)
    assert 0 < told.sum() < hopeful.sum() < n
    assert not (told & ~hopeful).any()
