"""Flows for measuring detectors."""

from __future__ import annotations

import numpy as np

from bench.ours.detectors import flows, measure


def test_every_source_is_there_and_goes_to_few_places():
    rows = flows(50, 2_000, 1)
    opened = rows[rows["report"] == 0]
    assert len(opened) == 2_000
    assert len(np.unique(opened["src_lo"])) == 50
    places = [len(np.unique(opened["dst_lo"][opened["src_lo"] == s])) for s in np.unique(opened["src_lo"])]
    assert max(places) < 25
    assert np.array_equal(rows, flows(50, 2_000, 1))


def test_what_is_measured_is_told():
    told = measure(20, 400)
    assert told["cpu"] > 0
    assert told["rows"] == 800
    assert told["resident"] > 0
    assert told["held"]["pairs_held"] > 100
