"""Compiled parsers and all that they keep: pieces in, rows of transactions out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.applicationsettings import ApplicationSettings
from citywall.rows import fill, longer, take
from ingest.applications.certificate import fingerprint
from ingest.applications.compiled import handing
from ingest.applications.compiled.layout import (
    ANNOUNCED,
    BLOOM,
    BODY,
    CERTIFICATE,
    CONFIG,
    CONFIG_AT,
    DATAGRAM,
    DIGESTS,
    FLOW,
    HASHES,
    JOB,
    LINE,
    META,
    META_AT,
    MOST_ANNOUNCERS,
    MOST_LINES,
    MOST_VALUES,
    NO_FLOWS,
    NODE,
    NOT_ODD,
    NOTE,
    ODDITY,
    OVER_TCP,
    OVER_UDP,
    PAGE,
    PUT,
    SHORT_ARENA,
    SHORT_NODES,
    SHORT_PAGES,
    SHORT_ROWS,
    SHORT_TXS,
    SPANS,
    TX,
    WITH_UNITS,
    Memory,
)
from ingest.applications.compiled.telling import kernels as telling
from ingest.applications.compiled.walk import kernels as walking
from ingest.applications.merging import columns
from ingest.applications.parser import MOST_HELD, Transaction
from ingest.applications.registry import TCP, UDP, among, parser_of
from ingest.applications.tables import BUFFER, FIELD, KIND, NUMBER, PROTOCOL, PROTOCOLS
from ingest.applications.wanted import ALL, Wanted
from ingest.reassembly.layout import SESSION

if TYPE_CHECKING:
    from ingest.applications.connection import Connection
    from ingest.reassembly.streams import Batch

Rows = NDArray[np.void]
Numbers = NDArray[np.int64]
#: A bit of `walk`'s answers, beside who reads a piece: nothing more need come of its flow.
MUTE = 4
#: `settle`: no more of a flow is read.
NO_MORE = 255
_LEAST = 256
_PACKET = 1 << 16
_NONE = np.zeros(0, np.int64)
_HASHES = tuple(getattr(hashlib, name) for name in DIGESTS)
_JOB = ("kind", "direction", "at", "length", "part", "tx", "turn", "frame")
_PUT = ("frame", "turn", "tx", "length", "part", "kind", "direction")
_NOTE = ("frame", "value", "turn", "tx", "part", "field", "direction")
_SHORT = {
    SHORT_ROWS: ("puts", "notes", "odd", "jobs"), SHORT_TXS: ("txs", "over"), SHORT_ARENA: ("arena",),
    SHORT_PAGES: ("pages", "following"), SHORT_NODES: ("nodes",),
}  # fmt: skip


class Told(NamedTuple):
    """Transactions that are to be told, in order of flow and number; `flow`: the flow's number.

    `buffers` and `numbers` point at rows of `transactions`, buffers at bytes of `arena`. `retold`: the same
    transactions in the order in which their own oddities are told.
    """

    transactions: Rows
    buffers: Rows
    numbers: Rows
    arena: NDArray[np.uint8]
    retold: Rows


class Reading:
    """What flows say that parsers in kernels read. `keep`: their streams are kept by others, too."""

    def __init__(self, settings: ApplicationSettings, wanted: Wanted, *, keep: bool) -> None:
        self._settings = settings
        self._meta = np.zeros(len(META), np.int64)
        for name in ("free_flow", "free_tx", "free_page", "free_node"):
            self._meta[META_AT[name]] = -1
        self._readings: list[Wanted] = []
        self._config = np.zeros(len(CONFIG), np.int64)
        self._set("keep", int(keep))
        self._set("body", settings.body_bytes)
        self._set("hashes", int(settings.hashes))
        self._set("layers", settings.inflate_layers)
        allowed = {*among(TCP, settings.protocols), *among(UDP, settings.protocols)}
        self._set("allowed", _bits(allowed))
        here = {*OVER_TCP, *OVER_UDP}
        self._set("here", _bits(here - set(WITH_UNITS) if settings.units else here))
        self._mem = Memory(
            flows=np.zeros(_LEAST, FLOW), buckets=np.full(2 * _LEAST, -1, np.int32), txs=np.zeros(_LEAST, TX),
            puts=np.zeros(4 * _LEAST, PUT), notes=np.zeros(4 * _LEAST, NOTE), odd=np.zeros(_LEAST, ODDITY),
            jobs=np.zeros(_LEAST, JOB), over=np.zeros(_LEAST, np.int32), nodes=np.zeros(_LEAST, NODE),
            pages=np.zeros(_LEAST * PAGE, np.uint8), following=np.zeros(_LEAST, np.int32),
            arena=np.empty(_LEAST << 10, np.uint8), scratch=np.empty(2 * MOST_HELD + 2 * _PACKET, np.uint8),
            spans=np.zeros((SPANS, 2), np.int64), values=np.zeros(MOST_VALUES, np.int64),
            words=np.zeros(64, np.int64), digest=np.zeros(8, np.int64),
            kinds=np.zeros((0, len(KIND)), np.bool_), fields=np.zeros((0, len(FIELD)), np.bool_),
            lines=np.zeros((MOST_LINES, LINE), np.int64), config=self._config, meta=self._meta,
        )  # fmt: skip
        self._rows = np.zeros(0 if keep else _LEAST, SESSION)
        self._keep = keep
        self._announcers = np.zeros((MOST_ANNOUNCERS, 1 + BLOOM), np.int64)
        self._late = False
        self._more: tuple[list[int], list[int], list[bytes]] = ([], [], [])
        self._announced: list[handing.Announced] = []
        self.want(wanted)

    def want(self, wanted: Wanted) -> None:
        """What is read from now on."""
        if wanted not in self._readings:
            self._readings.append(wanted)
            kinds, fields = np.zeros(len(KIND), np.bool_), np.zeros(len(FIELD), np.bool_)
            kinds[list(wanted.kept.values())] = True
            fields[list(wanted.noted.values())] = True
            mem = self._mem
            self._mem = mem._replace(
                kinds=np.vstack([mem.kinds, kinds]), fields=np.vstack([mem.fields, fields])
            )
        self._set("wanted", self._readings.index(wanted))
        self._set("calls", int(wanted.calls))
        self._set("reads", _bits(name for name in PROTOCOLS if wanted.reads(name)))

    def read(self, batch: Batch, sessions: Rows, places: NDArray[np.int64]) -> NDArray[np.uint16]:
        """Take a batch's pieces; for each who reads it, and whether it may be muted.

        `places`: ends of connections that were announced, as (low, high, port) words.
        """
        pieces = batch.pieces
        fate = np.zeros(len(pieces), np.uint16)
        order = np.argsort(batch.ended["number"], kind="stable")
        numbers = batch.ended["number"][order]
        at = 0
        self._meta[META_AT["announcers"]] = 0
        while True:
            at = walking.walk(
                self._mem, pieces, at, batch.arena, sessions, batch.ended, order, numbers, places,
                self._announcers, self._rows, fate,
            )  # fmt: skip
            if at == len(pieces):
                break
            self._grow()
        self._work()
        return fate

    def end(self, numbers: Numbers, frames: Numbers) -> NDArray[np.bool_]:
        """Flows are over, each at a frame; which of them are Python's."""
        python = np.zeros(len(numbers), np.bool_)
        at = 0
        while (at := walking.end_flows(self._mem, numbers, frames, at, python)) < len(numbers):
            self._grow()
        self._work()
        return python

    def hand_over(self, opened: Callable[[Numbers], list[Connection]]) -> None:
        """Python goes on with some flows: `opened` makes the connections of numbers, which it then knows."""
        if not self._meta[META_AT["handed"]]:
            return
        self._meta[META_AT["handed"]] = 0
        flows = self._mem.flows
        handed = flows["handed"][: self._meta[META_AT["flows"]]].copy()  # rows are wide: gone over once
        mine = np.flatnonzero((handed > 0) & (handed < handing.TAKEN))
        going = self.going_on(mine)
        for at, connection in zip(mine.tolist(), opened(flows["number"][mine]), strict=True):
            handing.fill(connection, self._mem, at, going[at], connection.wanted)
            walking.let_go(self._mem, at)
            flows["handed"][at] = handing.TAKEN

    def going_on(self, flows: Numbers) -> dict[int, dict[int, Transaction]]:
        """Transactions that go on in some flows, by row of FLOW and of TX, as Python keeps them."""
        return handing.going_on(self._mem, flows, self._readings)

    def settle(self, numbers: list[int], protocols: list[int]) -> None:
        """What was found out in Python of its flows: their protocol, 255 where no more of them is read."""
        walking.settle(self._mem, np.array(numbers, np.int64), np.array(protocols, np.int64))

    def spoken(self, numbers: Numbers, flows: Rows) -> None:
        """Put into FLOW rows what the flows of these numbers speak that are read here."""
        found = np.zeros(len(numbers), np.bool_)
        protocols, frames = np.zeros((len(numbers), 3), np.int64), np.zeros((len(numbers), 3), np.int64)
        walking.spoken_of(self._mem, numbers, protocols, frames, found)
        at = np.flatnonzero(found)
        flows["protocol"][at], flows["protocol_frame"][at] = protocols[at, 0], frames[at, 0]
        for d in (0, 1):
            flows["sides"][at, d], flows["sides_frame"][at, d] = protocols[at, 1 + d], frames[at, 1 + d]

    def knows(self, numbers: Numbers) -> NDArray[np.bool_]:
        """Which flows are read here, or were and have not been swept."""
        flows = self._mem.flows
        found: NDArray[np.bool_] = np.isin(
            numbers, flows["number"][(flows["used"] > 0) & (flows["spoken"] > 0)]
        )
        return found

    def rows_of(self, numbers: Numbers) -> Rows:
        """The SESSION rows of flows as they were when they began; only without `keep`."""
        mine = self._mem.flows["number"]
        used = np.flatnonzero(self._mem.flows["used"])
        order = used[np.argsort(mine[used])]
        return take(self._rows, order[np.searchsorted(mine[order], numbers)])

    def oddities(self) -> list[tuple[int, int, int, int, int]]:
        """What was odd since this was asked last: kind, direction, flow, transaction, frame."""
        odd = self._mem.odd[: self._meta[META_AT["odd"]]]
        odd = odd[odd["kind"] != NOT_ODD]
        self._meta[META_AT["odd"]] = 0
        names = ("kind", "direction", "flow", "number", "frame")
        return list(zip(*(odd[name].tolist() for name in names), strict=True))

    def announced(self) -> list[handing.Announced]:
        """Data connections announced since this was asked last, in order of the flows that did."""
        announced, self._announced = self._announced, []
        return announced

    def tell(self, *, growing: bool) -> Told:
        """Transactions that are over; `growing`: also those that something came to. `sweep` is next."""
        mem, meta = self._mem, self._meta
        told = mem.over[: meta[META_AT["over"]]].astype(np.int64)
        if growing:
            going = np.zeros(int(meta[META_AT["txs"]]), np.int64)
            going = going[: telling.grown(mem, going)]
            keys = mem.txs["flow"][going] << 32 | mem.txs["number"][going]
            told = np.concatenate([told, going[np.argsort(keys)]])
        txs = take(mem.txs, told)
        order = np.argsort(txs["flow"] << 32 | txs["number"])
        ranked = take(txs, order)
        buffers = np.zeros(int(txs["puts"].sum()), BUFFER)
        numbers = np.zeros(int(txs["notes"].sum()), NUMBER)
        put_order, note_order = self._order("puts"), self._order("notes")
        telling.arrange(
            mem, told[order], put_order, note_order, _starts(ranked["puts"]), _starts(ranked["notes"]),
            buffers, numbers,
        )  # fmt: skip
        return Told(ranked, buffers, numbers, mem.arena, txs)

    def _order(self, name: str) -> Numbers:
        """The order of rows, where some came later than they belong; those of one turn as they came."""
        if not self._late:
            return _NONE
        rows = getattr(self._mem, name)[: self._meta[META_AT[name]]]
        order: Numbers = np.argsort(rows["turn"], kind="stable")
        return order

    def sweep(self) -> None:
        """What was told goes, and flows that are over."""
        telling.sweep(self._mem)
        walking.forget_flows(self._mem)
        if not self._meta[META_AT["puts"]] and not self._meta[META_AT["notes"]]:
            self._late = False

    def _set(self, name: str, value: int) -> None:
        self._config[CONFIG_AT[name]] = value

    def make_room(self, *names: str) -> None:
        """Twice as much of some arrays."""
        bigger = {name: longer(getattr(self._mem, name), 2 * len(getattr(self._mem, name))) for name in names}
        self._mem = self._mem._replace(**bigger)
        if "flows" in names:
            self._rows = longer(self._rows, 2 * len(self._rows))
            walking.fill_buckets(self._mem)

    def _grow(self) -> None:
        """Twice as much room for what there was too little of."""
        if self._meta[META_AT["stop"]] == NO_FLOWS:
            self.make_room("flows", "buckets")
            return
        short = int(self._meta[META_AT["short"]])
        self.make_room(*(name for bit, names in _SHORT.items() if short & bit for name in names))

    def _work(self) -> None:
        """What kernels left for Python to do."""
        jobs = self._mem.jobs[: self._meta[META_AT["jobs"]]]
        self._meta[META_AT["jobs"]] = 0
        arena = memoryview(self._mem.arena)  # type: ignore[arg-type]
        for kind, d, at, n, to, *rest in zip(*(jobs[name].tolist() for name in _JOB), strict=True):
            data = arena[at : at + n]
            if kind == HASHES:  # there is place for it
                text = _HASHES[d](data, usedforsecurity=False).hexdigest().encode()
                arena[to : to + len(text)] = text
            elif kind == CERTIFICATE:
                text = fingerprint(bytes(data))
                arena[to : to + len(text)] = text
            elif kind == DATAGRAM:
                self._again(bytes(data), d, *rest)
            elif kind == BODY:
                self._body(bytes(data), d, to, *rest)
            elif kind == ANNOUNCED:
                number = int(self._mem.txs["flow"][rest[0]])
                self._announced.append((number, handing.what_comes(bytes(data)), d, to, rest[2]))
        if self._more[0] or self._more[1]:
            self._put_late()

    def _again(self, data: bytes, d: int, slot: int, turn: int, frame: int) -> None:
        """What a kernel could not read to its end is read in Python: what comes behind is added."""
        tx = self._mem.txs[slot]
        parser = parser_of(PROTOCOLS[tx["protocol"]])(self._settings)
        parser.wanted = self._readings[tx["wanted"]]
        parser.datagram(d, data, frame, 0)
        (made,) = parser.closed
        self._add(slot, turn, made.buffers[tx["puts"] :], made.numbers[tx["notes"] :])
        if parser.anomalies:
            odd = np.zeros(len(parser.anomalies), ODDITY)
            for row, (event, direction, _, at) in zip(odd, parser.anomalies, strict=True):
                row["flow"], row["number"], row["frame"] = tx["flow"], tx["number"], at
                row["kind"], row["direction"] = event, direction
            self._append("odd", odd)

    def _body(self, data: bytes, d: int, place: int, slot: int, turn: int, frame: int) -> None:
        """A body is undone or taken apart in Python."""
        txs = self._mem.txs
        made = Transaction(0, 0, 0, 0, self._readings[txs["wanted"][slot]])
        if event := handing.body(data, d, frame, made, self._settings):
            self._mem.odd["kind"][place] = event
            txs["known"][slot] += 1
        self._add(slot, turn, made.buffers, made.numbers)

    def _add(
        self, slot: int, turn: int, rows: list[tuple[int, int, int, int, bytes]],
        more: list[tuple[int, int, int, int, int]],
    ) -> None:  # fmt: skip
        """Buffers and numbers that Python read come to a transaction, once the work is done."""
        puts, notes, texts = self._more
        for kind, direction, part, frame, text in rows:
            puts += (frame, turn, slot, len(text), part, kind, direction)
            texts.append(text)
        for field, direction, part, frame, value in more:
            notes += (frame, value, turn, slot, part, field, direction)
        txs = self._mem.txs
        txs["puts"][slot] += len(rows)
        txs["notes"][slot] += len(more)
        txs["known"][slot] += 4 * len(rows) + 5 * len(more)
        self._late = True

    def _put_late(self) -> None:
        """Those buffers and numbers, all at once."""
        puts, notes, texts = self._more
        self._more = [], [], []
        rows = columns(PUT, _PUT, np.array(puts, np.int64).reshape(-1, len(_PUT)))
        rows["at"] = self._meta[META_AT["arena"]] + _starts(rows["length"])
        self._append("puts", rows)
        self._append("notes", columns(NOTE, _NOTE, np.array(notes, np.int64).reshape(-1, len(_NOTE))))
        self._append("arena", np.frombuffer(b"".join(texts), np.uint8))

    def _append(self, name: str, rows: NDArray[Any]) -> None:
        array, at = getattr(self._mem, name), int(self._meta[META_AT[name]])
        if at + len(rows) > len(array):
            array = longer(array, 2 * (at + len(rows)))
            self._mem = self._mem._replace(**{name: array})
        fill(array[at : at + len(rows)], [rows])
        self._meta[META_AT[name]] = at + len(rows)


def _bits(names: Any) -> int:
    """A bit for each protocol."""
    return sum(1 << PROTOCOL[name] for name in names)


def _starts(counts: NDArray[Any]) -> Numbers:
    starts: Numbers = np.cumsum(counts, dtype=np.int64) - counts
    return starts


def compile_parsers() -> None:
    """Compile what few captures need: the walk itself is compiled with any of them."""
    reading = Reading(ApplicationSettings(), ALL, keep=True)
    reading.going_on(_NONE)
    reading.settle([0], [0])
    reading.tell(growing=True)
    reading.sweep()
    reading.make_room("flows", "buckets")
