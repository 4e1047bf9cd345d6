"""State of the kernel of sightings: bounds, snapshots, what is asked of the judge of names."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import sighting_scenes as scenes

from detectors.features.tables import CHUNK
from detectors.registry import DETECTORS
from detectors.sightings import records
from detectors.sightings.limits import told_of
from detectors.sightings.tables import SightingParameters, Sightings

LIMITS = told_of({name: d.Parameters() for name, d in DETECTORS.items()})


def nowhere(hi, lo):
    return np.zeros(len(hi), bool)


def make(subjects=256, judge=None, home=nowhere):
    return Sightings(SightingParameters(subjects=subjects), LIMITS, home, judge)


def test_the_judge_is_asked_of_names_that_fail_and_of_no_others():
    asked = []

    def judge(text, offsets):
        names = [text[a:b].tobytes().decode() for a, b in pairwise(offsets)]
        asked.extend(names)
        return np.array([name.startswith("odd") for name in names])

    scene = scenes.Scene()
    for i, name in enumerate(("odd1.com", "plain.com", "odd2.com", "a.b.odd3.com")):
        scenes.ask(scene, i, scenes.inside(9), scenes.inside(1), name)
        scenes.answer(scene, i + 0.1, scenes.inside(1), scenes.inside(9), name, code=3)
    scenes.answer(scene, 9, scenes.inside(1), scenes.inside(9), "odd4.com", "198.51.100.1")
    ours = make(judge=judge)
    ours.observe(scene.events())
    assert asked == ["odd1.com", "plain.com", "odd2.com", "a.b.odd3.com"]
    failing = ours.tables.subjects["kind"][: ours.used] == records.FAILING
    assert ours.tables.counts[: ours.used][failing].tolist()[0][:2] == [4, 2]


def test_ours_are_asked_of_answers_only():
    seen = []

    def home(hi, lo):
        seen.append(len(lo))
        return np.ones(len(lo), bool)

    make(home=home).observe(scenes.led_away().events())
    make(home=home).observe(scenes.failing_names().events())
    assert seen == [6]


def test_distinct_things_are_told_by_linear_counting():
    told = make().observe(scenes.failing_names(n=100).events())
    assert 80 <= told.distinct(0)[-1] <= 120
    assert told.distinct(1)[-1] == 0
    assert told.words(len(told.rows) - 1) == scenes.made(0)


def test_a_snapshot_goes_on_where_it_was():
    events = scenes.failing_names().events()
    whole, half = make(), make()
    half.observe(events[:100])
    parts = {name: np.array(part) for name, part in half.snapshot().items()}
    other = make()
    other.observe(scenes.office().events())
    other.restore(parts)
    whole.observe(events[:100])
    one, two = whole.observe(events[100:]), other.observe(events[100:])
    assert one.rows.tolist() == two.rows.tolist()
    assert (one.counts == two.counts).all()
    assert (one.seen == two.seen).all()


@pytest.mark.parametrize("spoil", ["subjects", "meta", "counts"])
def test_snapshots_that_do_not_fit_are_refused(spoil):
    ours = make()
    ours.observe(scenes.office().events())
    parts = dict(ours.snapshot())
    parts[spoil] = parts[spoil][:-1]
    with pytest.raises(ValueError, match=spoil):
        make().restore(parts)
    with pytest.raises(ValueError, match="subjects"):
        make(16).restore(ours.snapshot())


def test_memory_is_bounded():
    ours = make(64)
    size = ours.nbytes
    for n in (100, 200):
        ours.observe(scenes.failing_names(n=n).events())
    assert (ours.used, ours.nbytes) == (64, size)
    assert ours.evicted > 0
    with pytest.raises(ValueError, match="at most"):
        ours.observe(np.zeros(CHUNK + 1, scenes.b.EVENT))
