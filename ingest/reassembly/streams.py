"""Streams by connection: packet batches in, pieces of streams in order out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.applicationsettings import ApplicationSettings
from citywall.rows import Rooms, copy, longer, take
from citywall.scratch import Scratch
from citywall.state import Parts, bytes_of
from ingest.reassembly import kernels
from ingest.reassembly.layout import (
    CONFIG,
    COUNTED,
    DEEP,
    META,
    META_AT,
    ODDITY,
    PAGE,
    PIECE,
    POLICIES,
    SEGMENT,
    SESSION,
    SIDE,
    URGENT,
)
from ingest.reassembly.numbers import Index

Rows = NDArray[np.void]
Bytes = NDArray[np.uint8]
# What one call may give at most before the rest of a batch is taken in another.
_MIN_ROWS = 1024
_MIN_BYTES = 1 << 18
# Bytes of a room for what is given, taken by the system as it is used.
_ROOM = 16 << 20


@dataclass(frozen=True)
class Batch:
    """What some packets brought.

    `pieces` (PIECE[n]), by flow and within one as they became known; `arena` holds their bytes, one behind
    the other. `ended`: SESSION rows of flows that are over. `odd`: ODDITY rows. `flow_of`, `direction_of`:
    of each packet the number of its flow (-1 for none), and its direction; `stood`: its connection stood
    before it; `streamed`: its bytes went into a stream.
    """

    pieces: Rows
    arena: Bytes
    ended: Rows
    odd: Rows
    flow_of: NDArray[np.int64]
    direction_of: NDArray[np.uint8]
    stood: NDArray[np.bool_]
    streamed: NDArray[np.bool_]


class Reassembler:
    """All connections of one source of packets.

    `joined`: arenas of batches lie one behind the other, as far as a room goes, until `new_room` is called.
    """

    def __init__(self, settings: ApplicationSettings, *, room: int = 1024, joined: bool = False) -> None:
        self._settings = settings
        self._joined = joined
        self._rooms = Rooms(_ROOM, np.dtype(np.uint8))
        self.new_room()
        memory = settings.memory_mib << 20
        given = [
            settings.midstream, settings.async_oneside, settings.inline, settings.depth_bytes,
            POLICIES.index(settings.policy), settings.max_streams, max(8, memory // 2 // PAGE),
            1 << 20, settings.checksums, memory // 2, URGENT.index(settings.urgent),
        ]  # fmt: skip
        self._config = np.zeros(len(CONFIG), np.int64)
        self._config[: len(given)] = given
        self._config[DEEP : DEEP + len(settings.deep_ports)] = settings.deep_ports
        self._meta = np.zeros(len(META), np.int64)
        for name in ("free_session", "oldest", "newest", "free_segment"):
            self._meta[META_AT[name]] = -1
        self._sessions: Rows = np.zeros(min(room, settings.max_streams), SESSION)
        self._sides: Rows = np.zeros(2 * len(self._sessions), SIDE)
        self._slots = np.full(_slots_for(len(self._sessions)), -1, np.int32)
        self._segments: Rows = np.zeros(64, SEGMENT)
        self._pages: Bytes = np.zeros(64 * PAGE, np.uint8)
        self._least_rows, self._least_bytes = _MIN_ROWS, _MIN_BYTES
        self._pieces: Rows = np.zeros(_MIN_ROWS, PIECE)
        self._arena: Bytes = np.empty(_MIN_BYTES, np.uint8)
        # What is held moves to these and back: memory that was touched once is dear to ask for again.
        self._other_pieces: Rows = np.zeros(_MIN_ROWS, PIECE)
        self._other_arena: Bytes = np.empty(_MIN_BYTES, np.uint8)
        # What one call tells of order, ends and oddities; it is copied out of these.
        self._taken = Scratch(np.int64), Scratch(SESSION), Scratch(ODDITY)

    def new_room(self) -> None:
        """What is given next may lie where what nobody looks at any more lay."""
        self._given: Bytes = np.zeros(0, np.uint8)
        self._used = 0

    @property
    def counts(self) -> dict[str, int]:
        """What was met so far, by name."""
        return {name: int(self._meta[META_AT[name]]) for name in COUNTED if self._meta[META_AT[name]]}

    @property
    def flows(self) -> int:
        """Flows begun so far: the next one's number."""
        return int(self._meta[META_AT["number"]])

    @property
    def sessions(self) -> Rows:
        """SESSION rows by slot, of flows that have not ended; to be read."""
        return self._sessions

    def session(self, slot: int) -> Rows:
        """The SESSION row in a slot (of a piece just given whose flow has not ended)."""
        return self._sessions[slot : slot + 1]

    def rows_of(self, numbers: NDArray[np.int64]) -> Rows:
        """The SESSION rows of those of some flows that have not ended: each once, in order of numbers."""
        sessions = self._sessions[: int(self._meta[META_AT["sessions"]])]
        live = np.flatnonzero(sessions["used"])
        known = sessions["number"][live]
        at = Index(known).of(numbers)
        mine = np.zeros(len(live), np.bool_)
        mine[at[at >= 0]] = True
        return take(sessions, live[mine][np.argsort(known[mine])])

    def mute(
        self, slots: NDArray[np.int64], numbers: NDArray[np.int64], directions: tuple[int, ...] = (0, 1)
    ) -> None:
        """Give no more of directions of the flows in some slots, where these are still theirs."""
        sessions = self._sessions
        mine = slots[(sessions["used"][slots] > 0) & (sessions["number"][slots] == numbers)]
        for direction in directions:
            self._sides["mute"][2 * mine + direction] = 1

    def add(self, packets: Rows, frames: int | NDArray[np.int64], buffer: Bytes) -> Iterator[Batch]:
        """Take decoded packets (PACKET[n]). Their bytes are in `buffer`.

        `frames` is the frame of the first, or of each (i8[n]).

        `flow_of` and `direction_of` of the batches are for the packets each took, in order.
        """
        view = buffer.view()
        view.flags.writeable = False
        if isinstance(frames, int):
            frames = np.arange(frames, frames + len(packets))
        at = 0
        while at < len(packets):
            at_before = at
            order, ended, odd = self._outputs(len(packets) - at)
            flow_of = np.empty(len(packets), np.int64)
            direction_of = np.empty(len(packets), np.uint8)
            at, why = kernels.track(
                view, packets, at, frames, self._sessions, self._sides, self._slots, self._segments,
                self._pages, self._pieces, self._arena, order, ended, odd, flow_of, direction_of,
                self._config, self._meta,
            )  # fmt: skip
            yield self._batch(order, ended, odd, flow_of[at_before:at], direction_of[at_before:at])
            if why == kernels.MORE_SESSIONS:
                self._grow_sessions()
            elif why == kernels.MORE_SEGMENTS:
                self._grow_segments()
            elif why == kernels.MORE_ROOM and at == at_before:
                self._widen()

    def end(self) -> Iterator[Batch]:
        """The input is over: every flow ends, what was held is given."""
        while self._meta[META_AT["live"]]:
            live = int(self._meta[META_AT["live"]])
            order, ended, odd = self._outputs(0)
            left = kernels.end_all(
                self._sessions,
                self._sides,
                self._slots,
                self._segments,
                self._pieces,
                order,
                ended,
                self._meta,
            )
            yield self._batch(order, ended, odd, np.zeros(0, np.int64), np.zeros(0, np.uint8))
            if left == live:
                self._widen()

    def _outputs(self, packets: int) -> tuple[NDArray[np.int64], Rows, Rows]:
        held = int(self._meta[META_AT["pieces"]])
        rows = max(self._least_rows, 2 * held, min(4 * packets, 1 << 16) + held)
        if len(self._pieces) < rows:
            self._pieces = longer(self._pieces, rows)
        size = max(self._least_bytes, 2 * int(self._meta[META_AT["arena"]]), min(1600 * packets, 16 << 20))
        if len(self._arena) < size:
            self._arena = longer(self._arena, size)
        order, ended, odd = (room.take(len(self._pieces)) for room in self._taken)
        return order, ended, odd

    def _batch(
        self,
        order: NDArray[np.int64],
        ended: Rows,
        odd: Rows,
        flow_of: NDArray[np.int64],
        direction_of: NDArray[np.uint8],
    ) -> Batch:
        meta = self._meta
        order = order[: meta[META_AT["order"]]]
        order = order[np.argsort(self._pieces["number"][order], kind="stable")]
        arena = self._place(int(self._pieces["length"][order].sum()))
        ended, odd = copy(ended[: meta[META_AT["ended"]]]), copy(odd[: meta[META_AT["odd"]]])
        kernels.gather(self._pieces, order, self._arena, arena)
        given = take(self._pieces, order)
        held = int(meta[META_AT["held"]])
        kept, kept_arena = self._other_pieces, self._other_arena
        if len(kept) <= (left := int(meta[META_AT["pieces"]]) - len(order)):
            kept = np.zeros(2 * left, PIECE)
        if len(kept_arena) < held:
            kept_arena = np.empty(2 * held, np.uint8)
        n, size = kernels.keep_held(
            int(meta[META_AT["pieces"]]), self._sides, self._pieces, self._arena, kept, kept_arena
        )
        self._other_pieces, self._other_arena = self._pieces, self._arena
        self._pieces, self._arena = kept, kept_arena
        meta[META_AT["pieces"]], meta[META_AT["arena"]] = n, size
        for name in ("order", "ended", "odd"):
            meta[META_AT[name]] = 0
        return Batch(
            given, arena, ended, odd, flow_of, direction_of & np.uint8(kernels.DIRECTION),
            direction_of & kernels.STOOD > 0, direction_of & kernels.STREAMED > 0,
        )  # fmt: skip

    def _place(self, size: int) -> Bytes:
        """Where the bytes of a batch go."""
        if not self._joined or size > _ROOM:
            return np.empty(size, np.uint8)
        if size > len(self._given) - self._used:
            self.new_room()
            self._given = self._rooms.take().view(np.uint8)
        self._used += size
        return self._given[self._used - size : self._used]

    def _grow_sessions(self) -> None:
        size = min(2 * len(self._sessions), self._settings.max_streams + 1)
        self._sessions = longer(self._sessions, size)
        self._sides = longer(self._sides, 2 * size)
        self._fill_slots()

    def _fill_slots(self) -> None:
        self._slots = np.full(_slots_for(len(self._sessions)), -1, np.int32)
        kernels.fill_slots(self._sessions, int(self._meta[META_AT["sessions"]]), self._slots)

    def _grow_segments(self) -> None:
        size = min(2 * len(self._segments), int(self._config[6]))
        self._segments = longer(self._segments, size)
        self._pages = longer(self._pages, size * PAGE)

    def _widen(self) -> None:
        """One packet sets more free than there is room for: more, from now on."""
        self._least_rows = 2 * max(self._least_rows, len(self._pieces))
        self._least_bytes = 2 * max(self._least_bytes, len(self._arena))

    def snapshot(self) -> Parts:
        """Everything that is known."""
        meta = self._meta
        sessions, segments = int(meta[META_AT["sessions"]]), int(meta[META_AT["segments"]])
        pieces, size = int(meta[META_AT["pieces"]]), int(meta[META_AT["arena"]])
        return {
            "meta": meta.tobytes(),
            "sessions": self._sessions[:sessions].tobytes(),
            "sides": self._sides[: 2 * sessions].tobytes(),
            "segments": self._segments[:segments].tobytes(),
            "pages": self._pages[: segments * PAGE].tobytes(),
            "pieces": self._pieces[:pieces].tobytes(),
            "arena": self._arena[:size].tobytes(),
        }

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        self._meta = np.frombuffer(bytes_of(parts, "meta"), np.int64).copy()
        room = len(self._sessions)
        self._sessions = _read(parts, "sessions", SESSION, room)
        self._sides = _read(parts, "sides", SIDE, 2 * len(self._sessions))
        self._segments = _read(parts, "segments", SEGMENT, 64)
        self._pages = _read(parts, "pages", np.dtype(np.uint8), len(self._segments) * PAGE)
        self._pieces = _read(parts, "pieces", PIECE, _MIN_ROWS)
        self._arena = _read(parts, "arena", np.dtype(np.uint8), _MIN_BYTES)
        self._fill_slots()


def _slots_for(sessions: int) -> int:
    return 1 << (2 * sessions).bit_length()


def _read(parts: Parts, name: str, dtype: np.dtype[Any], least: int) -> NDArray[Any]:
    rows = np.frombuffer(bytes_of(parts, name), dtype)
    return longer(rows, max(len(rows), least))
