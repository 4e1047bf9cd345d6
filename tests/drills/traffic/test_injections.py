"""Attacks as flows: each at three intensities that rise."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.registry import DETECTORS
from drills.traffic.injections import INJECTIONS, INTENSITIES, bad_host
from drills.traffic.rows import SECOND

BEGUN = 1_714_521_600 * SECOND
AT = 9 * 3600.0


def volume(attack, level):
    rows, events = attack.made(BEGUN, AT, level, bad_host(0))
    for times in (rows["first"], events["time"]):
        assert not len(times) or abs(int(times.min()) - BEGUN - int(AT) * SECOND) < 8 * 3600 * SECOND
    if not len(rows):
        return len(events), 0
    last = rows[np.argsort(rows["report"], kind="stable")]
    return int(last["src_packets_delta"].astype(np.int64).sum()), int((rows["last"] - rows["first"]).max())


@pytest.mark.parametrize("attack", INJECTIONS, ids=lambda a: a.id)
def test_each_intensity_is_more_than_the_one_before(attack):
    assert set(attack.detectors) <= set(DETECTORS)
    volumes = [volume(attack, level) for level in range(len(INTENSITIES))]
    assert volumes == sorted(volumes)
    assert volumes[0] != volumes[-1]


def test_attackers_are_strangers_to_each_other():
    assert len(INJECTIONS) >= 20
    assert len({bad_host(n) for n in range(len(INJECTIONS))}) == len({a.id for a in INJECTIONS})
