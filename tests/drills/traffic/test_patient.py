"""Attacks that take their time: each stays where it is meant to stay."""

from __future__ import annotations

import numpy as np
import pytest

from citywall.batches import RST
from drills.traffic import patient
from drills.traffic.injections import bad_host
from drills.traffic.rows import SECOND, Flows

AT = 9 * 3600.0


def rows(play, level):
    flows = Flows(0)
    play(flows, AT, level, bad_host(0))
    made = flows.rows()
    return made[made["report"] == 0]


@pytest.mark.parametrize("play", [patient.hosts, patient.prefixes])
def test_slow_ones_last_for_hours_and_never_hurry(play):
    for level in range(3):
        first = np.sort(rows(play, level)["first"])
        assert first[-1] - first[0] > 3600 * SECOND
        assert np.diff(first).min() > 30 * SECOND
        assert len(np.unique(rows(play, level)["dst_lo"])) == len(first)


def test_shared_ones_ask_for_nothing_twice():
    for level in range(3):
        made = rows(patient.shared, level)
        assert len(np.unique(made["dst_port"])) == len(made)
        assert np.unique(made["src_lo"], return_counts=True)[1].max() <= 8


def test_floods_are_answered():
    assert (rows(patient.requests, 0)["dst_payload"] > 0).all()
    assert (rows(patient.strays, 0)["dst_flags"] & RST != 0).all()
