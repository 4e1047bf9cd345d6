"""Two directions become one flow: against a list and plain loops, whatever the batches."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.collectors import kernels as k
from ingest.collectors.pairing import Pairing

S = 1_000_000_000


def half(src: int, dst: int, first: int, last: int, number: int, paired: bool = False) -> np.void:
    row = np.zeros(1, k.HALF)
    row["src_lo"], row["dst_lo"] = src, dst
    row["src_port"], row["dst_port"] = src, dst
    row["first"], row["last"], row["number"] = first, last, number
    row["src_packets"], row["proto"], row["paired"] = number + 1, 17, paired
    return row


def naive(rows: np.ndarray, clocks: list[int], wait: int, slack: int) -> list[tuple[int, ...]]:
    """(src, dst, first, last, packets each way) of flows, in the order they are given out."""
    waiting: list[list[int]] = []
    out, now = [], 0

    def told(w):
        return tuple(w[:6])

    for r, clock in zip(rows.tolist(), clocks, strict=True):
        named = dict(zip(rows.dtype.names, r, strict=True))
        src, dst, first, last, n = (
            named[name] for name in ("src_lo", "dst_lo", "first", "last", "src_packets")
        )
        now = max(now, clock)
        while waiting and waiting[0][6] + wait < now:
            w = waiting.pop(0)
            if not w[7]:
                out.append(told(w))
        for w in waiting:
            if not w[7] and (w[0], w[1]) == (dst, src) and first <= w[3] + slack and w[2] <= last + slack:
                begun = first < w[2] or (first == w[2] and src > dst)
                ends = (src, dst, n, w[4]) if begun else (w[0], w[1], w[4], n)
                out.append((ends[0], ends[1], min(first, w[2]), max(last, w[3]), ends[2], ends[3]))
                w[7] = 1
                break
        else:
            waiting.append([src, dst, first, last, n, 0, now, 0])
    return out + [told(w) for w in waiting if not w[7]]


HALVES = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(0, 20), st.integers(0, 5), st.integers(0, 8)),
    max_size=40,
)


@settings(max_examples=60)
@given(HALVES, st.integers(1, 40))
def test_as_plain_loops_do_whatever_the_batches(drawn, cut):
    drawn = [d for d in drawn if d[0] != d[1]]
    rows = [half(a, b, start * S, (start + long) * S, i) for i, (a, b, start, long, _) in enumerate(drawn)]
    joined = np.concatenate(rows) if rows else np.zeros(0, k.HALF)
    clocks = np.cumsum([d[4] for d in drawn], dtype=np.int64) * S
    pairing, parts = Pairing(wait=5 * S, slack=2 * S), []
    for at in range(0, len(joined), cut):
        parts.append(pairing.add(joined[at : at + cut].copy(), clocks[at : at + cut]))
        fresh = Pairing(wait=5 * S, slack=2 * S)
        fresh.restore(pairing.snapshot())
        pairing = fresh
    parts.append(pairing.finish())
    got = np.concatenate(parts)
    names = ["src_lo", "dst_lo", "first", "last", "src_packets", "dst_packets"]
    wanted = naive(joined, clocks.tolist(), 5 * S, 2 * S)
    told = [tuple(row) for row in got[names].tolist()]
    assert told == wanted
