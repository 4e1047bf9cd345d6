"""State of the relation kernel: bounded, and kept through a crash."""

from __future__ import annotations

import numpy as np
import pytest
import relation_scenes as related

from detectors.features.tables import CHUNK
from detectors.limits import reach_of
from detectors.registry import DETECTORS
from detectors.relations.kernels import SERIES
from detectors.relations.tables import RelationParameters, Relations

REACH = reach_of({name: d.Parameters() for name, d in DETECTORS.items()})
SMALL = RelationParameters(pairs=64, spreads=32, services=16, segments=16, bindings=16, cards=16, places=64)


def copied(parts):
    return {name: np.array(part) for name, part in parts.items()}


def test_a_snapshot_is_what_is_used_and_comes_back():
    rows = related.beacon().reports()
    one, two = (Relations(SMALL, REACH) for _ in range(2))
    one.observe_flows(rows[:40])
    two.observe_flows(related.spray().reports()[:60])  # what it held before must not shine through
    kept = copied(one.snapshot())
    assert sum(part.nbytes for part in kept.values()) < 1 << 16
    two.restore(kept)
    assert two.used == one.used
    first, second = one.observe_flows(rows[40:]), two.observe_flows(rows[40:])
    assert len(first.pairs)
    for name in ("pairs", "pair_rows", "starts", "sizes", "edges", "spreads"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_a_snapshot_that_does_not_fit_is_refused():
    state = Relations(SMALL, REACH)
    state.observe_flows(related.office().reports())
    kept = copied(state.snapshot())
    smaller = Relations(RelationParameters(pairs=16, places=16), REACH)
    with pytest.raises(ValueError, match="meta"):
        smaller.restore(kept | {"meta": np.zeros(3, np.int64)})
    with pytest.raises(ValueError, match="pairs"):
        state.restore(kept | {"pairs": kept["pairs"][:-1]})


def test_tables_stay_within_their_sizes():
    state = Relations(SMALL, REACH)
    reserved = state.nbytes
    for i in range(5):
        scene = related.Scene()
        for j in range(100):
            scene.tcp(j * 0.1, related.inside(j, net=i), related.outside(j), 443, "talk")
        state.observe_flows(scene.reports())
    assert state.nbytes == reserved
    assert state.used["pairs"] == 64
    assert state.evicted["pairs"] >= 5 * 100 - 64


def test_too_many_rows_at_a_time_are_refused():
    rows = related.telnet().reports()
    with pytest.raises(ValueError, match="at most"):
        Relations(SMALL, REACH).observe_flows(np.repeat(rows[:1], CHUNK + 1))


def test_the_latest_flows_of_a_pair_given_up_make_room_for_another():
    scene = related.Scene()
    for i in range(100):  # of each in turn, so that the small tables have given up all before
        for n in range(9):
            scene.tcp(i * 100 + n * 5.0, related.inside(i), related.outside(i), 443, "talk", scale=1 + i % 7)
    rows = scene.reports()
    small, large = (Relations(RelationParameters(pairs=n), REACH) for n in (16, 4096))
    kept, free = small.observe_flows(rows), large.observe_flows(rows)
    assert small.evicted["pairs"] == 84
    assert small.tables.meta[SERIES] <= 16 < large.tables.meta[SERIES] == 100
    assert len(kept.pairs) == len(free.pairs) >= 100
    assert np.array_equal(kept.pair_rows, free.pair_rows)
    assert np.array_equal(kept.starts[:, :8], free.starts[:, :8])
    assert np.array_equal(kept.sizes[:, :8], free.sizes[:, :8])
