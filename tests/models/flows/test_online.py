"""Learning what hosts do while judging it."""

from __future__ import annotations

import numpy as np
import pytest

from models.flows import hosts
from models.flows.online import LEAST, OnlineHosts

MINUTE = hosts.WINDOW_NS


def minutes(seed: int, count: int, per: int = 40, odd: int = -1) -> hosts.Hosts:
    """`count` minutes of `per` hosts that do alike; in minute `odd` the last one does something else."""
    rng = np.random.default_rng(seed)
    rows = np.abs(rng.normal(2.0, 0.4, (count * per, len(hosts.NAMES)))).astype(np.float32)
    rows[:, [4, 10, 11, 12, 13]] = np.clip(rng.normal(0.3, 0.05, (count * per, 5)), 0, 1)
    if odd >= 0:
        rows[odd * per + per - 1, [0, 1, 2, 4]] = [9, 9, 9, 1]
    began = np.repeat(np.arange(count), per) * MINUTE
    return hosts.Hosts(rows, began, np.arange(count * per))


def part(found: hosts.Hosts, begin: int, end: int) -> hosts.Hosts:
    return hosts.Hosts(*(column[begin:end] for column in found))


LONG = LEAST // 40 + 10


@pytest.fixture(scope="module")
def week():
    return minutes(1, LONG, odd=LONG - 3)


def test_the_odd_minute_is_told_with_its_reasons(week):
    judged, why = OnlineHosts().judge(week, np.zeros(len(week.rows), np.uint8))
    told = np.flatnonzero(judged.told)
    assert (LONG - 3) * 40 + 39 in told
    assert len(told) < 10  # of a record of hours, the budget of hours
    named = {name for name, _ in why[told.tolist().index((LONG - 3) * 40 + 39)]}
    assert named <= {"flows", "peers", "services", "unanswered_share"}
    assert told.min() >= LEAST


def test_nothing_is_said_before_enough_was_seen():
    some = minutes(2, LEAST // 40 - 1, odd=20)
    judged, why = OnlineHosts().judge(some, np.zeros(len(some.rows), np.uint8))
    assert not judged.told.any()
    assert why == []


def test_cuts_and_restarts_change_nothing(week):
    share = (np.arange(len(week.rows)) % 40 >= 38).astype(np.uint8)
    want, reasons = OnlineHosts().judge(week, share)
    online, got, why = OnlineHosts(), [], []
    for at in range(0, len(week.rows), 40 * 7):
        judged, told = online.judge(part(week, at, at + 280), share[at : at + 280])
        got.append(judged)
        why += told
        fresh = OnlineHosts()
        fresh.restore({name: value.copy() for name, value in online.snapshot().items()})
        online = fresh
    np.testing.assert_array_equal(np.concatenate([j.score for j in got]), want.score)
    np.testing.assert_array_equal(np.concatenate([j.told for j in got]), want.told)
    assert why == reasons


def test_learners_know_nothing_of_each_other(week):
    mine = np.arange(len(week.rows)) % 40 < 39
    share = (~mine).astype(np.uint8)
    together, _ = OnlineHosts().judge(week, share)
    few = hosts.Hosts(*(column[mine] for column in week))
    alone, _ = OnlineHosts().judge(few, np.zeros(len(few.rows), np.uint8))
    np.testing.assert_array_equal(together.score[mine], alone.score)


def test_another_checkpoint_is_refused(week):
    online = OnlineHosts()
    online.judge(part(week, 0, 80), np.zeros(80, np.uint8))
    with pytest.raises(ValueError, match="another shape"):
        OnlineHosts().restore({**online.snapshot(), "0/ranks": np.zeros(3, np.int64)})
