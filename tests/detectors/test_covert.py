"""Data in echoes."""

from __future__ import annotations

import pytest
from relation_scenes import Scene, icmp_tunnel, inside, outside

from citywall.batches import ICMP
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"covert": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "covert"]


def echoes(sent, back, size, answer, lasts=60.0):
    return Scene().flow(
        0, inside(9), outside(7), ICMP, 0, 0, sent, back, sent * size, back * answer, lasts, icmp=8
    )


def test_a_tunnel_is_told():
    found = judge(icmp_tunnel())
    assert max(f.severity for f in found) == Severity.MEDIUM
    assert found[-1].facts["observed"] > 80


@pytest.mark.parametrize(
    ("sent", "back", "size", "answer"),
    [(300, 300, 1400, 1400), (300, 299, 56, 56), (10, 8, 1400, 700), (300, 3, 400, 30)],
    ids=["mirrored", "small", "few", "errors"],
)
def test_what_mirrors_or_is_small_is_none(sent, back, size, answer):
    assert judge(echoes(sent, back, size, answer)) == []


@pytest.mark.parametrize(
    ("sent", "back", "size", "answer", "told"),
    [
        (163, 163, 15, 2, True),  # a shell's answers to a master's empty echoes
        (163, 163, 0, 40, True),
        (163, 163, 15, 15, False),
        (163, 120, 15, 2, False),  # not one by one
        (40, 40, 12, 2, False),  # not much in all
        (100, 100, 60, 40, False),  # of more than 64 bytes some servers copy only so much
    ],
)
def test_answers_that_are_no_copies(sent, back, size, answer, told):
    found = judge(echoes(sent, back, size, answer))
    assert bool(found) == told
    assert {f.severity for f in found} <= {Severity.MEDIUM}
    assert all(f.facts["observed"] >= f.facts["threshold"] == 0.2 for f in found)


def test_an_answer_first_seen_turns_the_relation():
    scene = Scene().flow(0, outside(7), inside(9), ICMP, 0, 0, 200, 150, 40_000, 12_000, 40.0, icmp=0)
    assert judge(scene)[-1].source.address == inside(9)
