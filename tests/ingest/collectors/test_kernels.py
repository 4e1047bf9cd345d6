"""Sets of records, found in datagrams: none lies outside its own."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.collectors import kernels as k
from tests.exporters import PLAIN, content, five, flow, nine, sample, sflow, template, ten

GOOD = [
    sflow(sample(bytes(60)), sample(bytes(60), kind=3)),
    nine(template(256, PLAIN), content(256, flow("10.0.0.1", "10.0.0.2", 1, 2))),
    ten(template(256, [(8, 4), (12, 4), (1, 65535)], 10), content(256, bytes(8) + b"\2ab")),
    five(flow("10.0.0.1", "10.0.0.2", 1, 2)),
]


@settings(max_examples=80)
@given(st.sampled_from(GOOD), st.data())
def test_sets_lie_inside_their_datagram(good, data):
    raw = bytearray(good)
    for _ in range(data.draw(st.integers(0, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))]
    buffer = np.frombuffer(b"\xee" * 7 + bytes(raw) + b"\xee" * 7, np.uint8)
    starts, ends = np.array([7], np.int64), np.array([7 + len(raw)], np.int64)
    heads, sets = np.zeros(1, k.HEAD), np.zeros(len(raw) + 1, k.SET)
    n = k.walk(buffer, starts, ends, heads, sets)
    assert (
        (sets["start"][:n] >= 7) & (sets["end"][:n] <= ends[0]) & (sets["start"][:n] <= sets["end"][:n])
    ).all()


def told(rng: random.Random, n: int) -> np.ndarray:
    """Headers of datagrams as `walk` and those behind it leave them."""
    heads = np.zeros(n, k.HEAD)
    for h in heads:
        h["version"] = rng.choice([0, k.V5, k.V9, k.IPFIX, k.SFLOW])
        h["sequence"] = rng.choice([0, 5, 6, 7, 50, 2_000, 2_001, 99_000, 2**31, 2**32 - 1])
        h["records"], h["strange"], h["created"] = rng.randrange(4), rng.randrange(3), rng.randrange(3)
        h["reason"], h["unknown"] = rng.choice([0, 0, 0, k.COUNT]), rng.choice([0, 0, 1])
        h["time"] = rng.randrange(1 << 40)
    return heads


@pytest.mark.parametrize("seed", range(20))
def test_clocks_are_those_of_who_received_where_it_has_one(seed):
    rng = random.Random(seed)
    heads = told(rng, 50)
    times = np.array([rng.choice([0, 0, rng.randrange(1 << 40)]) for _ in heads])
    clocks, before = np.empty(len(heads), np.int64), heads["time"].tolist()
    sampled = [h["version"] == k.SFLOW for h in heads]
    assert k.timed(heads, times, clocks) == sum(sampled)
    expected = [t if s else b for t, b, s in zip(times.tolist(), before, sampled, strict=True)]
    assert heads["time"].tolist() == expected
    assert clocks.tolist() == [t or e for t, e in zip(times.tolist(), expected, strict=True)]


@pytest.mark.parametrize("seed", range(20))
def test_numbers_are_followed_source_by_source_and_what_heads_say_is_added_up(seed):
    rng = random.Random(seed)
    heads, sources = told(rng, 200), np.array([rng.randrange(-1, 3) for _ in range(200)], np.int32)
    expected, known, counts = np.zeros(3, np.uint32), np.zeros(3, np.uint8), np.zeros(k.COUNTS, np.int64)
    for part in (slice(0, 70), slice(70, 200)):  # it goes on where it was
        k.tally(heads[part], sources[part], expected, known, counts)
    lost = disordered = restarted = 0
    due: dict[int, int | None] = {}
    for h, source in zip(heads, sources.tolist(), strict=True):
        if source < 0:
            continue
        numbered = h["version"] in (k.V5, k.IPFIX)
        after = int(h["sequence"]) + (int(h["records"]) if numbered else 1)
        want = due.get(source)
        if want is not None:
            ahead = (int(h["sequence"]) - want) % 2**32
            if ahead >= 2**31 and 2**32 - ahead < 100_000 and after > 1000:
                disordered += 1
                continue
            if ahead > 0x100_0000:
                restarted += 1
            else:
                lost += ahead
        due[source] = None if h["unknown"] and h["version"] == k.IPFIX else after % 2**32
    wrong = int(np.count_nonzero(heads["reason"]))
    assert counts.tolist() == [
        lost, disordered, restarted, int(heads["created"].sum()), wrong, int(heads["strange"].sum())
    ]  # fmt: skip
