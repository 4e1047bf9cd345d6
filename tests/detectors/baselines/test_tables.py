"""State of what is usual: bounded, and kept through a crash."""

from __future__ import annotations

import baseline_scenes as usual
import numpy as np
import pytest

from citywall.settings import PRIVATE
from detectors.baselines.tables import BaselineParameters, Baselines
from detectors.features.tables import CHUNK
from detectors.norms import norms_of
from detectors.prefixes import Prefixes
from detectors.registry import DETECTORS

NORMS = norms_of({name: d.Parameters() for name, d in DETECTORS.items()}, Prefixes(PRIVATE).words)
SMALL = BaselineParameters(probers=32, aims=32, services=32, hosts=16, jobs=16, segments=16)


def copied(parts):
    return {name: np.array(part) for name, part in parts.items()}


def test_a_snapshot_is_what_is_used_and_comes_back():
    rows = usual.missed_backup().reports()
    one, two = (Baselines(SMALL, NORMS) for _ in range(2))
    one.observe_flows(rows[:300])
    two.observe_flows(usual.slow_hosts().reports())  # what it held before must not shine through
    kept = copied(one.snapshot())
    assert sum(part.nbytes for part in kept.values()) < 1 << 16
    two.restore(kept)
    assert two.used == one.used
    first, second = one.observe_flows(rows[300:]), two.observe_flows(rows[300:])
    assert len(first.jobs) == 1
    assert np.array_equal(first.jobs, second.jobs)
    assert np.array_equal(first.job_rows, second.job_rows)


def test_a_snapshot_that_does_not_fit_is_refused():
    state = Baselines(SMALL, NORMS)
    state.observe_flows(usual.slow_hosts().reports())
    kept = copied(state.snapshot())
    with pytest.raises(ValueError, match="meta"):
        state.restore(kept | {"meta": np.zeros(3, np.int64)})
    with pytest.raises(ValueError, match="probers"):
        state.restore(kept | {"probers": kept["probers"][:-1]})


def test_tables_stay_within_their_sizes():
    state = Baselines(SMALL, NORMS)
    reserved = state.nbytes
    for seed in range(3):
        scene = usual.Scene()
        for i in range(400):
            source, target = usual.inside(i + 400 * seed, net=1), usual.inside(i, net=2 + seed)
            scene.tcp(i * 1.0, source, target, 445, "talk" if i % 2 else "silent")
        state.observe_flows(scene.reports())
    assert state.nbytes == reserved
    assert state.used["probers"] == 32
    assert state.used["services"] == 32
    assert state.evicted["probers"] > 500


def test_too_many_rows_at_a_time_are_refused():
    rows = usual.slow_hosts().reports()
    with pytest.raises(ValueError, match="at most"):
        Baselines(SMALL, NORMS).observe_flows(np.repeat(rows[:1], CHUNK + 1))
