"""Exporters found by a table: as a dictionary finds them, whatever the batches."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import PACKET, TCP, TRANSPORT, UDP
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
    sets, layouts, heads = np.zeros(4, k.SET), np.zeros(2, k.LAYOUT), np.zeros(2, k.HEAD)
    sets["end"] = (100, 100, 100, 99)
    sets["kind"] = (k.DATA, k.TEMPLATES, k.DATA, k.DATA)
    sets["template"] = (0, -1, -1, 1)
    sets["datagram"] = (0, 0, 0, 1)
    layouts["length"], layouts["useful"] = (10, 0), (1, 1)
    assert kernels.measure(sets, layouts, heads) == (10 + 99, 1, 0)
    layouts["clocked"][1] = 1
    heads["version"], heads["uptime"] = k.IPFIX, (0, -1)
    assert kernels.measure(sets, layouts, heads) == (10 + 99, 1, 1)


def test_contents_of_udp_are_found_as_far_as_they_were_captured():
    packets = np.zeros(5, PACKET)
    packets["status"] = (TRANSPORT, TRANSPORT, TRANSPORT, 0, TRANSPORT)
    packets["proto"] = (UDP, UDP, TCP, UDP, UDP)
    packets["offset"], packets["payload_at"] = (100, 200, 300, 400, 500), 28
    packets["payload"], packets["captured"] = 50, (78, 48, 78, 78, 20)
    packets["a_hi"], packets["a_lo"], packets["b_hi"], packets["b_lo"] = 1, 2, 3, 4
    packets["reversed"], packets["time"] = (0, 1, 0, 0, 0), (7, 8, 9, 10, 11)
    starts, ends, times = (np.zeros(5, np.int64) for _ in range(3))
    hi, lo = np.zeros(5, np.uint64), np.zeros(5, np.uint64)
    assert kernels.exported(packets, starts, ends, hi, lo, times) == 2
    assert (starts[:2].tolist(), ends[:2].tolist()) == ([128, 228], [178, 248])
    assert (hi[:2].tolist(), lo[:2].tolist(), times[:2].tolist()) == ([1, 3], [2, 4], [7, 8])
