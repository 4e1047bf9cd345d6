"""From packet rows to transactions: streams, what each speaks, its parser, and the tables of it all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.applicationsettings import ApplicationSettings
from citywall.fragmentsettings import FragmentSettings
from citywall.rows import take
from ingest.applications.building import Builder
from ingest.applications.compiled.handing import Announced, found_before, python_reads
from ingest.applications.compiled.reading import MUTE, NO_MORE, Reading
from ingest.applications.connection import Connection
from ingest.applications.growing import Growing
from ingest.applications.tables import PROTOCOLS, Tables
from ingest.applications.wanted import ALL, Wanted
from ingest.fragments.assembler import Assembler
from ingest.reassembly.layout import SESSION
from ingest.reassembly.streams import Batch, Reassembler

Rows = NDArray[np.void]
Bytes = NDArray[np.uint8]


class Analyser:
    """The application layers of one source of packets. Pure: rows in, tables out."""

    def __init__(
        self,
        settings: ApplicationSettings,
        *,
        keep_streams: bool = False,
        growing: bool = False,
        wanted: Wanted = ALL,
    ) -> None:
        keep_streams |= growing
        self._settings = settings
        self._wanted = wanted
        self._keep = keep_streams
        self._growing = growing
        self._streams = Reassembler(settings, joined=keep_streams)
        self._connections: dict[int, Connection] = {}
        self._expected: dict[tuple[int, int, int], list[tuple[int, str]]] = {}
        self._reading = Reading(settings, wanted, keep=keep_streams)
        kind = Growing if growing else Builder
        self._builder: Builder = kind(keep_streams=keep_streams, reading=self._reading)
        self._packets: list[tuple[NDArray[Any], ...]] = []

    def add(self, packets: Rows, frames: int | NDArray[np.int64], buffer: Bytes) -> None:
        """Take decoded packets (PACKET[n]), their bytes in `buffer`.

        `frames` is the frame of the first, or of each (i8[n]).
        """
        for batch in self._streams.add(packets, frames, buffer):
            self._take(batch)

    def end(self) -> None:
        """There are no more."""
        for batch in self._streams.end():
            self._take(batch)

    def want(self, wanted: Wanted) -> None:
        """Read for something else from now on; a connection whose protocol was not read stays unread."""
        self._wanted = wanted
        self._reading.want(wanted)
        for connection in self._connections.values():
            connection.want(wanted)

    def tables(self) -> Tables:
        """Everything since the last call: transactions that are over, and their flows.

        `growing`: also what came to transactions that go on (each then with all that it has so far), and all
        flows that something came of. So what is told is the same, however the packets were cut into calls.
        """
        made = self._builder.build(self._packets, self._streams)
        self._packets = []
        self._streams.new_room()
        return made

    def _take(self, batch: Batch) -> None:
        if self._keep:
            self._packets.append((batch.flow_of, batch.direction_of, batch.stood, batch.streamed))
        self._builder.odd(batch.odd)
        if len(batch.pieces):
            self._builder.pieces(batch)
            fate = self._reading.read(batch, self._streams.sessions, self._places())
            self._builder.oddities(self._reading.oddities())
            self._reading.hand_over(lambda numbers: self._go_on(batch, numbers))
            self._feed(batch, fate)
            if not self._keep:
                self._mute(batch, np.flatnonzero(fate & MUTE))
        if len(batch.ended):
            self._builder.ended(batch.ended)
            frames = np.where(batch.ended["ended"], batch.ended["ended"], batch.ended["last_frame"])
            python = self._reading.end(batch.ended["number"], frames)
            self._builder.oddities(self._reading.oddities())
            self._reading.hand_over(lambda numbers: self._go_on(batch, numbers))
            over = batch.ended["number"][python].tolist()
            for number, frame in zip(over, frames[python].tolist(), strict=True):
                connection = self._connections.pop(number)
                connection.end(frame)
                self._after(connection, -1)

    def _feed(self, batch: Batch, fate: NDArray[np.uint16]) -> None:
        """The pieces that are read in Python."""
        chosen = np.flatnonzero(python_reads(fate))
        mine = take(batch.pieces, chosen)
        ended = batch.ended["number"].tolist() if len(mine) else []
        over = dict(zip(ended, range(len(ended)), strict=True))
        known: dict[int, int] = {}
        hints = found_before(fate)[chosen]
        announced = self._reading.announced()[::-1]
        for number, slot, first, runs in _runs(mine, batch.arena):
            while announced and announced[-1][0] <= number:
                self._announce(batch, announced.pop())
            connection = self._connections.get(number)
            if connection is None:
                rows = batch.ended[over[number] :][:1] if number in over else self._streams.session(slot)
                connection = self._begin(number, rows, runs[0][3][1][0], PROTOCOLS[hints[first]])
                self._connections[number] = connection
            before = connection.protocol
            for direction, missed, data, marks in runs:
                if missed:
                    connection.gap(direction, missed, marks[1][0])
                connection.feed(direction, data, marks)
            self._after(connection, slot)
            if connection.quiet():
                known[number] = NO_MORE
            elif connection.protocol != before:
                known[number] = connection.protocol
        while announced:
            self._announce(batch, announced.pop())
        if known:
            self._reading.settle(list(known), list(known.values()))

    def _places(self) -> NDArray[np.int64]:
        """The ends of connections that were announced."""
        places = [[_word(low), _word(high), port] for low, high, port in self._expected]
        return np.array(places, np.int64).reshape(-1, 3)

    def _go_on(self, batch: Batch, numbers: NDArray[np.int64]) -> list[Connection]:
        """Connections for what a kernel read so far, by the numbers of their flows."""
        begun = None if self._keep else self._reading.rows_of(numbers)
        made = []
        for i, number in enumerate(numbers.tolist()):
            rows = self._session(batch, number) if begun is None else begun[i : i + 1]
            connection = self._connections[number] = self._open(number, rows, _ends(rows))
            self._builder.handed(connection)
            made.append(connection)
        return made

    def _session(self, batch: Batch, number: int) -> Rows:
        """The SESSION row of a flow with pieces in a batch, or one that ended with it."""
        ended = np.flatnonzero(batch.ended["number"] == number)[:1]
        if len(ended):
            return take(batch.ended, ended)
        piece = np.searchsorted(batch.pieces["number"], number)
        return self._streams.session(int(batch.pieces["slot"][piece]))

    def _mute(self, batch: Batch, pieces: NDArray[np.int64]) -> None:
        """Nothing more need come of the flows of some pieces."""
        self._streams.mute(batch.pieces["slot"][pieces].astype(np.int64), batch.pieces["number"][pieces])

    def _begin(self, number: int, rows: Rows, frame: int, hint: str) -> Connection:
        """A connection of which nothing is known, unless another announced it."""
        expected = ""
        ends = (client, server), ports, proto = _ends(rows)
        if self._expected and proto != _UDP:
            expected = self._announced((*server, ports[1]), frame)
            expected = expected or self._announced((*client, ports[0]), frame)
        return self._open(number, rows, ends, "" if hint == "unknown" else hint, expected)

    def _open(self, number: int, rows: Rows, ends: _Ends, hint: str = "", expected: str = "") -> Connection:
        addresses, ports, proto = ends
        return Connection(
            number, self._settings, ports, np.frombuffer(rows.tobytes(), SESSION), udp=proto == _UDP,
            addresses=addresses, expected=expected, wanted=self._wanted, hint=hint,
        )  # fmt: skip

    def _announce(self, batch: Batch, announced: Announced) -> None:
        """A flow that a kernel reads announced a connection."""
        number, name, direction, port, frame = announced
        addresses, _, _ = _ends(self._session(batch, number))
        self._expect((*addresses[direction], port), name, frame)

    def _expect(self, place: tuple[int, int, int], name: str, frame: int) -> None:
        if len(self._expected) < 65536 and len(self._expected.setdefault(place, [])) < 64:
            self._expected[place].append((frame, name))

    def _announced(self, place: tuple[int, int, int], frame: int) -> str:
        """What was announced for a place before a frame; it is used up."""
        waiting = self._expected.get(place)
        if not waiting or waiting[0][0] > frame:
            return ""
        name = waiting.pop(0)[1]
        if not waiting:
            del self._expected[place]
        return name

    def _after(self, connection: Connection, slot: int) -> None:
        """What a connection made goes to the tables; what it announced is expected; what is done is muted."""
        parser = connection.parser
        self._builder.take(connection)
        if parser is not None and parser.expected:
            for name, direction, port, frame in parser.expected:
                self._expect((*connection.addresses[direction], port), name, frame)
            parser.expected.clear()
        if slot >= 0 and not self._keep and connection.over():
            self._streams.mute(np.array([slot]), np.array([connection.number]))


_ENDS = ["a_lo", "a_hi", "b_lo", "b_hi", "ports", "client", "proto"]
_UDP = 17
# Direction, gap before it, bytes, marks.
_Run = tuple[int, int, bytes, tuple[list[int], list[int], list[int]]]


# Addresses of client and server as (low, high) words, their ports, and the IP protocol.
_Ends = tuple[tuple[tuple[int, int], tuple[int, int]], tuple[int, int], int]


def _word(value: int) -> int:
    """A word without a sign, as one with."""
    return value - (1 << 64) if value >> 63 else value


def _ends(rows: Rows) -> _Ends:
    """A session's client and server."""
    a_lo, a_hi, b_lo, b_hi, both, client, proto = rows[_ENDS][0].item()
    ends, ports = ((a_lo, a_hi), (b_lo, b_hi)), (both >> 16, both & 0xFFFF)
    return (ends, ports, proto) if client == 0 else (ends[::-1], ports[::-1], proto)


def _runs(pieces: Rows, arena: Bytes) -> Iterator[tuple[int, int, int, list[_Run]]]:
    """The pieces by flow: (number, slot, place of its first piece, runs of one direction without a gap)."""
    if not len(pieces):
        return
    numbers, directions = pieces["number"], pieces["direction"]
    new_flow = np.empty(len(pieces), bool)
    new_flow[0], new_flow[1:] = True, numbers[1:] != numbers[:-1]
    new_run = new_flow.copy()
    new_run[1:] |= (directions[1:] != directions[:-1]) | (pieces["gap"][1:] != 0)
    starts = np.flatnonzero(new_run)
    ends = np.append(starts[1:], len(pieces))
    at = pieces["at"]
    lengths, frames, times = pieces["length"].tolist(), pieces["frame"].tolist(), pieces["time"].tolist()
    columns = zip(
        starts.tolist(), ends.tolist(), new_flow[starts].tolist(), directions[starts].tolist(),
        pieces["gap"][starts].tolist(), at[starts].tolist(),
        (at[ends - 1] + pieces["length"][ends - 1]).tolist(), numbers[starts].tolist(),
        pieces["slot"][starts].tolist(), strict=True,
    )  # fmt: skip
    number = slot = begun = -1
    runs: list[_Run] = []
    for start, end, fresh, direction, missed, first, last, flow, place in columns:
        if fresh and runs:
            yield number, slot, begun, runs
            runs = []
        if not runs:
            number, slot, begun = flow, place, start
        marks = (lengths[start:end], frames[start:end], times[start:end])
        runs.append((direction, missed, arena[first:last].tobytes(), marks))
    yield number, slot, begun, runs


def analyse(
    source: Path | Iterable[tuple[Rows, int, Bytes]],
    settings: ApplicationSettings | None = None,
    *,
    keep_streams: bool = True,
    fragments: FragmentSettings | None = None,
) -> Tables:
    """All of a capture file, or of (packet rows, first frame, buffer) batches: one set of tables."""
    analyser = Analyser(settings or ApplicationSettings(), keep_streams=keep_streams)
    assembler = Assembler(fragments or FragmentSettings())
    for packets, frame, buffer in _decoded(source) if isinstance(source, Path) else source:
        rows, held = assembler.add(packets, frame, buffer).readable(buffer)
        analyser.add(rows, frame, held)
    analyser.end()
    return analyser.tables()


def _decoded(path: Path) -> Iterator[tuple[Rows, int, Bytes]]:
    from ingest.capture import decode_block, open_capture

    with open_capture(path) as capture:
        for ref in capture.blocks(8 << 20):
            frame = ref.first_frame
            for packets in decode_block(ref, capture.buffer, 4096):
                yield packets, frame, capture.buffer
                frame += len(packets)
