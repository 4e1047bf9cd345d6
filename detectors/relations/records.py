"""Records of relations: what is kept of a pair, a spread, a service, a segment, an address and a card.

They stand apart from their kernel so that whoever only reads them need not load a compiler.
"""

from __future__ import annotations

import numpy as np

#: The first flow of an episode, both ends as its meter told them.
FIRST = [
    ("first_flow_id", "u8"), ("first_frame", "i8"), ("first_offset", "i8"), ("first_time", "i8"),
    ("first_src_hi", "u8"), ("first_src_lo", "u8"), ("first_dst_hi", "u8"), ("first_dst_lo", "u8"),
    ("first_domain", "u4"), ("first_src_port", "u2"), ("first_dst_port", "u2"), ("first_proto", "u1"),
]  # fmt: skip
#: The first packet of an episode of announcements.
PACKET = [
    ("first_frame", "i8"), ("first_offset", "i8"), ("first_time", "i8"),
    ("first_src_hi", "u8"), ("first_src_lo", "u8"), ("first_dst_hi", "u8"), ("first_dst_lo", "u8"),
    ("first_domain", "u4"),
]  # fmt: skip

#: One source and one service of one target. `asks` and `says`: bits of what either side began with.
PAIR = np.dtype(
    [
        # what any report of the pair touches comes first: it is fetched ahead. The whole has 256 bytes, so
        # that none lies on more than four cache lines
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("last", "i8"),  # newest report
        ("window", "i8"),  # start of the short window
        ("now_sent", "i8"), ("now_back", "i8"),  # packets in it
        ("now_sent_bytes", "i8"), ("now_back_bytes", "i8"),
        ("day", "i8"),  # start of the long window
        ("sent_bytes", "i8"), ("back_bytes", "i8"),  # in it
        ("held_began", "i8"), ("held_last", "i8"),  # the longest connection, through its meter's cuts
        ("hour", "i8"),
        ("began", "i8"),  # first flow
        ("flows", "u4"), ("answered", "u4"),  # ever
        ("now_flows", "u4"),
        ("hours", "u4"),  # hours of the last 24 with a new flow; bit 0 is the hour of `hour`
        ("series", "u4"),  # where its latest flows stand, plus one; 0 while it has but one,
        ("start", "u4"), ("size", "u4"),  # which is told by these
        ("asks", "u2"), ("says", "u2"),
        ("held_port", "u2"),
        ("port", "u2"),
        ("proto", "u1"), ("unheard", "u1"),  # registers that no source of the target has set
        ("functions", "u4"),  # bits of industrial function codes below 32
        ("writes", "u4"), ("errors", "u4"),  # of an industrial protocol, ever
        ("src_domain", "u4"), ("dst_domain", "u4"),
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        # the first flow, as far as the rest does not tell it: see `first_of`
        ("first_flow_id", "u8"), ("first_frame", "i8"), ("first_offset", "i8"),
        ("first_far_port", "u2"),
        ("first_turned", "u1"),  # whether its meter told its ends the other way round
    ],
    align=True,
)  # fmt: skip

#: A host and how many come to it.
PLACE = np.dtype([("h", "u8"), ("g", "u8"), ("keep", "i8"), ("sources", "u4")], align=True)

#: One source that administers one target, and by which ways, within minutes.
EDGE = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("began", "i8"), ("window", "i8"), ("last", "i8"),
        ("share_bytes", "i8"), ("rpc_bytes", "i8"),  # sent over file sharing and over remote procedures
        ("src_domain", "u4"), ("dst_domain", "u4"),
        ("ways", "u1"), ("ever", "u1"), ("unheard", "u1"),
        *FIRST,
    ],
    align=True,
)  # fmt: skip

#: One source on one port: whom it reaches there.
SPREAD = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("src_hi", "u8"), ("src_lo", "u8"),
        ("window", "i8"), ("last", "i8"),
        ("base_hi", "u8"), ("base_lo", "u8"), ("spread_hi", "u8"), ("spread_lo", "u8"),
        ("domain", "u4"),
        ("flows", "u4"),  # answered
        ("attempts", "u4"), ("changes", "u4"),
        ("port", "u2"), ("proto", "u1"),
        *FIRST,
    ],
    align=True,
)  # fmt: skip

#: One service of one target: who comes to it.
SERVICE = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("hi", "u8"), ("lo", "u8"),
        ("began", "i8"), ("window", "i8"), ("last", "i8"),
        ("domain", "u4"),
        ("flows", "u4"),  # answered, ever
        ("attempts", "u4"), ("changes", "u4"),  # in the window
        ("strangers", "u4"), ("known", "u4"),
        ("port", "u2"), ("proto", "u1"), ("newcomer", "u1"),
        *FIRST,
    ],
    align=True,
)  # fmt: skip

#: What a segment asks for or is told by broadcast.
SEGMENT = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("began", "i8"), ("window", "i8"), ("last", "i8"),
        ("packets", "i8"), ("most", "i8"),  # in the window; the most of any window
        ("domain", "u4"),
        ("flows", "u4"), ("strangers", "u4"), ("now_strangers", "u4"), ("known", "u4"),
        ("kind", "u1"), ("newcomer", "u1"),
        *FIRST,
    ],
    align=True,
)  # fmt: skip

#: An address and the card that claims it.
BINDING = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("hi", "u8"), ("lo", "u8"), ("mac", "u8"), ("rival", "u8"),
        ("began", "i8"), ("flipped", "i8"), ("asked", "i8"), ("last", "i8"),
        ("flips", "u4"), ("domain", "u4"), ("arp", "u1"),
        *PACKET,
    ],
    align=True,
)  # fmt: skip

#: A card and the addresses it claims.
CARD = np.dtype(
    [
        ("h", "u8"), ("g", "u8"), ("keep", "i8"),
        ("mac", "u8"), ("hi", "u8"), ("lo", "u8"), ("told_hi", "u8"), ("told_lo", "u8"),
        ("window", "i8"), ("last", "i8"),
        ("claims", "u4"), ("unasked", "u4"), ("domain", "u4"), ("arp", "u1"),
        *PACKET,
    ],
    align=True,
)  # fmt: skip

# SEGMENT.kind
DHCP_REQUESTS, DHCP_SERVERS, ROUTERS = 1, 2, 3
# classes of ports in Reach.watch
LOGIN, ADMIN, INDUSTRIAL, CLEAR = 1, 2, 4, 8
# classes of ports in Reach.told
ALWAYS, OVER_TCP, NO_WEB, NAMED = 1, 2, 4, 8
# bits of PAIR.asks and PAIR.says
HTTP_REQUEST, HTTP_RESPONSE, TLS, SSH, SCRIPT, EXECUTABLE, JSON_RPC, SHELL, RPC = (1 << n for n in range(9))
#: Of PAIR.asks: the two had a control connection of FTP (RFC 959) when a file came, so this one carried it.
TRANSFER = 1 << 9

# bits of EDGE.ways
SHARE, MAPPER, PROCEDURES, DIRECTORY = 1, 2, 4, 8

SAID = 600  # bytes sent a day at a CLEAR port from which a pair is shown
#: How long after a control connection's newest report a connection is taken for one of its transfers, ns.
TRANSFER_WITHIN = 300_000_000_000
STARTS = 32  # latest flows of a pair whose times and sizes are kept
REGISTERS = 256  # of the HyperLogLogs: standard error 6.5 %
CROWD = 64  # registers of a place: standard error 13 %
KNOWN = 8  # masters, servers or routers remembered
CLAIMS = 4  # addresses of a card remembered
