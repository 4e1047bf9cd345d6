"""The walk's kernels one by one: what they return, and that lanes change nothing."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.capture import kernels
from ingest.decode.kernels import INTERFACE

T0 = 1_700_000_000 * 10**9
MAX = 4096


def records(w, seed, count, longest=500):
    rng = random.Random(seed)
    return [w.Record(T0 + i * 10**8, rng.randbytes(rng.randrange(1, longest))) for i in range(count)]


def buffer_of(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


def walk(data, stop, lanes, big=False, seconds=-1):
    scratch = np.zeros(kernels.LANES if lanes else 0, kernels.LANE)
    return kernels.walk_pcap(buffer_of(data), 24, stop, len(data), big, 1000, 10**6, MAX, seconds, scratch)


def walk_ng(data, begin, stop, lanes):
    scratch = np.zeros(kernels.LANES if lanes else 0, kernels.LANE)
    table = np.zeros(1, INTERFACE)
    table["link"], table["multiply"], table["divide"] = 1, 1000, 1
    counters = np.zeros(kernels.COUNTERS, np.int64)
    return kernels.walk_pcapng(
        buffer_of(data), begin, stop, len(data), False, MAX, table, 1, 1, counters, scratch
    ), counters.tolist()


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), part=st.floats(0.7, 1.2), hits=st.integers(0, 3))
def test_lanes_walk_as_one_does(writing, seed, part, hits):
    rng = random.Random(seed)
    data = bytearray(writing.pcap(records(writing, seed, 2500)))
    for _ in range(hits):
        data[rng.randrange(24, len(data))] ^= 1 << rng.randrange(8)
    stop = int(len(data) * part)
    assert stop > kernels.LANES * 16384
    assert walk(bytes(data), stop, True) == walk(bytes(data), stop, False)

    begin = len(writing.section() + writing.interface())
    data = bytearray(writing.pcapng(records(writing, seed, 2500)))
    for _ in range(hits):
        data[rng.randrange(begin, len(data))] ^= 1 << rng.randrange(8)
    assert walk_ng(bytes(data), begin, stop, True) == walk_ng(bytes(data), begin, stop, False)


def test_walk_stops_where_a_record_begins_at_or_after_stop(writing):
    data = writing.pcap([writing.Record(T0 + i * 10**9, b"x" * 84) for i in range(10)])
    for stop, n in ((24, 0), (25, 1), (124, 1), (125, 2), (10**6, 10)):
        status, at, packets, newest, _, seconds = walk(data, stop, False)
        assert (status, at, packets) == (kernels.DONE, 24 + 100 * n, n)
        if n:
            assert newest == T0 + (n - 1) * 10**9
            assert seconds == newest // 10**9


def test_digests_depend_on_every_header_word_and_its_place(writing):
    sound = writing.pcap([writing.Record(T0 + i * 10**6, b"x" * 40) for i in range(3)])
    digests = {walk(sound, len(sound), False)[4]}
    for at in (24, 28, 36, 80, 84, 92):
        changed = bytearray(sound)
        changed[at] ^= 1
        digests.add(walk(bytes(changed), len(sound), False)[4])
    swapped = sound[:24] + sound[80:136] + sound[24:80] + sound[136:]
    digests.add(walk(swapped, len(sound), False)[4])
    assert len(digests) == 8


@pytest.mark.parametrize("big", [False, True])
def test_find_pcap_is_the_first_place_that_chains(writing, big):
    data = b"\xff" * 7 + writing.pcap(records(writing, 1, 12), big=big)[24:]
    for near in (-1, T0 // 10**9):
        found, budget = kernels.find_pcap(buffer_of(data), 0, len(data), big, 10**6, MAX, near, 1000)
        assert (found, budget) == (7, 1000)
    found, _ = kernels.find_pcap(buffer_of(data), 8, len(data), not big, 10**6, MAX, -1, 1000)
    assert found == -1


def test_find_pcap_prefers_near_times_within_its_budget(writing):
    far = writing.pcap([writing.Record(10**9, b"f" * 4)] * 9)[24:]
    near = writing.pcap([writing.Record(T0, b"n" * 4)] * 9)[24:]
    data = buffer_of(far + b"\xff" * 33 + near)
    place = len(far) + 33
    assert kernels.find_pcap(data, 0, len(data), False, 10**6, MAX, T0 // 10**9, 5000) == (
        place,
        5000 - place,
    )
    assert kernels.find_pcap(data, 0, len(data), False, 10**6, MAX, T0 // 10**9, 100) == (0, 0)


def test_find_pcapng_wants_sound_framing(writing):
    blocks = b"".join(writing.enhanced(r) for r in records(writing, 2, 4))
    data = buffer_of(b"\x06\0\0\0" + b"\x10\0\0\0" + bytes(8) + blocks)
    assert kernels.find_pcapng(data, 0, len(data), False, MAX) == 16
    section = buffer_of(b"\1" * 5 + writing.section(big=True))
    assert kernels.find_pcapng(section, 0, len(section), False, MAX) == 5
    assert kernels.find_pcapng(section, 6, len(section), False, MAX) == -1


def test_walk_pcapng_tells_why_it_ended_and_where_things_first_were(writing):
    w = writing
    odd = w.block(0x7777, b"") + w.block(6, b"") + w.block(0x7777, b"") + w.interface()
    data = odd + w.section()
    (status, at, packets, _, _), counters = walk_ng(data, 0, len(data), False)
    assert (status, at, packets) == (kernels.SECTION, len(odd), 0)
    assert counters == [0, 1, 2, 1, 0, 12, 0, 36]
    for tail, expected in ((b"\6\0\0\0\x0d\0\0\0" + bytes(8), kernels.CORRUPT), (b"\6\0\0\0", kernels.SHORT)):
        (status, at, *_), _ = walk_ng(data[: len(odd)] + tail, 0, 1000, False)
        assert (status, at) == (expected, len(odd))
