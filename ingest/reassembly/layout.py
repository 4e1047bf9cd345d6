"""The records in which the reassembler keeps connections, and what its kernels are told."""

from __future__ import annotations

import numpy as np

#: A connection. `state` is one of the states below; `newer`, `older` chain connections by last packet.
SESSION = np.dtype(
    [
        ("a_hi", "u8"), ("a_lo", "u8"), ("b_hi", "u8"), ("b_lo", "u8"), ("hash", "u8"),
        ("first", "i8"), ("last", "i8"), ("frame", "i8"), ("last_frame", "i8"), ("offset", "i8"),
        ("number", "i8"),
        ("ended", "i8"),  # frame at which it was found to be over; 0: at the end of input
        ("ports", "u4"), ("vlan", "u4"),
        ("newer", "i4"), ("older", "i4"),
        ("proto", "u1"), ("version", "u1"), ("client", "u1"), ("midstream", "u1"), ("state", "u1"),
        ("answered", "u1"), ("asked", "u1"), ("used", "u1"),
        ("reset", "u1"),  # 1 + the direction whose reset ended it
        ("fast", "u1"),  # its SYN asked for TCP Fast Open
        # SYNs that others took the place of: how many, their numbers and time stamps.
        ("syn_count", "u1"), ("syns", "u4", (10,)), ("stamps", "u4", (10,)),
        ("marks", "u4", (2,)),  # sequence numbers of each direction's last byte out of band
    ],
    align=True,
)  # fmt: skip

#: One direction of a connection, row `2 * session + direction`. Offsets count from the first byte after SYN.
SIDE = np.dtype(
    [
        ("next", "i8"),  # first byte not yet in order
        ("highest", "i8"),  # end of the furthest byte seen
        ("acked", "i8"),  # acknowledged by the other end
        ("window", "i8"),  # end of what the other end takes; -1 where that is not known
        ("fin", "i8"),  # where the stream ends; -1 where that is not known
        ("waiting_bytes", "i8"),  # behind a hole
        ("held_bytes", "i8"),  # in order but not acknowledged
        ("gap", "i8"),  # bytes missed before the next piece
        ("isn", "u4"),
        ("waiting", "i4"), ("waiting_count", "i4"),  # first segment behind a hole, how many
        ("held_first", "i4"), ("held_last", "i4"),  # pieces in order but not acknowledged
        ("known", "u1"), ("scale", "u1"), ("done", "u1"), ("mute", "u1"),
        ("deep", "u1"),  # read to its end: 1 by its port, 2 once bytes of the connection were read
        ("stamped", "u1"),  # its SYN has a time stamp
        ("urgent", "u2"),  # bytes out of band
        ("stamp", "u4"),
    ],
    align=True,
)  # fmt: skip

#: A segment behind a hole; its bytes are row `i` of the pages. `start`, `stop`: of the packet it came in.
SEGMENT = np.dtype(
    [("offset", "i8"), ("start", "i8"), ("stop", "i8"), ("length", "i4"), ("next", "i4")], align=True
)

#: A piece of a stream as the kernel makes it (`ingest.applications.tables.CHUNK` is what becomes of it).
PIECE = np.dtype(
    [
        ("number", "i8"), ("offset", "i8"), ("arrived", "i8"), ("frame", "i8"), ("time", "i8"), ("at", "i8"),
        ("length", "i4"), ("gap", "i4"), ("slot", "i4"), ("next", "i4"), ("direction", "u1"),
    ],
    align=True,
)  # fmt: skip

#: Something odd: `kind` is an index into ODD.
ODDITY = np.dtype([("number", "i8"), ("frame", "i8"), ("kind", "u2"), ("direction", "u1")], align=True)

UNTRACKED, SYN_SENT, SYN_RECEIVED, ESTABLISHED, CLOSED = 0, 1, 2, 3, 4

#: Bytes of a page, which holds one waiting segment or a part of it.
PAGE = 1536
#: Segments that may wait behind the holes of one direction.
MAX_WAITING = 1024

#: What a stream can do that is odd, by Suricata's names less "stream.".
ODD = (
    "reassembly_seq_gap", "reassembly_overlap_different_data", "3whs_synack_with_wrong_ack",
    "3whs_synack_in_wrong_direction", "3whs_ack_in_wrong_dir", "est_packet_out_of_window", "est_invalid_ack",
    "est_syn_resend", "est_synack_resend", "rst_invalid_ack", "fin_out_of_window",
    "reassembly_depth_reached", "reassembly_memory_full", "est_syn_toclient", "est_synack_toserver",
    "est_syn_resend_diff_seq", "est_synack_resend_with_different_ack", "est_synack_resend_with_diff_seq",
    "3whs_right_seq_wrong_ack_evasion", "fin_syn", "pkt_retransmission",
    "suspected_rst_inject",
    "3whs_syn_flood", "pkt_invalid_timestamp", "3whs_synack_tfo_data_ignored", "3whs_wrong_seq_wrong_ack",
    "3whs_ack_data_inject", "reassembly_urgent_oob_limit_reached",
)  # fmt: skip

#: Overlap policies: who wins where two segments hold different bytes.
POLICIES = ("bsd", "first", "last", "linux", "windows")
#: What becomes of an urgent byte: it stands beside the stream, in it, its packet is not taken, it is missing.
URGENT = ("oob", "inline", "drop", "gap")

# Words of the kernel's memory of itself (i8).
META = (
    "sessions",  # session slots ever used
    "free_session", "oldest", "newest", "live",
    "number",  # next flow's
    "pieces", "arena", "order", "ended", "odd",  # fill of the outputs
    "segments", "free_segment", "segments_used",
    "held",  # bytes in order but not acknowledged
    "evicted", "gaps", "gap_bytes", "overlaps", "out_of_window", "depth_reached", "dropped_segments",
    "untracked", "forced", "truncated", "bad_checksum",
)  # fmt: skip
META_AT = {name: i for i, name in enumerate(META)}
COUNTED = META[META.index("evicted") :]

# Words of the configuration (i8).
CONFIG = (
    "midstream", "async", "inline", "depth", "policy", "max_sessions", "max_segments", "max_held",
    "checksums", "all_held", "urgent",
    *(f"deep_{n}" for n in range(8)),  # ports whose connections are read to their end; 0 is none
)  # fmt: skip
DEEP = CONFIG.index("deep_0")
