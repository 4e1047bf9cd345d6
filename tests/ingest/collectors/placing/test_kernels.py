"""Exporters found by a table: as a dictionary finds them, whatever the batches."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.collectors import decoder as decoders
from ingest.collectors import kernels as k
from ingest.collectors.datagrams import Datagrams, bare
from ingest.collectors.decoder import Decoder
from ingest.collectors.placing import kernels
from tests.exporters import five, flow

RAW = five(flow("10.0.0.1", "10.0.0.2", 1, 2))
ONES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=30)


def datagrams(ones):
    """From exporter (hi, lo), exports or rubbish."""
    plain = bare([RAW if good else b"rubbish" for *_, good in ones])
    hi, lo = (np.array([one[i] for one in ones], np.uint64) for i in (0, 1))
    return Datagrams(plain.buffer, plain.starts, plain.ends, hi, lo, plain.times)


@settings(max_examples=50)
@given(ONES, st.integers(1, 30))
def test_as_a_dictionary_does(ones, cut):
    decoder, known, got, wanted = Decoder(), {}, [], []
    for at in range(0, len(ones), cut):
        got += decoder.decode(datagrams(ones[at : at + cut])).sources.tolist()
        fresh = Decoder()
        fresh.restore(decoder.snapshot())
        decoder = fresh
    for hi, lo, good in ones:
        wanted.append(known.setdefault((hi, lo), len(known)) if good else -1)
    assert got == wanted


def test_beyond_the_most_they_are_refused_and_those_known_go_on(monkeypatch):
    monkeypatch.setattr(decoders, "MAX_SOURCES", 2)
    out = Decoder().decode(datagrams([(0, 1, True), (0, 2, True), (0, 3, True), (0, 1, True)]))
    assert out.sources.tolist() == [0, 1, -1, 0]
    assert out.errors.counts == {"too_many_exporters": 1}
    assert out.errors.places == {"too_many_exporters": [3]}


def test_room_for_every_record_of_useful_sets():
    sets, layouts = np.zeros(4, k.SET), np.zeros(2, k.LAYOUT)
    sets["end"] = (100, 100, 100, 99)
    sets["kind"] = (k.DATA, k.TEMPLATES, k.DATA, k.DATA)
    sets["template"] = (0, -1, -1, 1)
    layouts["length"], layouts["useful"] = (10, 0), (1, 1)
    assert kernels.measure(sets, layouts) == (10 + 99, 1)
