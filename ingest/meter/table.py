"""The flow table's records and arrays.

A flow is one HEAD, two SIDEs and one COLD at the same index: HEAD and one SIDE are all that a packet
touches (four cache lines), COLD only what reports and closing need. Sides are those of the packet row's
canonical endpoints a and b, so that the side of a packet is known before its flow is.

440 bytes a flow. The arrays are as long as `max_flows`, but a page is committed only when a flow first
uses it; the slots (the hash index) are grown by the meter.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall import rows

HEAD = np.dtype(
    [
        ("a_hi", "u8"), ("a_lo", "u8"), ("b_hi", "u8"), ("b_lo", "u8"),
        ("ports", "u4"), ("vlan", "u4"),
        ("tag", "u4"),  # high half of the packet's hash: home slot and filter
        ("proto", "u1"), ("version", "u1"),
        ("origin", "u1"),  # the side of the initiator: 0 is a
        ("queued", "u1"),  # 0, or 4 | list of the queue it waits in
        ("first", "i8"), ("last", "i8"),
        # second cache line
        ("told", "i8"),  # time of the last report
        ("gap_min", "i8"), ("gap_max", "i8"),  # gap_max is -1 while there is no gap
        ("gap_square_lo", "u8"), ("gap_square_hi", "u4"),  # sum of squared gaps, 96 bits
        ("report", "u4"),  # reports made
        # since the last report
        ("a_packets", "u4"), ("b_packets", "u4"), ("a_bytes", "i8"), ("b_bytes", "i8"),
    ],
    align=True,
)  # fmt: skip

SIDE = np.dtype(
    [
        ("packets", "i8"), ("bytes", "i8"), ("payload", "i8"),
        ("square", "u8"),  # sum of squared sizes
        ("last", "i8"),
        ("gap_min", "i8"), ("gap_max", "i8"),
        ("gap_square_lo", "u8"), ("gap_square_hi", "u4"),
        ("size_min", "u4"), ("size_max", "u4"),
        ("flags", "u1"),  # TCP flags seen, or-ed
        ("fin", "u4"), ("syn", "u4"), ("rst", "u4"), ("psh", "u4"),  # packets with the flag
        ("ack", "u4"), ("urg", "u4"), ("ece", "u4"), ("cwr", "u4"),
        ("first", "i8"),
        ("head", "u8"),  # first eight payload bytes, big endian
    ],
    align=True,
)  # fmt: skip

COLD = np.dtype(
    [
        ("wheel", "i4"),  # next in the same bucket of the wheel, or next free record; -1 ends
        ("next", "i4"), ("previous", "i4"),  # neighbours in the queue
        ("first_flags", "u1"), ("icmp_type", "u1"), ("icmp_code", "u1"),
        ("offset", "i8"), ("frame", "i8"),
        ("flow_id", "u8"),
        ("src_mac", "u8"), ("dst_mac", "u8"),
    ],
    align=True,
)  # fmt: skip

FLOW_BYTES = HEAD.itemsize + 2 * SIDE.itemsize + COLD.itemsize
FIRST_SLOTS = 1 << 12
QUEUE_LISTS = 4
STATE_WORDS = 16


class Table(NamedTuple):
    """Everything the kernels keep between packets."""

    heads: NDArray[np.void]  # HEAD[max_flows]
    sides: NDArray[np.void]  # SIDE[2 * max_flows]: a and b of flow k at 2k and 2k + 1
    cold: NDArray[np.void]  # COLD[max_flows]
    slots: NDArray[np.uint64]  # tag << 32 | index + 1; 0 is empty; a power of two long
    wheel: NDArray[np.int32]  # [first, last] by second, a power of two wide; -1 is empty
    queue: NDArray[np.int32]  # [first, last] of the flows that report at a tick; -1 is empty
    state: NDArray[np.int64]  # see kernels


def new_table(max_flows: int, idle_s: int) -> Table:
    """An empty table for `max_flows` flows that end after `idle_s` seconds; may raise MemoryError."""
    width = 1 << (idle_s + 1).bit_length()  # deadlines are at most idle + 1 seconds ahead
    state = np.zeros(STATE_WORDS, np.int64)
    return Table(
        rows.zeros(max_flows, HEAD),
        rows.zeros(2 * max_flows, SIDE),
        rows.zeros(max_flows, COLD),
        np.zeros(FIRST_SLOTS, np.uint64),
        np.full((2, width), -1, np.int32),
        np.full((2, QUEUE_LISTS), -1, np.int32),
        state,
    )


def used_bytes(table: Table, high: int) -> int:
    """Bytes of memory that a table whose first `high` records were ever used holds."""
    parts: tuple[NDArray[Any], ...] = (table.slots, table.wheel, table.queue, table.state)
    return high * FLOW_BYTES + sum(part.nbytes for part in parts)
