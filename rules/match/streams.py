"""Rules on streams: windows of what became known of each direction of a connection, and which rules agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall import rows as structured
from rules.match import kernels, protocols
from rules.match.agreement import conditions_of
from rules.match.columns.kernels import TAIL_AT, TAIL_LOOKED, TAIL_OFFSET, TAIL_SIZE
from rules.match.compiled import STREAM, TRANSACTION, Compiled, without_application
from rules.match.found import IN_STREAM, Numbers, by_rule, columns
from rules.match.gates.tables import Columns
from rules.match.inspect import Inspection
from rules.match.interest import SILENT
from rules.match.literals import BEHIND
from rules.match.tails import of_flows
from rules.match.verify.kernels import YES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from citywall.scratch import Scratch
    from rules.match.candidates import Packets
    from rules.match.literals import Literals

#: Candidate.phase of what was found when a connection was over, apart from its last packet.
AFTER = 2

#: Bytes that are gathered before a stream is looked at, unless it ends or a message is complete before that.
LEAST = 2560
#: Bytes looked at again, so that what stands across a border is found.
BACK = 2560


class _Parts(NamedTuple):
    """What became known of streams in a scene, as it came: pieces one behind the other in the arena."""

    begins: Numbers
    lengths: Numbers
    sides: Numbers
    arrived: Numbers
    looked: NDArray[np.bool_]  # they are in windows


_NONE = np.zeros(0, np.int64)
_NO_PARTS = _Parts(_NONE, _NONE, _NONE, _NONE, np.zeros(0, np.bool_))


class Windows:
    """The stream windows of a scene. `streamed` says which packets' payloads went into a stream."""

    def __init__(self, packets: Packets) -> None:
        self._packets = packets
        scene = packets.scene
        self.streamed = (scene.packets["proto"] == 6) & (packets.flow >= 0)
        self.streamed[: scene.carried] = False
        self.streamed[scene.carried :] &= scene.tables.packet_streamed
        self._spans = np.zeros((0, 6), np.int64)  # see kernels.cut
        self._first = np.zeros(0, np.bool_)  # of its stream
        self._late = np.zeros(0, np.bool_)  # nobody acknowledged it: it is looked at when all is over
        self._arena: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._flow = self._direction = np.zeros(0, np.int64)
        self._spoken: dict[frozenset[str], NDArray[np.bool_]] = {}
        self._parts = _NO_PARTS
        self._marks = np.zeros(0, np.uint8)  # of parts
        self._aimed: list[tuple[Numbers, Numbers]] = []
        self._cut()

    def _cut(self) -> None:
        """Put the pieces of each direction behind what was kept of it, and cut that into windows."""
        scene, carry = self._packets.scene, self._packets.engine.carry
        chunks, flows = scene.tables.chunks, scene.tables.flows
        of_flow = chunks["flow"].astype(np.int64)
        mine = np.flatnonzero(flows["proto"][of_flow] == 6)  # datagrams are looked at as packets
        side = of_flow[mine] * 2 + chunks["direction"][mine]
        stops = carry.stops(scene)
        over = (flows["ended"] != 0) | (stops > 0).any(axis=1)
        kept = of_flows(carry.flows, carry.at)
        there = np.repeat(over, 2) & (kept[:, TAIL_SIZE] > 0)
        there[side] = True
        sides = np.flatnonzero(there)
        if not len(sides):
            return
        self._flow, self._direction = sides >> 1, sides & 1
        places, sizes, looked, offsets = (
            kept[sides, number] for number in (TAIL_AT, TAIL_SIZE, TAIL_LOOKED, TAIL_OFFSET)
        )
        order = np.argsort(side, kind="stable")
        rows = structured.take(chunks, mine[order])
        first = np.searchsorted(side[order], np.append(sides, sides[-1] + 1)).astype(np.int64)
        lengths = rows["length"].astype(np.int64)
        self._arena = _gathered(
            carry.windows, carry.tails.room, places, sizes, scene.tables.chunk_arena,
            rows["at"].astype(np.int64), lengths, first,
        )  # fmt: skip
        ended = flows["ended"][self._flow]
        final = np.where(ended < 0, flows["last_frame"][self._flow], ended).astype(np.int64)
        frames = rows["frame"].astype(np.int64)
        message = self._messages(sides, first, frames)
        most = 2 * len(rows) + len(sides)
        windows, which = np.empty((most, 6), np.int64), np.empty(most, np.int64)
        left = np.empty((len(sides), 4), np.int64)
        told = kernels.cut(
            first, sizes, looked, offsets, stops[self._flow, self._direction], final, lengths,
            rows["gap"].astype(np.int64), frames, message,
            1 if self._packets.engine.inline else LEAST, BACK, windows, which, left,
        )  # fmt: skip
        self._spans, which = windows[:told], which[:told]
        pieces = np.repeat(np.arange(len(sides)), np.diff(first))
        begins = np.cumsum(lengths) - lengths + np.cumsum(sizes)[pieces]
        upto = np.zeros(len(sides), np.int64)
        upto[which] = self._spans[:, 2]
        self._parts = _Parts(
            begins, lengths, sides[pieces], rows["arrived"].astype(np.int64), begins + lengths <= upto[pieces]
        )
        self._first = np.append(True, which[1:] != which[:-1])[:told]
        self._flow, self._direction = self._flow[which], self._direction[which]
        piece = self._spans[:, 5]
        arrived = np.append(rows["arrived"], 0)[np.maximum(piece, 0)]
        alone = (piece == -1) | ((piece >= 0) & (arrived == self._spans[:, 4]))
        self._late = alone & (flows["proto"][self._flow] == 6) & (not self._packets.engine.inline)
        left[final != 0, 1] = left[final != 0, 0]  # of what is over nothing is kept
        carry.tails.keep(carry.flows, carry.at, sides, left, self._arena)

    def whole(self, flow: int, direction: int) -> bytes:
        """All that became known of a direction of a flow in this scene."""
        tables = self._packets.scene.tables
        rows = tables.chunks[(tables.chunks["flow"] == flow) & (tables.chunks["direction"] == direction)]
        return b"".join(
            tables.chunk_arena[at : at + length].tobytes()
            for at, length in zip(rows["at"].tolist(), rows["length"].tolist(), strict=True)
        )

    def _messages(self, sides: Numbers, first: Numbers, frames: Numbers) -> NDArray[np.bool_]:
        """Which pieces completed a message; those of stream g, the side `sides[g]`, begin at `first[g]`."""
        found = np.zeros(len(frames), np.bool_)
        table = self._packets.scene.tables.transactions
        silent = np.array([name in SILENT for name in self._packets.scene.names.protocols])
        flow = table["flow"].astype(np.int64)
        for d, name in enumerate(("request", "response")):
            at, ends = np.searchsorted(sides, flow * 2 + d), table[f"{name}_frame"].astype(np.int64)
            there = (ends > 0) & (at < len(sides)) & ~silent[table["protocol"]]
            there[there] = sides[at[there]] == flow[there] * 2 + d
            kernels.messages(first, frames, at[there], ends[there], found)
        return found

    def look(self) -> None:
        """Look for literals in all windows."""
        self._marks = np.zeros(len(self._parts.begins), np.uint8)
        self._aimed = [
            self._literals(index.literals, np.flatnonzero(self._direction == direction))
            for direction, index in enumerate(self._packets.engine.in_streams)
        ]

    def covered(self) -> NDArray[np.bool_]:
        """Packets whose whole payload is in windows and has nothing that packets are looked through for."""
        packets, parts, scene = self._packets, self._parts, self._packets.scene
        found = np.zeros(len(packets.flow), np.bool_)
        kernels.covered(
            scene.view, packets.payload_at, scene.available, scene.frames, packets.flow, packets.direction,
            scene.carried, self._arena, *parts, self._marks, found,
        )  # fmt: skip
        return found

    def match(self) -> Iterator[Numbers]:
        """Rules on streams that agree with a window, as seen at the packet that made it known."""
        engine, packets, spans = self._packets.engine, self._packets, self._spans
        if not len(spans):
            return
        at = packets.rows_of(self._flow, self._direction, spans[:, 4])
        columns_ = Columns(
            at, packets.direction, packets.was_established, self.streamed, packets.scene.available
        )
        aimed = [
            engine.gates.pass_pairs(*found, (index.first, index.rules), columns_, packets.ends, streams=True)
            for found, index in zip(self._aimed, engine.in_streams, strict=True)
        ]
        items, orders = (np.concatenate([pair[i] for pair in aimed]) for i in (0, 1))
        in_order = np.argsort(items, kind="stable")
        loose = list(self._loose(at))
        items = np.concatenate([items[in_order], *(which for which, _ in loose)])
        orders = np.concatenate([orders[in_order], *(which for _, which in loose)])
        told = self._verified(spans[items], orders)
        left = np.flatnonzero(told)
        items, orders, told = items[left], orders[left], told[left]
        for order, places in by_rule(orders):
            compiled = engine.rules[order]
            some = places[self._agree(compiled, at, items[places])]
            mine, surely = items[some], told[some] == YES
            if compiled.kind == TRANSACTION:  # its payload part
                self._met(compiled, mine, surely)
                continue
            mine = mine[self._sure(compiled, at, mine, surely)]
            phase = np.where(self._late[mine], AFTER, 0)
            yield columns(packets.scene, at[mine], order, phase, IN_STREAM, spans[mine, 4])

    def _agree(self, compiled: Compiled, at: Numbers, windows: Numbers) -> NDArray[np.bool_]:
        """Which of some windows flow, header fields and application protocol agree with.

        What makes bytes known makes known what they speak: the protocol is asked for when a window became
        known, and not at the packet that it is told of, which came before.
        """
        found = self._packets.rest(without_application(compiled), at[windows])
        if compiled.applications:
            found = found & self._speaks(compiled.applications)[windows]
        return found

    def _speaks(self, names: frozenset[str]) -> NDArray[np.bool_]:
        """Windows of flows that were known to speak one of some protocols when they became known."""
        if names not in self._spoken:
            scene, then = self._packets.scene, self._spans[:, 4]
            said = protocols.spoken(scene, self._flow, self._direction, "final", then)
            self._spoken[names] = protocols.among(scene, said, names)[0]
        return self._spoken[names]

    def _sure(self, compiled: Compiled, at: Numbers, windows: Numbers, surely: NDArray[np.bool_]) -> Any:
        """Which windows, of those whose compiled contents may agree, agree in all that is left."""
        slow = self._packets.is_slow(compiled.rule)
        if not slow and surely.all():
            return surely
        return np.array(
            [
                (not slow or self._packets.slow(compiled.rule, int(at[window])))
                and (sure or self._holds(compiled, window))
                for window, sure in zip(windows.tolist(), surely.tolist(), strict=True)
            ],
            np.bool_,
        )

    def _met(self, compiled: Compiled, windows: Numbers, surely: NDArray[np.bool_]) -> None:
        for window, sure in zip(windows.tolist(), surely.tolist(), strict=True):
            if sure or self._holds(compiled, window):
                flow, direction = int(self._flow[window]), int(self._direction[window])
                self._packets.met(flow, direction, compiled.order, int(self._spans[window, 4]))

    def _literals(self, literals: Literals, which: Numbers) -> tuple[Numbers, Numbers]:
        """(window, literal) of literals that may be in some windows (all of some streams), in order.

        What a window looks at again was new in windows before it, or, before the first ones, is scanned once:
        so no byte is scanned twice, but those that a literal may begin in and end behind.
        """
        if not len(which) or not literals.count:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        start, looked, end = (self._spans[which, i] for i in range(3))
        tails = np.flatnonzero(self._first[which] & (start < looked))  # scanned before the window itself
        begins = np.insert(np.maximum(start, looked - literals.longest + 1), tails, start[tails])
        ends = np.insert(end, tails, looked[tails])
        own = np.flatnonzero(np.insert(np.ones(len(end), np.bool_), tails, values=False))
        items, found = literals.scan(self._arena, begins, ends - begins, (self._parts.begins, self._marks))
        since = np.minimum(
            np.searchsorted(ends, start, "right"), own
        )  # what ends where a window looks, or behind
        first, last = np.searchsorted(items, since), np.searchsorted(items, own, "right")
        room = np.empty(max(1 << 12, int((last - first).max(initial=0))), np.int64)
        seen = np.full(literals.count, -1, np.int64)
        pairs = [np.zeros(0, np.int64)]
        at = 0
        while at < len(own):
            told, at = kernels.spread(first, last, found, seen, at, room)
            pairs.append(room[:told].copy())
        every = np.concatenate(pairs)
        return which[every >> 32], every & 0xFFFFFFFF

    def _verified(self, spans: NDArray[np.int64], orders: NDArray[np.int64]) -> NDArray[np.uint8]:
        """NO, YES or PERHAPS for windows and rules: of what is new by itself, then of what stands across."""
        engine = self._packets.engine
        programs = engine.payload_programs[orders]
        start, looked, end = spans[:, 0], spans[:, 1], spans[:, 2]
        told = engine.programs.verify(self._arena, looked, end - looked, programs)
        across = np.flatnonzero((start < looked) & ~engine.both[orders] & (told != YES))
        again = engine.programs.verify(
            self._arena, start[across], end[across] - start[across], programs[across], None,
            looked[across] - start[across],
        )  # fmt: skip
        told[across] = np.where(again == YES, YES, np.maximum(told[across], again))
        return told

    def _loose(self, at: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
        """(window, rule) for rules without a literal, by the windows that each is looked for in."""
        engine, packets = self._packets.engine, self._packets
        there = np.flatnonzero(at >= 0)
        alike: dict[tuple[object, ...], Numbers] = {}
        for compiled in (*engine.of(STREAM, literal=False), *engine.unaimed):
            key = conditions_of(compiled)
            if key not in alike:
                alike[key] = there[self._agree(compiled, at, there)]
            which = alike[key]
            which = which[engine.gates.agree_with(compiled.head, at[which], packets.ends)]
            yield which, np.full(len(which), compiled.order)

    def _holds(self, compiled: Compiled, window: int) -> bool:
        assert compiled.payload is not None
        start, looked, end = self._spans[window, :3].tolist()
        ops = compiled.payload.ops
        if Inspection().holds(ops, self._arena[looked:end].tobytes()):
            return True
        if start == looked or compiled.both:  # places in the payload count from where looking began
            return False
        # what stands across the border; what stood in the part looked at before was told then
        return Inspection().holds(ops, self._arena[start:end].tobytes()) and not Inspection().holds(
            ops, self._arena[start:looked].tobytes()
        )


def _gathered(  # noqa: PLR0917  (columns)
    room: Scratch, tails: NDArray[np.uint8], places: Numbers, sizes: Numbers, arena: NDArray[np.uint8],
    at: Numbers, lengths: Numbers, first: Numbers,
) -> NDArray[np.uint8]:  # fmt: skip
    """Of each stream its tail and its pieces, one behind the other."""
    out = room.take(int(sizes.sum() + lengths.sum()) + BEHIND)
    kernels.gather(tails, places, sizes, arena, at, lengths, first, out)
    out[-BEHIND:] = 0
    return out
