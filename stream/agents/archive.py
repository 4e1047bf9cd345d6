"""`archive`: closed flows in, into Parquet files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import CLOSED, FLOW
from citywall.rows import fill, join
from citywall.sessions import LIVE, Session
from citywall.state import Parts, array_of, bytes_of
from stream import codecs
from stream.codecs import Kind, Opening, Tally
from stream.patience import patiently
from stream.stages import FINISHED, Message, Output

if TYPE_CHECKING:
    from alerts.archive import FlowArchive

Rows = NDArray[np.void]
#: Flows of one file. Cut here whatever the batches, so that a replay writes the same files.
PART_ROWS = 32_768


_Key = tuple[str, int]  # session, partition of its producer


class _Archiving:
    """One producer's part of a session: parts written so far, and rows of the next."""

    def __init__(self, opening: Opening, partition: int, parts: int = 0) -> None:
        self.opening = opening
        self.session: Session = opening.session
        self.partition = partition
        self.parts = parts
        self.ends: list[Rows] = []
        self.closed: list[Rows] = []
        self.waiting = 0

    def add(self, ends: Rows, closed: Rows) -> None:
        """Take aligned rows."""
        self.ends.append(ends)
        self.closed.append(closed)
        self.waiting += len(ends)


def _received(session: Session, ends: Rows) -> Session:
    """The session as of when these flows were received: live traffic's times are that."""
    if session.kind != LIVE:
        return session
    return msgspec.structs.replace(session, received_at=max(session.received_at, int(ends["time"][0])))


class ArchiveStage:
    """Keeps one record a flow."""

    name = "archive"
    inputs: tuple[str, ...] = ("closed",)
    outputs: tuple[str, ...] = ()

    def __init__(self, archive: FlowArchive) -> None:
        self._archive = archive
        self.totals: dict[str, int] = {}
        self._sessions: dict[_Key, _Archiving] = {}
        self._left: dict[str, int] = {}  # producers that have not ended, by session
        self._room: tuple[Rows, Rows] | None = None  # where one part after the other is put together

    def receive(self, message: Message) -> Iterable[Output]:
        """Open a session (what an earlier run of it left goes), hold flows, or write the last of them."""
        session, partition = message.header.session, message.header.partition
        if message.header.kind is Kind.OPEN:
            opening = codecs.unpack(message.body, Opening)
            self._sessions[session, partition] = _Archiving(opening, partition)
            if session not in self._left:
                self._left[session] = opening.partitions
                patiently(self._archive.delete_session, session)
        elif message.header.kind is Kind.DATA:
            ends, closed = codecs.decode_closed(message.body)
            self._sessions[session, partition].add(ends[message.skip :], closed[message.skip :])
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
        from ingest.community_id import community_ids

        if self._room is None:
            self._room = np.empty(PART_ROWS, FLOW), np.empty(PART_ROWS, CLOSED)
        while state.waiting >= least:
            ends, state.ends = fill(self._room[0], state.ends)
            closed, state.closed = fill(self._room[1], state.closed)
            state.waiting -= len(ends)
            names = community_ids(ends)
            number = state.parts * state.opening.partitions + state.partition
            session = _received(state.session, ends)
            patiently(self._archive.write, ends, closed, names, session, number)
            state.parts += 1

    def snapshot(self) -> Parts:
        """Rows that are not in a file yet."""
        heads = [(s.opening, s.partition, s.parts) for s in self._sessions.values()]
        parts: Parts = {"sessions": codecs.pack(heads), "left": codecs.pack(self._left)}
        for (session, partition), state in self._sessions.items():
            parts[f"{session}/{partition}/ends"] = join(state.ends, FLOW)
            parts[f"{session}/{partition}/closed"] = join(state.closed, CLOSED)
        return parts

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        heads = codecs.unpack(bytes_of(parts, "sessions"), list[tuple[Opening, int, int]])
        self._left = codecs.unpack(bytes_of(parts, "left"), dict[str, int])
        for opening, partition, written in heads:
            key = (opening.session.id, partition)
            state = self._sessions[key] = _Archiving(opening, partition, written)
            name = f"{opening.session.id}/{partition}"
            state.add(array_of(parts, f"{name}/ends", FLOW), array_of(parts, f"{name}/closed", CLOSED))
