"""Backups that are missed."""

from __future__ import annotations

import baseline_scenes as usual
import pytest
from baseline_scenes import DAY, HOUR, MIDNIGHT, Sampled, inside, outside

from citywall.batches import TCP
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build


def judge(scene, **parameters):
    found = build({"jobs": parameters}, PRIVATE).process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "jobs"]


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_a_backup_that_does_not_come_is_told_once(six):
    (found,) = judge(usual.missed_backup(six))
    assert (found.kind, found.severity) == ("missed", Severity.MEDIUM)
    assert found.source.address == inside(9, six, 2)
    assert 0 < found.time - found.began <= 2 * 3600 * 10**9  # at the next sweep once it was late


def test_three_runs_are_no_rhythm():
    assert judge(usual.backups(nights=3)) == []
    assert judge(usual.backups(nights=3), runs=3)


def nights(days, hours=2.0, size=900e6):
    """A job on these days, and an hourly connection elsewhere."""
    scene = Sampled()
    for day in days:
        at = MIDNIGHT + day * DAY + hours * HOUR
        scene.flow(
            at, inside(9, net=2), inside(7, net=3), TCP, None, 10_000, 800_000, 300_000, int(size), 900, 3.0,
            **usual.OPENED,
        )  # fmt: skip
    for i in range(int((max(days) + 2) * 24)):
        scene.tcp(MIDNIGHT + i * HOUR, inside(i % 5, net=1), outside(7), 443, "talk")
    return scene


def test_weekends_are_missed_once_and_then_known():
    """Five nights a week: the first pause is told, no later one."""
    workdays = [4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 18]
    early, late = judge(nights(workdays[:7])), judge(nights(workdays))
    assert len(early) == len(late) == 1


def test_what_runs_at_any_hour_has_no_rhythm():
    assert judge(nights([0, 0.4, 1.1, 1.8, 2.3, 3.0])) == []


def test_a_run_of_next_to_nothing_shrank():
    found = judge(usual.shrunken_backup())
    assert [f.kind for f in found] == ["shrunken"]
    assert found[0].facts["observed"] < 0.01 * found[0].facts["usual"]


def test_a_restore_at_noon_is_no_shrunken_run():
    scene = nights(range(6))
    ends = inside(9, net=2), inside(7, net=3)
    at = MIDNIGHT + 4 * DAY + 12 * HOUR
    scene.flow(at, *ends, TCP, None, 10_000, 9000, 9000, 4_000_000, 900, 3.0, **usual.OPENED)
    assert [f.kind for f in judge(scene)] == ["missed"]
