"""What the fragment kernels keep: datagrams that are not complete, their fragments and their bytes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.batches import PACKET

#: By number, as the kernels know them.
POLICIES = ("bsd", "first", "last", "linux", "windows", "solaris", "bsd-right")
#: Bytes of fragments are kept in pages of this size.
PAGE = 512
#: Fragments of one datagram; a full one takes as many at 64 bytes each.
MOST_FRAGMENTS = 1024

#: One datagram of which not all is here. Indices are -1 where there is nothing.
DATAGRAM = np.dtype(
    [
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("hash", "u8"),  # PACKET.hash of the flow, once `known`
        ("begun", "i8"),  # time of the first of its fragments that came
        ("offset", "i8"), ("frame", "i8"),  # and where that is
        ("ident", "u4"), ("vlan", "u4"),
        ("ports", "u4"),  # PACKET.ports of the flow
        ("total", "i4"),  # bytes behind the headers, by the last fragment; -1 before it came
        ("count", "i4"),  # fragments held
        ("first", "i4"),  # the fragment at offset 0
        ("least", "i4"),  # the fragment with the lowest offset: from there by FRAGMENT.next
        ("oldest", "i4"), ("newest", "i4"),  # by FRAGMENT.later, as they came
        ("chain", "i4"),  # the next datagram of this hash slot, or free one
        ("older", "i4"), ("newer", "i4"),  # datagrams as they began
        ("proto", "u1"), ("version", "u1"),
        ("flow_proto", "u1"),
        ("reversed", "u1"),  # PACKET.reversed of the flow
        ("known", "u1"),  # the first fragment came: ports, hash and flow_proto are the flow's
        ("mute", "u1"),  # its TCP flags were not in it
        ("broken", "u1"),  # it cannot be put together
        ("mixed", "u1"),  # fragments overlap
    ],
    align=True,
)  # fmt: skip

#: One fragment: bytes `start` to `end` behind the headers. The first holds `header` bytes of headers before
#: them.
PIECE = np.dtype(
    [
        ("frame", "i8"),
        ("start", "i4"), ("end", "i4"),
        ("header", "i4"),
        ("next", "i4"), ("later", "i4"),
        ("page", "i4"),
        ("link", "u2"),  # where in the headers the type of what follows them is (IPv6)
        ("following", "u1"),  # that type
        ("waiting", "u1"),  # its row was not told yet: its flow is not known
    ],
    align=True,
)  # fmt: skip

#: Numbers that the kernel keeps.
META = (
    "datagrams", "free_datagram", "oldest", "newest", "live",
    "pieces", "free_piece", "held",
    "pages", "free_page", "pages_held",
    "seen", "rebuilt", "overlaps", "expired", "evicted", "ignored", "truncated",
)  # fmt: skip
META_AT = {name: i for i, name in enumerate(META)}
#: Those that count what was met.
COUNTED = META[META.index("seen") :]


class Store(NamedTuple):
    """Everything that is kept, and the scratch in which a datagram is painted."""

    datagrams: NDArray[np.void]  # DATAGRAM
    pieces: NDArray[np.void]  # PIECE
    waiting: NDArray[np.void]  # PACKET, the row of each piece
    pages: NDArray[np.uint8]  # PAGE bytes each
    following: NDArray[np.int32]  # by page the next one of its piece, or free one
    slots: NDArray[np.int32]  # by hash the first datagram
    owner: NDArray[np.int32]  # by byte of a datagram the piece that it is from
    meta: NDArray[np.int64]


def new_store(memory: int) -> Store:
    """Room for what fits in about `memory` bytes; the system gives it as it is used."""
    datagrams = memory >> 12
    pieces = memory >> 10
    left = memory - datagrams * (DATAGRAM.itemsize + 8) - pieces * (PIECE.itemsize + PACKET.itemsize)
    pages = max(left // (PAGE + 4), 2 * (1 << 16) // PAGE)
    meta = np.zeros(len(META), np.int64)
    for name in ("free_datagram", "oldest", "newest", "free_piece", "free_page"):
        meta[META_AT[name]] = -1
    return Store(
        np.zeros(datagrams, DATAGRAM), np.zeros(pieces, PIECE), np.zeros(pieces, PACKET),
        np.zeros(pages * PAGE, np.uint8),
        np.zeros(pages, np.int32), np.full(1 << max(4, datagrams.bit_length()), -1, np.int32),
        np.zeros((1 << 16) + PAGE, np.int32), meta,
    )  # fmt: skip
