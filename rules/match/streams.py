"""Rules on streams: windows of what became known of each direction of a connection, and which rules agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rules.match.compiled import STREAM, Compiled
from rules.match.gates.tables import Columns
from rules.match.inspect import Inspection
from rules.match.verify.kernels import YES

if TYPE_CHECKING:
    from rules.match.candidates import Agreement, Candidate, Packets

IN_STREAM = -3
#: Candidate.phase of what was found when a connection was over, apart from its last packet.
AFTER = 2

#: Bytes that are gathered before a stream is looked at, unless it ends or a message is complete before that.
LEAST = 2560
#: Bytes looked at again, so that what stands across a border is found.
BACK = 2560
#: Protocols whose messages give no reason to look before there is enough.
_SILENT = frozenset({"smb", "ftp", "ftp-data", "iec104"})


class Windows:
    """The stream windows of a scene. `streamed` says which packets' payloads went into a stream."""

    def __init__(self, packets: Packets) -> None:
        self._packets = packets
        scene = packets.scene
        self._chunks = scene.tables.chunks
        self.streamed = np.zeros(len(scene.packets), np.bool_)
        streamed = scene.tables.packet_streamed
        if len(streamed) == len(scene.packets):
            self.streamed = streamed & (scene.packets["proto"] == 6)
        self.keys: list[tuple[int, int, int]] = []  # flow, direction, frame at which the window is looked at
        self._late: list[bool] = []  # nobody acknowledged it: it is looked at when all is over
        self._spans: list[
            tuple[int, int, int, int]
        ] = []  # start, new from, end in the arena; stream offset of start
        self._arena: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._whole: dict[tuple[int, int], tuple[int, int]] = {}
        self._cut()

    def _cut(self) -> None:
        """Put each direction's pieces side by side and cut them into windows."""
        chunks = self._chunks
        if not len(chunks):
            return
        order = np.argsort(chunks["flow"].astype(np.int64) * 2 + chunks["direction"], kind="stable")
        rows = chunks[order]
        lengths = rows["length"].astype(np.int64)
        self._arena = _gathered(self._packets.scene.tables.chunk_arena, rows["at"], lengths)
        ends = np.cumsum(lengths)
        keys = rows["flow"].astype(np.int64) * 2 + rows["direction"]
        borders = np.flatnonzero(np.diff(keys)) + 1
        messages = self._messages()
        inline = self._packets.engine.inline
        tcp = (self._packets.scene.tables.flows["proto"] == 6) & (not inline)
        for first, last in zip([0, *borders.tolist()], [*borders.tolist(), len(rows)], strict=True):
            flow, direction = int(keys[first]) >> 1, int(keys[first]) & 1
            begin = int(ends[first] - lengths[first])
            self._whole[flow, direction] = (begin, int(ends[last - 1]))
            looked = begin
            for i in range(first, last):
                if rows["gap"][i]:
                    if i > first and int(ends[i] - lengths[i]) > looked:
                        self._window(
                            (flow, direction, int(rows["frame"][i])), begin, looked, int(ends[i] - lengths[i])
                        )
                    begin = looked = int(ends[i] - lengths[i])
                end = int(ends[i])
                frame = int(rows["frame"][i])
                if inline or end - looked >= LEAST or i == last - 1 or (flow, direction, frame) in messages:
                    self._window((flow, direction, frame), begin, looked, end)
                    self._late[-1] = bool(tcp[flow]) and frame == int(rows["arrived"][i])
                    looked = end

    def _window(self, key: tuple[int, int, int], begin: int, looked: int, end: int) -> None:
        start = max(begin, looked - BACK)
        self.keys.append(key)
        self._late.append(False)
        self._spans.append((start, looked, end, start - begin))

    def _messages(self) -> set[tuple[int, int, int]]:
        rows = self._packets.scene.tables.transactions
        silent = [i for i, name in enumerate(self._packets.scene.names.protocols) if name in _SILENT]
        rows = rows[~np.isin(rows["protocol"], silent)]
        flows = rows["flow"].tolist()
        return {(f, 0, n) for f, n in zip(flows, rows["request_frame"].tolist(), strict=True)} | {
            (f, 1, n) for f, n in zip(flows, rows["response_frame"].tolist(), strict=True)
        }

    def whole(self, flow: int, direction: int) -> bytes:
        """All that is known of a direction of a flow."""
        begin, end = self._whole.get((flow, direction), (0, 0))
        return self._arena[begin:end].tobytes()

    def match(self) -> list[Candidate]:
        """Rules on streams that agree with a window, as seen at the packet that made it known."""
        engine = self._packets.engine
        found: list[Candidate] = []
        if not self._spans:
            return found
        spans = np.array(self._spans, np.int64)
        rows = [self._packets.row_of(flow, direction, frame) for flow, direction, frame in self.keys]
        index = engine.payload
        buffers, literals = index.literals.scan(self._arena, spans[:, 0], spans[:, 2] - spans[:, 0])
        at = np.array(rows, np.int64)
        packets = self._packets
        items, orders = engine.gates.pass_pairs(
            buffers, literals, (index.first, index.rules),
            Columns(at, packets.direction, packets.was_established, self.streamed, packets.scene.available),
            packets.ends, streams=True,
        )  # fmt: skip
        loose = [self._loose(compiled, at) for compiled in engine.of(STREAM, literal=False)]
        items = np.concatenate([items, *(which for which, _ in loose)])
        orders = np.concatenate([orders, *(which for _, which in loose)])
        told = self._verified(spans[items], orders)
        left = np.flatnonzero(told)
        agreed: dict[int, Agreement] = {}
        for window, order, surely in zip(
            items[left].tolist(), orders[left].tolist(), (told[left] == YES).tolist(), strict=True
        ):
            compiled, row = engine.rules[order], rows[window]
            if order not in agreed:
                agreed[order] = self._packets.agree(compiled)
            if (
                agreed[order][row]
                and self._packets.slow(compiled.rule, row)
                and (surely or self._holds(compiled, window))
            ):
                phase = AFTER if self._late[window] else 0
                known = self.keys[window][2]
                found.append(self._packets.candidate(row, order, phase, IN_STREAM, known))
        return found

    def _verified(self, spans: NDArray[np.int64], orders: NDArray[np.int64]) -> NDArray[np.uint8]:
        """NO, YES or PERHAPS for windows and rules: of what is new by itself, then of what stands across."""
        engine = self._packets.engine
        programs = engine.payload_programs[orders]
        start, looked, end = spans[:, 0], spans[:, 1], spans[:, 2]
        told = engine.programs.verify(self._arena, looked, end - looked, programs)
        both = np.array([engine.rules[order].both for order in orders.tolist()], np.bool_)
        across = np.flatnonzero((start < looked) & ~both & (told != YES))
        again = engine.programs.verify(
            self._arena, start[across], end[across] - start[across], programs[across], None,
            looked[across] - start[across],
        )  # fmt: skip
        told[across] = np.where(again == YES, YES, np.maximum(told[across], again))
        return told

    def _loose(self, compiled: Compiled, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """Windows that a rule without a literal is looked for in."""
        agrees = np.zeros(len(self._packets.flow) + 1, np.bool_)
        agrees[self._packets.agreeing(compiled)] = True
        which = np.flatnonzero(agrees[rows])
        return which, np.full(len(which), compiled.order)

    def _holds(self, compiled: Compiled, window: int) -> bool:
        assert compiled.payload is not None
        start, looked, end, _ = self._spans[window]
        ops = compiled.payload.ops
        if Inspection().holds(ops, self._arena[looked:end].tobytes()):
            return True
        if start == looked or compiled.both:  # places in the payload count from where looking began
            return False
        # what stands across the border; what stood in the part looked at before was told then
        return Inspection().holds(ops, self._arena[start:end].tobytes()) and not Inspection().holds(
            ops, self._arena[start:looked].tobytes()
        )


def _gathered(
    arena: NDArray[np.uint8], at: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Pieces of an arena, one behind the other."""
    total = int(lengths.sum())
    starts = np.cumsum(lengths) - lengths
    return arena[np.repeat(at - starts, lengths) + np.arange(total)]
