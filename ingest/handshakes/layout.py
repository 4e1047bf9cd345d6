"""What is held of handshakes: a record of each direction that is waited for, and its bytes so far."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Bytes of one direction that are held at most; what needs more is given up.
ROOM = 16_384
#: Directions that are held: in sets by the hash of their flow, of which the one idle longest makes room.
SETS, WAYS = 256, 4
ENTRIES = SETS * WAYS
#: Counters of entries by the low bits of their flow's hash: packets of others cost one look at these.
NEAR = 1 << 16

ENTRY = np.dtype(
    [
        ("a_hi", "u8"), ("a_lo", "u8"), ("b_hi", "u8"), ("b_lo", "u8"), ("hash", "u8"),
        ("touched", "i8"),  # by the count of packets looked at
        ("first", "i8"), ("expected", "i8"),  # sequence numbers: of its first byte, of the next
        ("ports", "u4"), ("vlan", "u4"),
        ("size", "i4"),
        ("reversed", "u1"), ("client", "u1"), ("used", "u1"),
    ],
    align=True,
)  # fmt: skip

#: Places of `meta`: entries used, packets looked at; then what is told of a session.
META = ("live", "looked", "gaps", "too_long", "evicted")
META_AT = {name: at for at, name in enumerate(META)}
TOLD = META[2:]
#: Columns of what is finished: the packet that did it, whether a client's, where its bytes are, how many.
DONE = 4


class Table(NamedTuple):
    """The arrays of one source of packets."""

    entries: NDArray[np.void]
    held: NDArray[np.uint8]
    near: NDArray[np.uint16]
    meta: NDArray[np.int64]


def new_table() -> Table:
    """A table without entries: memory is touched as it is used."""
    return Table(
        np.zeros(ENTRIES, ENTRY), np.zeros(ENTRIES * ROOM, np.uint8), np.zeros(NEAR, np.uint16),
        np.zeros(len(META), np.int64),
    )  # fmt: skip
