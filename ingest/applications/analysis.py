"""From packet rows to transactions: streams, what each speaks, its parser, and the tables of it all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.applicationsettings import ApplicationSettings
from citywall.fragmentsettings import FragmentSettings
from ingest.applications.building import Builder
from ingest.applications.connection import Connection
from ingest.applications.growing import Growing
from ingest.applications.tables import Tables
from ingest.applications.wanted import ALL, Wanted
from ingest.fragments.assembler import Assembler
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
        self._quiet = np.zeros(0, np.int64)  # by slot the number of a flow of which no more is read, plus one
        self._keep = keep_streams
        self._growing = growing
        self._streams = Reassembler(settings)
        self._connections: dict[int, Connection] = {}
        self._expected: dict[tuple[int, int, int], list[tuple[int, str]]] = {}
        self._builder: Builder = (Growing if growing else Builder)(keep_streams=keep_streams)
        self._packets: list[tuple[NDArray[Any], ...]] = []

    def add(self, packets: Rows, first_frame: int, buffer: Bytes) -> None:
        """Take decoded packets (PACKET[n]); row i is frame `first_frame + i`, its bytes are in `buffer`."""
        for batch in self._streams.add(packets, first_frame, buffer):
            self._take(batch)

    def end(self) -> None:
        """There are no more."""
        for batch in self._streams.end():
            self._take(batch)

    def want(self, wanted: Wanted) -> None:
        """Read for something else from now on; a connection whose protocol was not read stays unread."""
        self._wanted = wanted
        for connection in self._connections.values():
            connection.want(wanted)

    def tables(self) -> Tables:
        """Everything since the last call: transactions that are over, and their flows.

        `growing`: also what came to transactions that go on (each then with all that it has so far), and all
        flows that something came of. So what is told is the same, however the packets were cut into calls.
        """
        made = self._builder.build(self._packets, self._streams)
        self._packets = []
        return made

    def _take(self, batch: Batch) -> None:
        if self._keep:
            self._packets.append((batch.flow_of, batch.direction_of, batch.stood, batch.streamed))
        self._builder.odd(batch.odd)
        over = dict(zip(batch.ended["number"].tolist(), range(len(batch.ended)), strict=True))
        if len(batch.pieces):
            self._builder.pieces(batch)
            for number, slot, runs in _runs(self._speaking(batch.pieces), batch.arena):
                connection = self._connections.get(number)
                if connection is None:
                    rows = batch.ended[over[number] :][:1] if number in over else self._streams.session(slot)
                    connection = self._connections[number] = self._open(number, rows, runs[0][3][1][0])
                for direction, missed, data, marks in runs:
                    if missed:
                        connection.gap(direction, missed)
                    connection.feed(direction, data, marks)
                self._after(connection, slot)
        if over:
            self._builder.ended(batch.ended)
        for number, at in over.items():
            connection = self._connections.pop(number, None)
            if connection is not None:
                connection.end(int(batch.ended["ended"][at] or batch.ended["last_frame"][at]))
                self._after(connection, -1)

    def _speaking(self, pieces: Rows) -> Rows:
        """The pieces less those of flows of which no more is read."""
        slots = pieces["slot"]
        if (most := int(slots.max())) >= len(self._quiet):
            self._quiet = np.append(self._quiet, np.zeros(2 * most + 64 - len(self._quiet), np.int64))
        speaking: Rows = pieces[self._quiet[slots] != pieces["number"] + 1]
        return speaking

    def _open(self, number: int, rows: Rows, frame: int) -> Connection:
        row = rows[0]
        ports = int(row["ports"]) >> 16, int(row["ports"]) & 0xFFFF
        client = int(row["client"])
        key = (int(row["b_lo" if client == 0 else "a_lo"]), int(row["b_hi" if client == 0 else "a_hi"]))
        server_port = ports[1 - client]
        expected = self._announced((*key, server_port), frame)
        other = (int(row["a_lo" if client == 0 else "b_lo"]), int(row["a_hi" if client == 0 else "b_hi"]))
        expected = expected or self._announced((*other, ports[client]), frame)
        return Connection(
            number, self._settings, (ports[client], server_port), rows.copy(), udp=int(row["proto"]) == 17,
            addresses=(other, key), expected=expected, wanted=self._wanted,
        )  # fmt: skip

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
                place = (*connection.addresses[direction], port)
                if len(self._expected) < 65536 and len(self._expected.setdefault(place, [])) < 64:
                    self._expected[place].append((frame, name))
            parser.expected.clear()
        if slot < 0:
            return
        if not self._keep and connection.over():
            for direction in (0, 1):
                self._streams.mute(slot, connection.number, direction)
        elif connection.quiet():
            self._quiet[slot] = connection.number + 1


# Direction, gap before it, bytes, marks.
_Run = tuple[int, int, bytes, tuple[list[int], list[int], list[int]]]


def _runs(pieces: Rows, arena: Bytes) -> Iterator[tuple[int, int, list[_Run]]]:
    """The pieces by flow: (number, slot, runs of one direction without a gap)."""
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
    whole = arena.tobytes()
    lengths, frames, times = pieces["length"].tolist(), pieces["frame"].tolist(), pieces["time"].tolist()
    columns = zip(
        starts.tolist(), ends.tolist(), new_flow[starts].tolist(), directions[starts].tolist(),
        pieces["gap"][starts].tolist(), at[starts].tolist(),
        (at[ends - 1] + pieces["length"][ends - 1]).tolist(), numbers[starts].tolist(),
        pieces["slot"][starts].tolist(), strict=True,
    )  # fmt: skip
    number = slot = -1
    runs: list[_Run] = []
    for start, end, fresh, direction, missed, first, last, flow, place in columns:
        if fresh and runs:
            yield number, slot, runs
            runs = []
        number, slot = flow, place
        marks = (lengths[start:end], frames[start:end], times[start:end])
        runs.append((direction, missed, whole[first:last], marks))
    yield number, slot, runs


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
