"""What a host does in a minute: its flows counted up, to be compared with other hosts and other minutes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.batches import ICMP, ICMPV6, UDP
from models.flows.features import Columns

NAMES = (
    "flows", "peers", "services", "ports", "unanswered_share", "sent", "received", "producer_consumer",
    "packets", "mean_seconds", "udp_share", "icmp_share", "single_packet_share", "largest_flow_share",
)  # fmt: skip
WINDOW_NS = 60_000_000_000
NEEDED = (
    "first", "last", "src_hi", "src_lo", "domain", "dst_hi", "dst_lo", "dst_port", "proto",
    "src_packets", "dst_packets", "src_bytes", "dst_bytes",
)  # fmt: skip


class Hosts(NamedTuple):
    """Host windows: features, where each begins, and of whom: the index of the first flow of each."""

    rows: NDArray[np.float32]  # (host windows, NAMES)
    began: NDArray[np.int64]
    first: NDArray[np.int64]


def host_windows(flows: Columns) -> Hosts:
    """Count up flows by source and by the minute their last packet is in; in order of (minute, source).

    Sums are of integers, so that neither order nor batches change them.
    """
    last = np.asarray(flows["last"]).astype(np.int64)
    minute = last // WINDOW_NS
    sides = [minute, *(np.asarray(flows[name]) for name in ("src_hi", "src_lo", "domain"))]
    who = np.stack([side.astype(np.uint64) for side in sides], axis=1)
    hosts, first, host = np.unique(who, axis=0, return_index=True, return_inverse=True)
    n, host = len(hosts), host.reshape(-1)
    flow_count = np.bincount(host, minlength=n).astype(np.float64)

    def summed(column: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(host, weights=column, minlength=n), np.float64)

    def of(name: str) -> NDArray[np.float64]:
        return np.asarray(flows[name]).astype(np.float64)

    def distinct(*names: str) -> NDArray[np.float64]:
        keys = np.stack(
            [host.astype(np.uint64), *(np.asarray(flows[m]).astype(np.uint64) for m in names)], axis=1
        )
        return np.bincount(np.unique(keys, axis=0)[:, 0].astype(np.int64), minlength=n).astype(np.float64)

    sent, got, proto = of("src_bytes"), of("dst_bytes"), np.asarray(flows["proto"])
    out, back = summed(sent), summed(got)
    largest = np.zeros(n)
    np.maximum.at(largest, host, sent + got)
    duration = np.maximum(last - np.asarray(flows["first"]).astype(np.int64), 0).astype(np.float64)
    icmp = (proto == ICMP) | (proto == ICMPV6)
    columns = (
        np.log1p(flow_count), np.log1p(distinct("dst_hi", "dst_lo")),
        np.log1p(distinct("dst_hi", "dst_lo", "dst_port", "proto")), np.log1p(distinct("dst_port", "proto")),
        summed((of("dst_packets") == 0).astype(np.float64)) / flow_count,
        np.log1p(out), np.log1p(back), (out - back) / np.maximum(out + back, 1),
        np.log1p(summed(of("src_packets") + of("dst_packets"))),
        np.log1p(summed(duration) / flow_count / 1e9), summed((proto == UDP).astype(np.float64)) / flow_count,
        summed(icmp.astype(np.float64)) / flow_count,
        summed((of("src_packets") == 1).astype(np.float64)) / flow_count,
        largest / np.maximum(out + back, 1),
    )  # fmt: skip
    rows = np.empty((n, len(NAMES)), np.float32)
    for j, column in enumerate(columns):
        rows[:, j] = column
    return Hosts(rows, hosts[:, 0].astype(np.int64) * WINDOW_NS, first)
