"""Weeks and what goes wrong in them."""

from __future__ import annotations

import numpy as np
import pytest

from citywall.batches import TCP
from drills.traffic import weeks
from drills.traffic.day import BACKUP
from drills.traffic.rows import SECOND
from drills.traffic.weeks import CAMERAS, WRONGS, Weeks

WEEKS = Weeks(4, 1, 1_714_521_600 * SECOND)


def flows(day, hour, level):
    return np.concatenate(WEEKS._hour(24 * day + hour, level).parts)


def backup(rows, host):
    mine = (rows["dst_lo"] & np.uint64(0xFFFFFFFF)) == BACKUP
    return rows[mine & ((rows["src_lo"] & np.uint64(0xFFFFFFFF)) == host) & (rows["dst_port"] == 10_000)]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_what_goes_wrong_begins_when_it_is_said_to(level):
    before, after = flows(11, 1, level), flows(12, 1, level)
    assert len(backup(before, weeks._MISSED)) == 1
    assert len(backup(after, weeks._MISSED)) == 0
    usual, small = (int(backup(rows, weeks._SHRUNKEN)["src_payload"][0]) for rows in (before, after))
    assert small < 0.2 * usual
    assert (flows(12, 5, level)["domain"] == CAMERAS).any()
    assert not (flows(12, 6, level)["domain"] == CAMERAS).any()
    tcp = flows(14, 6, level)
    tcp = tcp[tcp["proto"] == TCP]
    assert abs((tcp["dst_packets"] == 0).mean() - (0.4, 0.6, 0.9)[level]) < 0.1


def test_benign_weeks_are_the_days_and_the_cameras():
    assert len(backup(flows(12, 1, None), weeks._MISSED)) == 1
    assert (flows(13, 6, None)["domain"] == CAMERAS).sum() == 300
    assert not np.array_equal(flows(1, 9, None), flows(2, 9, None))


def test_reports_come_in_order_and_flows_have_ids_of_their_own():
    hours = []
    for rows in Weeks(2, 1, 1_714_521_600 * SECOND, days=1).hours(None):
        hours.append(rows)
        if len(hours) == 3:
            break
    times = np.concatenate([rows["time"] for rows in hours])
    assert (np.diff(times) >= 0).all()
    begun = [set(rows["flow_id"][rows["report"] == 0].tolist()) for rows in hours]
    assert not begun[1] & begun[2]


def test_all_that_goes_wrong_is_of_a_detector():
    from detectors.registry import DETECTORS

    assert all(w.kind in DETECTORS[w.detector].kinds for w in WRONGS)
