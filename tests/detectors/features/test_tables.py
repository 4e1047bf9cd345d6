"""State of the feature kernel: sizes, snapshots, refusals."""

from __future__ import annotations

import detector_scenes as scenes
import numba
import numpy as np
import pytest

from citywall.batches import EVENT, FLOW
from detectors.features.tables import CHUNK, FeatureParameters, Features, texts
from detectors.registry import DETECTORS, limits_of

LIMITS = limits_of({name: d.Parameters() for name, d in DETECTORS.items()})
SMALL = FeatureParameters(contacts=512, groups=256, targets=128, logins=32)


def test_memory_is_what_the_settings_say():
    small, large = Features(SMALL, LIMITS), Features(FeatureParameters(), LIMITS)
    assert small.nbytes < 1 << 20
    assert small.nbytes < large.nbytes < 200e6


def test_a_snapshot_is_the_used_part():
    features = Features(FeatureParameters(), LIMITS)
    features.observe_flows(scenes.vertical().reports()[:300])
    parts = features.snapshot()
    assert len(parts["contacts"]) == features.used["contacts"] > 100
    assert sum(p.nbytes for p in parts.values()) < 1 << 20


def test_restore_goes_on_where_the_snapshot_was():
    rows = scenes.horizontal().reports()
    one, two = Features(SMALL, LIMITS), Features(SMALL, LIMITS)
    one.observe_flows(rows[:200])
    two.observe_flows(scenes.syn_flood().reports()[:500])
    two.restore({name: np.array(part) for name, part in one.snapshot().items()})
    assert two.used == one.used
    mine, theirs = one.observe_flows(rows[200:]), two.observe_flows(rows[200:])
    for name in ("groups", "targets", "logins", "group_rows", "target_rows", "source_bins", "registers"):
        assert np.array_equal(getattr(mine, name), getattr(theirs, name)), name
    assert len(mine.groups)


def test_a_snapshot_of_other_sizes_is_refused():
    features = Features(FeatureParameters(), LIMITS)
    features.observe_flows(scenes.vertical().reports())
    with pytest.raises(ValueError, match="does not fit"):
        Features(FeatureParameters(contacts=16, groups=16, targets=16, logins=16), LIMITS).restore(
            features.snapshot()
        )
    with pytest.raises(ValueError, match="meta"):
        Features(SMALL, LIMITS).restore(features.snapshot() | {"meta": np.zeros(3, np.int64)})


def test_rows_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="rows must be"):
        Features(SMALL, LIMITS).observe_flows(np.zeros(1, EVENT))
    with pytest.raises(ValueError, match="at most"):
        Features(SMALL, LIMITS).observe_flows(np.zeros(CHUNK + 1, FLOW))


def test_strided_and_read_only_rows_are_taken():
    rows = scenes.horizontal().reports()
    rows.flags.writeable = False
    assert len(Features(SMALL, LIMITS).observe_flows(rows[::2]).groups)


def test_texts_are_of_one_kind_however_many():
    rows = np.zeros(3, EVENT)
    rows["text"] = np.arange(3)[:, None]
    for n in (0, 1, 3):
        found = texts(rows[:n])
        assert numba.typeof(found) == numba.typeof(texts(rows))
        assert found.tolist() == rows["text"][:n].tolist()
    assert rows["text"].flags.writeable
