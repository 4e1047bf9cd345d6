"""Directions of text logs joined, through a snapshot."""

from __future__ import annotations

import numpy as np

from ingest.collectors.joining import Joining
from ingest.flowlogs.lines import split
from ingest.flowlogs.vpc import Vpc

LINES = [
    f"2 123456789010 eni-1 {a} {b} {p} {q} 6 {n} 400 {t} {t + 1} ACCEPT OK"
    for t in range(1_620_000_000, 1_620_000_040, 10)
    for a, b, p, q, n in (("10.0.0.1", "10.0.0.2", 5000, 22, 3), ("10.0.0.2", "10.0.0.1", 22, 5000, 2))
]


def rows(lines):
    parsed = Vpc().parse(split("\n".join(lines).encode(), 1), "")
    return parsed.logged, parsed.oneway


def test_the_same_through_a_snapshot():
    whole = Joining()
    flows = whole.add(*rows(LINES))
    assert len(whole.finish().line) == 0
    assert flows.line.tolist() == [1, 2, 3, 4]
    assert set(flows.dst_packets.tolist()) == {2}
    first, second = Joining(), Joining()
    part = first.add(*rows(LINES[:3]))
    second.restore(first.snapshot())
    rest = second.add(*rows(LINES[3:]))
    assert np.concatenate((part.line, rest.line)).tolist() == [1, 2, 3, 4]
    assert np.concatenate((part.first, rest.first)).tolist() == flows.first.tolist()
