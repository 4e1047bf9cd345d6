"""The records in which compiled parsers keep flows and what they say, and what kernels are told."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.applications.tables import PROTOCOL

#: What becomes of a flow's pieces: not yet known, read here, read by a parser in Python, read no more.
FRESH, HERE, PYTHON, QUIET = 0, 1, 2, 3

#: Protocols that have a kernel here, over TCP and over UDP.
OVER_TCP = ("smb", "dcerpc", "dns", "http", "tls", "ssh", "krb5", "ftp")
OVER_UDP = ("dns", "snmp", "krb5")
#: Of these, those of which units may be kept: parsers in Python do that.
WITH_UNITS = ("smb", "dcerpc", "tls", "ssh", "dns", "http")

#: Lists of NODE rows that a flow may have.
TABLES = 12

#: A flow. `tables` are lists of NODE rows; `words` are a protocol's own.
FLOW = np.dtype(
    [
        ("number", "i8"), ("made", "i8"), ("protocol_frame", "i8"), ("sides_frame", "i8", (2,)),
        ("tail_size", "i8", (2,)), ("need", "i8", (2,)), ("looked_size", "i8", (2,)),
        ("words", "i8", (8,)),
        ("client_port", "i4"), ("server_port", "i4"),
        ("after", "i4"),  # next flow of the same bucket, or free flow
        ("first", "i4"), ("last", "i4"), ("open", "i4"),  # transactions that go on
        ("seen", "i4"),  # bytes of datagrams that nobody knew
        ("tail", "i4", (2,)), ("tail_end", "i4", (2,)),  # first and last page of what is held of a direction
        ("looked", "i4", (2,)), ("looked_end", "i4", (2,)),
        ("tables", "i4", (TABLES,)), ("ends", "i4", (TABLES,)), ("counts", "i4", (TABLES,)),
        ("used", "u1"), ("mode", "u1"), ("python", "u1"), ("udp", "u1"), ("over", "u1"),
        ("protocol", "u1"),  # of FLOW rows
        ("spoken", "u1"),  # what is read, where something is
        ("sides", "u1", (2,)), ("done", "u1", (2,)), ("unread", "u1"),
        # Of HTTP/1: the last piece of each direction; runs of pieces that Python would have been fed at once,
        # counted; whether the last piece was a run of its own; 1: Python goes on.
        ("last_frame", "i8", (2,)), ("last_time", "i8", (2,)), ("run", "i8", (2,)), ("alone", "u1", (2,)),
        ("handed", "u1"),
    ],
    align=True,
)  # fmt: skip

#: A transaction: `known` says how much is known of it, `told` how much was when it was told last.
TX = np.dtype(
    [
        ("flow", "i8"), ("number", "i8"), ("request_frame", "i8"), ("response_frame", "i8"),
        ("first_frame", "i8"), ("time", "i8"),
        ("owner", "i4"),  # row of FLOW
        ("before", "i4"), ("after", "i4"),  # among the open ones of its flow; `after` chains free ones, too
        ("known", "i4"), ("told", "i4"), ("puts", "i4"), ("notes", "i4"), ("rank", "i4"),
        ("wanted", "i4"),
        ("protocol", "u1"), ("complete", "u1"), ("over", "u1"), ("used", "u1"),
    ],
    align=True,
)  # fmt: skip

#: `used` of a transaction that Python took over: its rows go with the next sweep.
GONE = 3

#: A buffer and a number of a transaction. `turn` orders them where rows come later than they belong.
PUT = np.dtype(
    [
        ("frame", "i8"), ("at", "i8"), ("turn", "i8"), ("tx", "i4"), ("length", "i4"), ("part", "i4"),
        ("kind", "u2"), ("direction", "u1"),
    ],
    align=True,
)  # fmt: skip
NOTE = np.dtype(
    [
        ("frame", "i8"), ("value", "i8"), ("turn", "i8"), ("tx", "i4"), ("part", "i4"), ("field", "u2"),
        ("direction", "u1"),
    ],
    align=True,
)  # fmt: skip
#: Something odd: `number` is that of the transaction in its flow, -1 for none.
ODDITY = np.dtype(
    [("flow", "i8"), ("number", "i8"), ("frame", "i8"), ("kind", "u2"), ("direction", "u1")], align=True
)
#: Something that Python does once the walk is over: rows of it take their place by `turn`.
JOB = np.dtype(
    [
        ("frame", "i8"), ("at", "i8"), ("length", "i8"), ("turn", "i8"), ("part", "i8"), ("tx", "i4"),
        ("kind", "u1"), ("direction", "u1"),
    ],
    align=True,
)  # fmt: skip
#: Something small that is remembered of a flow, with bytes in pages where `first` is not -1.
NODE = np.dtype(
    [
        ("a", "i8"), ("b", "i8"), ("c", "i8"),  # what it is found by
        ("x", "i8"), ("y", "i8"), ("z", "i8"), ("size", "i8"),
        ("after", "i4"), ("before", "i4"), ("first", "i4"), ("last", "i4"),
    ],
    align=True,
)  # fmt: skip

#: Bytes of a page.
PAGE = 512

#: The list of NODE rows in which each flow keeps the marks of what it holds: lengths, frames, times.
MARKS = 10  # and the next, by direction

#: Jobs: a hash of a file, whose hexadecimal digits have their place already (`part`: where, `direction`:
#: which of DIGESTS); a datagram for the Python parser; a body of HTTP/1 that is not plain, behind BODY_HEAD
#: numbers that say what is where (`part`: the row for what is odd about it); the fingerprint of a certificate
#: (`part`: where); a data connection that FTP announced, by its verb and the name of its file (`direction`:
#: at whose address, `part`: at which port).
HASHES, DATAGRAM, BODY, CERTIFICATE, ANNOUNCED = 0, 1, 2, 3, 4
DIGESTS = ("md5", "sha1", "sha256")
#: What the numbers before a body are: bytes kept, size, lengths of Content-Encoding, Content-Disposition,
#: Content-Type and path (which follow the body in this order), what was asked (OTHER_METHOD, ...).
BODY_HEAD = 7
#: An ODDITY that turned out not to be one.
NOT_ODD = 0xFFFF
#: Methods that matter for bodies.
OTHER_METHOD, HEAD_METHOD, FILE_METHOD = 0, 1, 2

#: Fields of a head of HTTP/1 that are read by the kernel, and what it keeps of each.
MOST_LINES, LINE = 96, 10

# Words of the memory of itself (i8).
META = (
    "flows", "free_flow", "txs", "free_tx", "free_txs", "puts", "notes", "odd", "arena",
    "pages", "free_page", "free_pages", "nodes", "free_node", "free_nodes", "jobs", "turn", "over", "again",
    "stop", "short", "live", "announcers", "handed", "gone",
)  # fmt: skip
META_AT = {name: i for i, name in enumerate(META)}

#: Why a walk stopped: room for what a message may say, for a piece, for a flow.
NO_ROOM, NO_ROOM_FOR_PIECE, NO_FLOWS = 1, 2, 3
#: What there may be too little of: bits of the word `short`.
SHORT_ROWS, SHORT_TXS, SHORT_ARENA, SHORT_PAGES, SHORT_NODES = 1, 2, 4, 8, 16

# Words of the configuration (i8).
CONFIG = ("keep", "body", "hashes", "allowed", "reads", "calls", "wanted", "here", "layers")
CONFIG_AT = {name: i for i, name in enumerate(CONFIG)}

#: Hosts that may announce a connection, looked for within one batch; words of bits for the ports they name.
MOST_ANNOUNCERS, BLOOM = 64, 4

SMB, DCERPC, DNS, SNMP = (PROTOCOL[name] for name in ("smb", "dcerpc", "dns", "snmp"))
HTTP = PROTOCOL["http"]
TLS, SSH, KRB5, FTP = (PROTOCOL[name] for name in ("tls", "ssh", "krb5", "ftp"))

#: Lists of a hello, and the values of the longest.
SPANS, MOST_VALUES = 9, 1 << 15


class Memory(NamedTuple):
    """All that kernels keep between two calls. They allocate nothing: the caller lets arrays grow."""

    flows: NDArray[np.void]
    buckets: NDArray[np.int32]  # first flow of each bucket
    txs: NDArray[np.void]
    puts: NDArray[np.void]
    notes: NDArray[np.void]
    odd: NDArray[np.void]
    jobs: NDArray[np.void]
    over: NDArray[np.int32]  # transactions that are over, in order
    nodes: NDArray[np.void]
    pages: NDArray[np.uint8]
    following: NDArray[np.int32]  # page behind each page
    arena: NDArray[np.uint8]
    scratch: NDArray[np.uint8]
    spans: NDArray[np.int64]  # what stands where in a hello, and its values
    values: NDArray[np.int64]
    words: NDArray[np.int64]  # of a block of a digest, and the digest
    digest: NDArray[np.int64]
    kinds: NDArray[np.bool_]  # for each reading that was wanted: which kinds are kept
    fields: NDArray[np.bool_]
    lines: NDArray[np.int64]  # of the head that is being read
    config: NDArray[np.int64]
    meta: NDArray[np.int64]
