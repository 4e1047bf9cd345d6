"""Attacks as flows: each at three intensities that rise."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.registry import DETECTORS
from drills.traffic.injections import INJECTIONS, INTENSITIES, bad_host
from drills.traffic.rows import SECOND, Flows

BEGUN = 1_714_521_600 * SECOND
AT = 9 * 3600.0


def volume(attack, level):
    flows = Flows(BEGUN)
    attack.play(flows, AT, level, bad_host(0))
    rows = flows.rows()
    assert abs(int(rows["first"].min()) - BEGUN - int(AT) * SECOND) < 8 * 3600 * SECOND
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
