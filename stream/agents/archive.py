"""`archive` and `record`: closed flows, and what applications said, into Parquet files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import CLOSED, EVENT, FLOW
from citywall.rows import fill, join
from citywall.sessions import LIVE, Session
from citywall.state import Parts, array_of, bytes_of
from stream import codecs
from stream.codecs import Kind, Opening, Tally
from stream.patience import patiently
from stream.stages import FINISHED, Message, Output

if TYPE_CHECKING:
    from alerts.archive import FlowArchive
    from alerts.eventarchive import EventArchive

Rows = NDArray[np.void]
#: Rows of one file. Cut here whatever the batches, so that a replay writes the same files.
PART_ROWS = 32_768


_Key = tuple[str, int]  # session, partition of its producer


class Archive(Protocol):
    """Where parts of a session are kept."""

    def delete_session(self, session: str) -> int:
        """Remove what an earlier run of it left."""
        ...


class _Archiving:
    """One producer's part of a session: parts written so far, and rows of the next (aligned tables)."""

    def __init__(self, opening: Opening, partition: int, tables: int, parts: int = 0) -> None:
        self.opening = opening
        self.session: Session = opening.session
        self.partition = partition
        self.parts = parts
        self.held: list[list[Rows]] = [[] for _ in range(tables)]
        self.waiting = 0

    def add(self, *tables: Rows) -> None:
        """Take aligned rows."""
        for held, rows in zip(self.held, tables, strict=True):
            held.append(rows)
        self.waiting += len(tables[0])


def _received(session: Session, rows: Rows) -> Session:
    """The session as of when these rows were received: live traffic's times are that."""
    if session.kind != LIVE:
        return session
    return msgspec.structs.replace(session, received_at=max(session.received_at, int(rows["time"][0])))


class PartStage:
    """Keeps aligned tables of rows in parts: what they are, and where they go, its kinds say."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    #: Tables of a message, by name.
    tables: ClassVar[dict[str, Any]]

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.totals: dict[str, int] = {}
        self._sessions: dict[_Key, _Archiving] = {}
        self._left: dict[str, int] = {}  # producers that have not ended, by session
        self._room: list[Rows] | None = None  # where one part after the other is put together

    def read(self, body: memoryview) -> tuple[Rows, ...]:
        """The tables of a message."""
        raise NotImplementedError

    def write(self, tables: list[Rows], session: Session, number: int) -> None:
        """Keep a part; raises StoreError."""
        raise NotImplementedError

    def receive(self, message: Message) -> Iterable[Output]:
        """Open a session (what an earlier run of it left goes), hold rows, or write the last of them."""
        session, partition = message.header.session, message.header.partition
        if message.header.kind is Kind.OPEN:
            opening = codecs.unpack(message.body, Opening)
            self._sessions[session, partition] = _Archiving(opening, partition, len(self.tables))
            if session not in self._left:
                self._left[session] = opening.partitions
                patiently(self._archive.delete_session, session)
        elif message.header.kind is Kind.DATA:
            tables = self.read(message.body) if message.header.count else ()
            if tables:
                self._sessions[session, partition].add(*(rows[message.skip :] for rows in tables))
        else:
            self._write(self._sessions.pop((session, partition)), least=1)
            self._left[session] -= 1
            if not self._left[session]:
                del self._left[session]
                self._room = None if not self._left else self._room
                yield Output(FINISHED, session, Kind.END, codecs.pack(Tally()))

    def flush(self) -> Iterable[Output]:
        """Write full parts; raises StoreError."""
        for state in self._sessions.values():
            self._write(state, least=PART_ROWS)
        return ()

    def _write(self, state: _Archiving, least: int) -> None:
        if state.waiting < least:
            return
        if self._room is None:
            self._room = [np.empty(PART_ROWS, dtype) for dtype in self.tables.values()]
        while state.waiting >= least:
            filled = [fill(room, held) for room, held in zip(self._room, state.held, strict=True)]
            part, state.held = [rows for rows, _ in filled], [left for _, left in filled]
            state.waiting -= len(part[0])
            number = state.parts * state.opening.partitions + state.partition
            patiently(self.write, part, _received(state.session, part[0]), number)
            state.parts += 1

    def snapshot(self) -> Parts:
        """Rows that are not in a file yet."""
        heads = [(s.opening, s.partition, s.parts) for s in self._sessions.values()]
        parts: Parts = {"sessions": codecs.pack(heads), "left": codecs.pack(self._left)}
        for (session, partition), state in self._sessions.items():
            for (name, dtype), held in zip(self.tables.items(), state.held, strict=True):
                parts[f"{session}/{partition}/{name}"] = join(held, dtype)
        return parts

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        heads = codecs.unpack(bytes_of(parts, "sessions"), list[tuple[Opening, int, int]])
        self._left = codecs.unpack(bytes_of(parts, "left"), dict[str, int])
        for opening, partition, written in heads:
            key = (opening.session.id, partition)
            state = self._sessions[key] = _Archiving(opening, partition, len(self.tables), written)
            at = f"{opening.session.id}/{partition}"
            state.add(*(array_of(parts, f"{at}/{name}", dtype) for name, dtype in self.tables.items()))


class ArchiveStage(PartStage):
    """Keeps one record a flow."""

    name = "archive"
    inputs: tuple[str, ...] = ("closed",)
    tables: ClassVar[dict[str, Any]] = {"ends": FLOW, "closed": CLOSED}

    def __init__(self, archive: FlowArchive) -> None:
        super().__init__(archive)
        self._flows = archive

    def read(self, body: memoryview) -> tuple[Rows, ...]:
        """Flows that ended, and their statistics."""
        return codecs.decode_closed(body)

    def write(self, tables: list[Rows], session: Session, number: int) -> None:
        """Keep flows."""
        from ingest.community_id import community_ids

        ends, closed = tables
        self._flows.write(ends, closed, community_ids(ends), session, number)


class RecordStage(PartStage):
    """Keeps what applications said."""

    name = "record"
    inputs: tuple[str, ...] = ("said",)
    tables: ClassVar[dict[str, Any]] = {"events": EVENT}

    def __init__(self, archive: EventArchive) -> None:
        super().__init__(archive)
        self._events = archive

    def read(self, body: memoryview) -> tuple[Rows, ...]:
        """Events."""
        return (codecs.decode_rows(body, EVENT),)

    def write(self, tables: list[Rows], session: Session, number: int) -> None:
        """Keep events, each with the Community ID of its flow."""
        from ingest.community_id import community_ids

        [events] = tables
        ends = np.zeros(len(events), FLOW)
        for field in ("src_hi", "src_lo", "dst_hi", "dst_lo", "src_port", "dst_port", "proto"):
            ends[field] = events[field]
        mapped = (events["src_hi"] == 0) & (events["src_lo"] >> np.uint64(32) == np.uint64(0xFFFF))
        ends["version"] = np.where(mapped, 4, 6)
        self._events.write(events, community_ids(ends), session, number)
