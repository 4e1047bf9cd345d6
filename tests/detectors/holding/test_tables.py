"""State of what is held: bounded, and kept through a crash."""

from __future__ import annotations

import holding_scenes as scenes
import numpy as np
import pytest

from detectors.features.tables import CHUNK
from detectors.holding.tables import Holding, HoldingParameters
from detectors.holds import holds_of
from detectors.registry import DETECTORS

HOLDS = holds_of({name: d.Parameters() for name, d in DETECTORS.items()})


def copied(parts):
    return {name: np.array(part) for name, part in parts.items()}


def test_a_snapshot_is_what_is_used_and_comes_back():
    rows = scenes.slow_heads().reports()
    one, two = (Holding(HoldingParameters(held=16), HOLDS) for _ in range(2))
    half = int(np.searchsorted(rows["time"], rows["time"][0] + 40 * 10**9))
    one.observe_flows(rows[:half])
    two.observe_flows(scenes.copied_by_volume().reports()[:500])
    kept = copied(one.snapshot())
    assert sum(part.nbytes for part in kept.values()) < 4096
    two.restore(kept)
    assert two.used == one.used == 2
    first, second = one.observe_flows(rows[half:]), two.observe_flows(rows[half:])
    assert len(first.held)
    assert np.array_equal(first.held, second.held)
    assert np.array_equal(first.mute, second.mute)


def test_a_snapshot_that_does_not_fit_is_refused():
    state = Holding(HoldingParameters(), HOLDS)
    state.observe_flows(scenes.slow_heads().reports()[:CHUNK])
    kept = copied(state.snapshot())
    with pytest.raises(ValueError, match="held"):
        state.restore(kept | {"held": kept["held"][:-1]})
    with pytest.raises(ValueError, match="rows at a time"):
        state.observe_flows(np.zeros(CHUNK + 1, kept["held"].dtype))


def test_tables_stay_within_their_sizes():
    state = Holding(HoldingParameters(held=16), HOLDS)
    reserved = state.nbytes
    state.observe_flows(scenes.many_slow().reports()[:CHUNK])
    assert state.nbytes == reserved
    assert state.used == 16
    assert state.evicted > 0
