"""A flow of HTTP/1 or FTP goes over to the parser in Python, from what a kernel left to it on."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from citywall.rows import take
from ingest.applications import http1, http1_put
from ingest.applications.compiled.ftp import kernels as ftp_kernels
from ingest.applications.compiled.http1 import kernels
from ingest.applications.compiled.layout import (
    BODY_HEAD,
    FILE_METHOD,
    FTP,
    HEAD_METHOD,
    MARKS,
    META_AT,
    OTHER_METHOD,
    PAGE,
    PYTHON,
    Memory,
)
from ingest.applications.compiled.telling import kernels as telling
from ingest.applications.ftp import Ftp
from ingest.applications.headers import Field
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import ANOMALY_KIND

if TYPE_CHECKING:
    from citywall.applicationsettings import ApplicationSettings
    from ingest.applications.connection import Connection, Marks
    from ingest.applications.wanted import Wanted

#: A data connection that a flow announced: the flow's number, protocol and what is said of it, at whose
#: address (0: of the flow's client), port, since which frame.
Announced = tuple[int, str, int, int, int]
#: `handed` of a flow that Python has; of one that went over at its end.
TAKEN, AT_END = 4, 3
_PHASES = {
    kernels.HEAD: http1.HEAD, kernels.LENGTH: http1.LENGTH, kernels.SIZE: http1.SIZE,
    kernels.CHUNK: http1.CHUNK, kernels.CHUNK_END: http1.CHUNK_END, kernels.TRAILER: http1.TRAILER,
    kernels.CLOSE: http1.CLOSE,
}  # fmt: skip
#: What was asked, as far as it matters for what comes yet.
_METHODS = {OTHER_METHOD: b"", HEAD_METHOD: b"HEAD", FILE_METHOD: b"POST"}
_PUT = ("tx", "kind", "direction", "part", "frame", "at", "length")
_OPEN = (
    "owner", "wanted", "protocol", "number", "first_frame", "time", "complete", "told", "request_frame",
    "response_frame",
)  # fmt: skip
_NOTE = ("tx", "field", "direction", "part", "frame", "value")
_BODY_HEAD = struct.Struct(f"<{BODY_HEAD}q")
_NOT_UNDONE = ANOMALY_KIND["http.gzip_decompression_failed"]
_DISPOSITION, _TYPE = b"content-disposition", b"content-type"


def fill(connection: Connection, mem: Memory, at: int, going: dict[int, Transaction], wanted: Wanted) -> None:
    """Make a connection what it were if it had read all that flow `at` has said; `going`: by row of TX."""
    flow = mem.flows[at]
    parser = (_ftp if flow["spoken"] == FTP else _http1)(connection, mem, flow, going)
    parser.wanted = wanted
    parser.made = int(flow["made"])
    parser.open = list(going.values())
    connection.go_on(
        parser, int(flow["protocol"]), int(flow["protocol_frame"]), flow["sides"], flow["sides_frame"]
    )
    for d in (0, 1):
        _fill_stream(connection, parser, mem, flow, d)
    connection.apart = flow["handed"] != AT_END and bool(flow["alone"][flow["handed"] - 1])


def _ftp(connection: Connection, mem: Memory, flow: np.void, going: dict[int, Transaction]) -> StreamParser:
    """The parser of a control connection, before a command: the latest one is that command from then on."""
    parser = Ftp(connection.settings, connection.ports)
    words = flow["words"].tolist()
    for node in _nodes(mem, flow, ftp_kernels.ASKED):
        parser.asked.append(going[int(node["a"])])
        parser.commands.append(int(node["b"]).to_bytes(4, "big"))
        parser.known.append(bool(node["c"]))
    flags = words[ftp_kernels.FLAGS]
    parser.negotiated = bool(flags & ftp_kernels.NEGOTIATED)
    parser.skipping = [bool(flags & ftp_kernels.SKIPPING << d) for d in range(2)]
    if place := words[ftp_kernels.PLACE]:
        parser.place = (place - 1) & 1, (place - 1) >> 1
    if many := words[ftp_kernels.MANY]:
        parser.many = (many - 1).to_bytes(3, "big")
    return parser


def _http1(connection: Connection, mem: Memory, flow: np.void, going: dict[int, Transaction]) -> StreamParser:
    parser = http1.Http1(connection.settings, connection.ports)
    words = flow["words"].tolist()
    parser.continued = bool(words[kernels.CONTINUED])
    last = None
    for node in _nodes(mem, flow, kernels.ASKED):
        last = going[int(node["a"])]
        parser.asked[last.number] = _METHODS[int(node["x"])], _chain(mem, node["first"], node["size"])
        if node["y"] == kernels.UNANSWERED:
            parser.waiting.append(last)
        elif node["y"] == kernels.ANSWERING:
            parser.response = last
    for d in (0, 1):
        parser.phase[d] = _PHASES[words[kernels.PHASE + d]]
        _fill_body(parser, mem, flow, d, words[kernels.LEFT + d])
    if parser.phase[0] != http1.HEAD:
        parser.request = last
    elif flow["handed"] == 1 and 0 < words[kernels.SURPLUS] == flow["run"][0]:
        parser.phase[0], parser.previous = http1.SURPLUS, last
    return parser


def _fill_body(parser: http1.Http1, mem: Memory, flow: np.void, d: int, left: int) -> None:
    """A body on its way, and what its head said of it."""
    body = parser.bodies[d]
    for node in _nodes(mem, flow, kernels.BODIES + d):
        body.kept = bytearray(_chain(mem, node["first"], node["size"]))
        body.size = int(node["x"])
    if parser.phase[d] in (http1.LENGTH, http1.CHUNK):
        body.left = left
    for node in _nodes(mem, flow, kernels.ABOUT + d):
        said = _chain(mem, node["first"], node["size"])
        a, b = int(node["a"]), int(node["b"])
        body.coding, parser.heads[d] = said[:a], _head(said[a : a + b], said[a + b :])


def _head(disposition: bytes, kind: bytes) -> dict[bytes, Field]:
    """The fields that a body is read by."""
    given = ((_DISPOSITION, disposition), (_TYPE, kind))
    return {key: Field(key, key, value) for key, value in given if value}


def _fill_stream(connection: Connection, parser: StreamParser, mem: Memory, flow: np.void, d: int) -> None:
    """Bytes that wait are fed again, run by run as they would have been; not yet those of the present run."""
    stream = parser.streams[d]
    data = _chain(mem, flow["tail"][d], flow["tail_size"][d])
    if not data:
        if frame := int(flow["last_frame"][d]):
            stream.ends, stream.frames, stream.times = [0], [frame], [int(flow["last_time"][d])]
        return
    runs: list[tuple[int, Marks]] = []
    for node in _nodes(mem, flow, MARKS + d):
        if not runs or runs[-1][0] != node["x"]:
            runs.append((int(node["x"]), ([], [], [])))
        for column, name in zip(runs[-1][1], "abc", strict=True):
            column.append(int(node[name]))
    begun = 0
    for run, marks in runs:
        piece = data[begun : begun + sum(marks[0])]
        begun += len(piece)
        if flow["handed"] == 1 + d and run == flow["run"][d]:
            stream.take(piece, marks)  # what follows in this run is fed with it
        else:
            connection.feed(d, piece, marks)


def going_on(
    mem: Memory, flows: NDArray[np.int64], readings: list[Wanted]
) -> dict[int, dict[int, Transaction]]:
    """Transactions that go on in some flows, by row of FLOW and of TX, as the parser in Python keeps them."""
    txs = mem.txs
    slots = np.empty(int(mem.meta[META_AT["txs"]]), np.int64)
    slots = slots[: telling.open_of(mem, flows, slots)]
    made: dict[int, dict[int, Transaction]] = {int(at): {} for at in flows}
    by_slot: dict[int, Transaction] = {}
    columns = (txs[name][slots].tolist() for name in _OPEN)
    for slot, owner, wanted, protocol, number, frame, time, complete, told, asked, answered in zip(
        slots.tolist(), *columns, strict=True
    ):
        each = Transaction(protocol, number, frame, time, readings[wanted])
        each.complete, each.told = complete, told
        each.request_frame, each.response_frame = asked, answered
        made[owner][slot] = by_slot[slot] = each
    puts = _of(mem, "puts", slots)
    for slot, kind, d, part, frame, at, n in zip(*(puts[name].tolist() for name in _PUT), strict=True):
        each = by_slot[slot]
        each.rows += (kind, d, part, frame)
        each.values.append(mem.arena[at : at + n].tobytes())
    notes = _of(mem, "notes", slots)
    for slot, *note in zip(*(notes[name].tolist() for name in _NOTE), strict=True):
        by_slot[slot].notes += note
    return made


def _of(mem: Memory, name: str, slots: NDArray[np.int64]) -> NDArray[np.void]:
    """The rows of some transactions, in their order: buffers (`puts`) or numbers (`notes`)."""
    rows: NDArray[np.void] = getattr(mem, name)
    mine = np.zeros(len(mem.txs), np.bool_)
    mine[slots] = True
    found = np.empty(int(mem.txs[name][slots].sum()), np.int64)
    found = found[telling.rows_of(rows, int(mem.meta[META_AT[name]]), mine, found) :]
    return take(rows, found[np.argsort(rows["turn"][found], kind="stable")])


def body(data: bytes, d: int, frame: int, transaction: Transaction, settings: ApplicationSettings) -> int:
    """Give a transaction what a body says that a kernel left (a job of BODY): what is odd about it, or 0."""
    kept, size, a, b, c, n, method = _BODY_HEAD.unpack_from(data)
    parts, at = [], _BODY_HEAD.size
    for length in (kept, a, b, c, n):
        parts.append(data[at : at + length])
        at += length
    sound = http1_put.content(
        settings, transaction, d, frame, parts[0], size=size, lost=False, coding=parts[1],
        disposition=parts[2], kind=parts[3], asked=(_METHODS[method], parts[4]),
    )  # fmt: skip
    return 0 if sound else _NOT_UNDONE


def _nodes(mem: Memory, flow: np.void, table: int) -> Iterator[np.void]:
    """The nodes of a list of a flow."""
    at = int(flow["tables"][table])
    while at >= 0:
        node = mem.nodes[at]
        yield node
        at = int(node["after"])


def _chain(mem: Memory, first: int, size: int) -> bytes:
    """The bytes of a chain of pages."""
    parts, page = [], int(first)
    for _ in range(-(-int(size) // PAGE)):
        parts.append(mem.pages[page * PAGE : (page + 1) * PAGE])
        page = int(mem.following[page])
    return b"".join(part.tobytes() for part in parts)[: int(size)]


def what_comes(data: bytes) -> str:
    """What a job of ANNOUNCED says of a connection, as the parser in Python says it."""
    return f"ftp-data:{data[:4].decode()}:{data[4:].decode('latin-1')}"


def found_before(fate: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """What a flow was found to speak, by piece that Python reads; 0 where that is not known."""
    found: NDArray[np.uint16] = (fate >> 8).astype(np.uint16)
    return found


def python_reads(fate: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Which pieces a parser in Python reads."""
    mine: NDArray[np.bool_] = fate & 3 == PYTHON
    return mine
