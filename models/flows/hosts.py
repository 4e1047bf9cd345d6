"""What a host does in a minute: its flows counted up, to be compared with other hosts and other minutes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.flows import kernels
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
_KEYS = ("src_hi", "src_lo", "domain", "dst_hi", "dst_lo", "dst_port", "proto")
_AMOUNTS = ("src_packets", "src_bytes", "dst_packets", "dst_bytes")


class Hosts(NamedTuple):
    """Host windows: features, where each begins, and of whom: the index of the first flow of each."""

    rows: NDArray[np.float32]  # (host windows, NAMES)
    began: NDArray[np.int64]
    first: NDArray[np.int64]


def host_windows(flows: Columns) -> Hosts:
    """Count up flows by source and by the minute their last packet is in; in order of (minute, source).

    Counts and sums are of integers, so that neither order nor batches change them.
    """
    last = np.asarray(flows["last"]).astype(np.int64)
    n = len(last)
    keys, amounts = np.empty((n, 8), np.uint64), np.empty((n, 5), np.int64)
    keys[:, 0] = last // WINDOW_NS
    for at, name in enumerate(_KEYS, 1):
        keys[:, at] = flows[name]
    for at, name in enumerate(_AMOUNTS):
        amounts[:, at] = flows[name]
    amounts[:, len(_AMOUNTS)] = np.maximum(last - np.asarray(flows["first"]).astype(np.int64), 0)
    size = 1 << int(2 * n).bit_length()
    tables = np.full((4, size), -1, np.int64)
    where, first = np.empty(n, np.int64), np.empty(n, np.int64)
    counted = np.empty((n, kernels.COLUMNS), np.int64)
    found = kernels.count_up(keys, amounts, *tables, where, first, counted)
    first, counted = first[:found], counted[:found]
    who = keys[first]
    order = np.lexsort((who[:, 3], who[:, 2], who[:, 1], who[:, 0]))
    return Hosts(_features(counted[order]), who[order, 0].astype(np.int64) * WINDOW_NS, first[order])


def _features(counted: NDArray[np.int64]) -> NDArray[np.float32]:
    """The numbers of `NAMES` for each row of counts."""
    of = [column.astype(np.float64) for column in counted.T]
    flows, sent, got = of[kernels.FLOWS], of[kernels.SENT], of[kernels.GOT]
    whole = np.maximum(sent + got, 1)
    columns = (
        np.log1p(flows), np.log1p(of[kernels.PEERS]), np.log1p(of[kernels.SERVICES]),
        np.log1p(of[kernels.PORTS]), of[kernels.UNANSWERED] / flows, np.log1p(sent), np.log1p(got),
        (sent - got) / whole, np.log1p(of[kernels.PACKETS]), np.log1p(of[kernels.LASTING] / flows / 1e9),
        of[kernels.OVER_UDP] / flows, of[kernels.OVER_ICMP] / flows, of[kernels.SINGLE] / flows,
        of[kernels.LARGEST] / whole,
    )  # fmt: skip
    rows = np.empty((len(counted), len(NAMES)), np.float32)
    for j, column in enumerate(columns):
        rows[:, j] = column
    return rows
