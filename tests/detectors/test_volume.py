"""Volumes by hour of the week."""

from __future__ import annotations

import baseline_scenes as usual
import pytest
from baseline_scenes import DAY, HOUR, MIDNIGHT, Scene, inside, outside

from citywall.batches import TCP
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build

ALONE = {name: {"enabled": False} for name in ("exfiltration", "jobs")}


def judge(scene, **parameters):
    found = build({"volume": parameters} | ALONE, PRIVATE).process(
        scene.reports(), scene.events(), "s", "live"
    )
    return [f for f in found if f.detector == "volume"]


def put(scene, at, megabytes, src=None, dst=None, back=0.0):
    size, more = int(megabytes * 1e6), int(back * 1e6)
    ends = src or inside(9, net=1), dst or inside(7, net=2)
    return scene.flow(
        MIDNIGHT + at, *ends, TCP, None, 445, size // 1200 + 5, 500, size, more, 2.0, **usual.OPENED
    )


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_a_night_with_far_more_than_any_hour_is_told_of_the_client(six):
    found = judge(usual.night_upload(six))
    loud = [f for f in found if f.severity >= Severity.MEDIUM]
    assert {(f.kind, f.entity) for f in loud} == {("sent", inside(9, six, 1))}
    assert loud[0].facts["days_known"] >= 5
    assert loud[0].facts["usual"] < 2e6
    assert {f.facts["role"] for f in found if f not in loud} == {"server"}


def test_until_a_working_week_is_known_nothing_is_said():
    scene = usual.office(days=4)
    assert judge(put(scene, 4 * DAY + 2 * HOUR, 3000)) == []


def test_what_the_host_moved_in_another_hour_is_a_hint():
    scene = usual.office(days=7)
    for day in range(7):
        put(scene, day * DAY + 20 * HOUR, 2000)
    assert {f.severity for f in judge(put(scene, 7 * DAY + 2 * HOUR, 2000))} == {Severity.INFORMATIONAL}


def test_an_hour_is_judged_by_its_own_kind():
    """What is sent at ten each day is usual at ten."""
    scene = Scene()
    for day in range(9):
        for hour in (2, 10):
            put(scene, day * DAY + hour * HOUR + 60, 1500 if hour == 10 else 1)
    assert judge(scene) == []


def test_a_server_that_is_drained_from_outside_is_told():
    scene = Scene()
    for day in range(9):
        for hour in range(0, 24, 3):
            put(scene, day * DAY + hour * HOUR, 0.1, outside(day + hour), inside(7, net=2), back=3)
    put(scene, 8 * DAY + 4 * HOUR, 0.1, outside(99), inside(7, net=2), back=5000)
    loud = [f for f in judge(scene) if f.severity >= Severity.MEDIUM]
    assert {(f.kind, f.entity, f.facts["role"]) for f in loud} == {("sent", inside(7, net=2), "server")}
    assert loud[0].target.address == outside(99)


def test_days_off_are_apart_from_workdays():
    """The scenes begin on a Thursday of the house's clock: the first weekend knows too few days like it."""
    scene = usual.office(days=3)
    assert judge(put(scene, 3 * DAY + 10 * HOUR, 3000)) == []
    scene = Scene()
    for day in range(14):
        put(scene, day * DAY + 3 * HOUR, 1)
    put(scene, 10 * DAY + 3 * HOUR + 60, 3000)
    assert judge(scene) == []
    assert judge(scene, days=2)
