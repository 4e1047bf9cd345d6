"""Closed flows as numbers: one definition, for training on the archive and for the stream.

No address, no port and no time is a feature: a model would learn who attacked whom that day.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from citywall.batches import FIN, ICMP, ICMPV6, RST, SYN, TCP, UDP

NAMES = (
    "seconds", "src_packets", "dst_packets", "src_bytes", "dst_bytes", "src_payload", "dst_payload",
    "src_packet_bytes", "dst_packet_bytes", "producer_consumer", "packets_a_second", "answered",
    "begun_with_syn", "src_reset", "dst_reset", "src_finished", "dst_finished", "tcp", "udp", "icmp",
)  # fmt: skip
#: What must be known of a flow: fields of FLOW and columns of the archive alike.
NEEDED = (
    "first", "last", "src_packets", "dst_packets", "src_bytes", "dst_bytes", "src_payload", "dst_payload",
    "proto", "first_flags", "src_flags", "dst_flags",
)  # fmt: skip


class Columns(Protocol):
    """END rows of FLOW, or their columns by name."""

    def __getitem__(self, name: str, /) -> Any:
        """A column."""


def features(flows: Columns) -> NDArray[np.float32]:
    """(flows, NAMES). Integers below 2^53 and one rounding each: the same wherever it is computed."""
    seconds = np.maximum(_of(flows, "last") - _of(flows, "first"), 0.0) / 1e9
    out, back = _of(flows, "src_packets"), _of(flows, "dst_packets")
    sent, got = _of(flows, "src_bytes"), _of(flows, "dst_bytes")
    proto, began = flows["proto"], flows["first_flags"]
    mine, theirs = flows["src_flags"], flows["dst_flags"]
    columns = (
        np.log1p(seconds), np.log1p(out), np.log1p(back), np.log1p(sent), np.log1p(got),
        np.log1p(_of(flows, "src_payload")), np.log1p(_of(flows, "dst_payload")),
        sent / np.maximum(out, 1), got / np.maximum(back, 1),
        (sent - got) / np.maximum(sent + got, 1), np.log1p((out + back) / np.maximum(seconds, 1e-3)),
        back > 0, began & SYN, (mine & RST) > 0, (theirs & RST) > 0, (mine & FIN) > 0, (theirs & FIN) > 0,
        proto == TCP, proto == UDP, (proto == ICMP) | (proto == ICMPV6),
    )  # fmt: skip
    found = np.empty((len(seconds), len(NAMES)), np.float32)
    for j, column in enumerate(columns):
        found[:, j] = (column > 0) if NAMES[j] == "begun_with_syn" else column
    return found


def _of(flows: Columns, name: str) -> NDArray[np.float64]:
    return np.asarray(flows[name]).astype(np.float64)
