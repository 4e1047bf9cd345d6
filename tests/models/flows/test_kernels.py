"""Hosts' minutes beside a slow count with dictionaries."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import FLOW, ICMP, ICMPV6, TCP, UDP
from models.flows import hosts, kernels

MINUTE = hosts.WINDOW_NS


def slow(rows):
    """Minute by minute, source by source."""
    seen = {}
    for i, row in enumerate(rows):
        key = tuple(int(x) for x in (row["last"] // MINUTE, row["src_hi"], row["src_lo"], row["domain"]))
        seen.setdefault(key, []).append(i)
    out = []
    for key in sorted(seen):
        mine = [rows[i] for i in seen[key]]

        def distinct(*names, mine=mine):
            return len({tuple(int(r[n]) for n in names) for r in mine})

        sent, got = sum(int(r["src_bytes"]) for r in mine), sum(int(r["dst_bytes"]) for r in mine)
        lasted = sum(max(int(r["last"]) - int(r["first"]), 0) for r in mine)
        n = len(mine)
        share = {p: sum(int(r["proto"]) in p for r in mine) / n for p in ((UDP,), (ICMP, ICMPV6))}
        out.append((key[0] * MINUTE, seen[key][0], (
            np.log1p(n), np.log1p(distinct("dst_hi", "dst_lo")),
            np.log1p(distinct("dst_hi", "dst_lo", "dst_port", "proto")),
            np.log1p(distinct("dst_port", "proto")), sum(r["dst_packets"] == 0 for r in mine) / n,
            np.log1p(sent), np.log1p(got), (sent - got) / max(sent + got, 1),
            np.log1p(sum(int(r["src_packets"]) + int(r["dst_packets"]) for r in mine)),
            np.log1p(lasted / n / 1e9), share[UDP,], share[ICMP, ICMPV6],
            sum(r["src_packets"] == 1 for r in mine) / n,
            max(int(r["src_bytes"]) + int(r["dst_bytes"]) for r in mine) / max(sent + got, 1),
        )))  # fmt: skip
    return out


few = st.integers(0, 3)
_ROW = st.tuples(few, few, few, few, few, few, st.sampled_from([TCP, UDP, ICMP, ICMPV6]), few, few, few)


@given(st.lists(_ROW, max_size=60))
@settings(max_examples=60, deadline=None)
def test_the_kernel_counts_as_dictionaries_do(told):
    rows = np.zeros(len(told), FLOW)
    names = ("src_hi", "src_lo", "domain", "dst_hi", "dst_lo", "dst_port", "proto", "src_packets",
             "dst_packets")  # fmt: skip
    for row, values in zip(rows, told, strict=True):
        for name, value in zip(names, values, strict=False):
            row[name] = value
        row["src_bytes"], row["dst_bytes"] = 40 * row["src_packets"], 50 * row["dst_packets"]
        row["first"] = values[-1] * 20_000_000_000
        row["last"] = row["first"] + 15_000_000_000 * int(row["src_packets"])
    found, wanted = hosts.host_windows(rows), slow(rows)
    assert [(int(b), int(f)) for b, f in zip(found.began, found.first, strict=True)] == [
        w[:2] for w in wanted
    ]
    for got, want in zip(found.rows, wanted, strict=True):
        np.testing.assert_allclose(got, want[2], rtol=1e-6, atol=1e-7)


def test_one_bucket_for_all_is_no_trouble():
    rows = np.zeros(5000, FLOW)
    rows["dst_lo"] = np.arange(5000)
    found = hosts.host_windows(rows)
    assert len(found.rows) == 1
    np.testing.assert_allclose(found.rows[0, 1], np.log1p(5000), rtol=1e-6)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=40), st.integers(2, 10))
@settings(max_examples=60, deadline=None)
def test_ranks_are_counted(told, share):
    steps = np.array([step for step, _ in told], np.int64)
    allowed = np.array([n for _, n in told], np.int64)
    ranks, first, below = np.zeros(10, np.int64), np.zeros(len(told), np.bool_), np.zeros(len(told), np.int64)
    kernels.rank(steps, allowed, 0, share, ranks, first, below)
    for i in range(len(told)):
        assert first[i] == ((steps[:i] <= steps[i]).sum() <= allowed[i])
        usual = [s for s in range(steps[i], 10) if (steps[:i] <= s).sum() * share > i]
        assert below[i] == (usual[0] if usual else 10) - steps[i]
    np.testing.assert_array_equal(ranks, np.bincount(steps, minlength=10))
