"""Sets of records, found in datagrams: none lies outside its own."""

from __future__ import annotations

import numpy as np
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
