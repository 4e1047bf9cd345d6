"""What is kept of live flows from scene to scene, so that each is matched as if it were all there is."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.batches import FIN, PACKET, RST
from rules.match import kernels
from rules.match.scene import Names, Rows, Scene, Tables

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]
#: Bytes of a packet that are kept, from its link header on: enough for every header.
KEPT = 128
#: One live flow: what is known of it, and of its last packet in each direction.
FLOW = np.dtype(
    [
        ("number", "i8"),
        ("known", "u1"),  # bit d: packets of direction d were seen
        (
            "stop",
            "i8",
            (2,),
        ),  # frame at which its sender said that it stops, or the connection was reset; 0: not
        ("decided", "u1"),  # bit d: rules about the protocol of side d were looked at
        ("frame", "i8", (2,)),  # 0: none
        ("mark", "u1", (2,)),
        ("left", "i8", (2,)),
        ("place", "i8", (2,)),
        ("first", "i8"),  # time of its first packet
        ("pkts", "i8", (2,)),
        ("bytes", "i8", (2,)),
        ("base", "i8", (2,)),  # first sequence number seen
        ("top", "i8", (2,)),  # how far from it the furthest byte was
        ("row", PACKET, (2,)),
        ("head", "u1", (2, KEPT)),
    ]
)


_FAR = np.int64(1) << 62


class Tail(NamedTuple):
    """The end of a stream that is to be looked at again: bytes, how many were looked at, its offset."""

    data: bytes
    looked: int
    offset: int


@dataclass
class Carry:
    """Live flows in order of their numbers, and by number what rules found of each."""

    most_tails: int = 128 << 20  # bytes
    flows: Rows = field(default_factory=lambda: np.zeros(0, FLOW))
    tails: OrderedDict[int, Tail] = field(default_factory=OrderedDict)  # by 2 * number + direction
    tail_bytes: int = 0
    forgotten: int = 0  # tails dropped for want of room
    told: dict[int, set[tuple[int, int, int]]] = field(default_factory=dict)  # transaction, rule, direction
    facts: dict[int, dict[tuple[int, int], int]] = field(default_factory=dict)  # direction, rule: frame

    def scene(  # noqa: PLR0917  (what a scene is made of)
        self, packets: Rows, frames: Numbers, places: Numbers, buffer: Bytes, tables: Tables, names: Names,
        *, last: bool,
    ) -> Scene:  # fmt: skip
        """Packets with the last ones of the flows that the tables speak of before them."""
        at = self._join(tables.flows["number"].astype(np.int64))
        known = self.flows[at]
        which, side = np.nonzero(known["frame"])
        order = np.argsort(known["frame"][which, side], kind="stable")
        which, side = which[order], side[order]
        rows = known["row"][which, side]
        rows["offset"] = len(buffer) + KEPT * np.arange(len(rows))
        rows["captured"] = np.minimum(rows["captured"], KEPT)
        kept = known["head"][which, side].reshape(-1)
        scene = Scene(
            np.concatenate([rows, packets]),
            _read_only(np.concatenate([buffer, kept, np.zeros(4, np.uint8)])), tables, names,
            frames=np.concatenate([known["frame"][which, side], frames]), carried=len(rows),
            places=np.concatenate([known["place"][which, side], places]), last=last,
        )  # fmt: skip
        left = scene.available
        scene.left = np.concatenate([known["left"][which, side], left[len(rows) :]])
        del scene.available
        scene.flow = np.concatenate([which, np.asarray(tables.packet_flow, np.int64)])
        scene.side = np.concatenate([side, np.asarray(tables.packet_direction, np.int64)])
        scene.past = known
        self.at = at
        return scene

    def adopt(self, scene: Scene) -> None:
        """Take over a scene that another carry has made."""
        self.at = self._join(scene.numbers)

    def _join(self, numbers: Numbers) -> Numbers:
        """Where flows of numbers in order are kept; new ones are added."""
        new = numbers[~np.isin(numbers, self.flows["number"])]
        if len(new):
            more = np.zeros(len(new), FLOW)
            more["number"] = new
            self.flows = np.concatenate([self.flows, more])
            if len(self.flows) > len(new) and new[0] < self.flows["number"][-len(new) - 1]:
                self.flows = self.flows[np.argsort(self.flows["number"], kind="stable")]
        return np.searchsorted(self.flows["number"], numbers)

    def marks(self, scene: Scene) -> NDArray[np.uint8]:
        """For each packet 1 where its connection stood before it, and 2 where it is the first its way."""
        self._stopped(scene)
        known = np.ascontiguousarray(self.flows["known"][self.at])
        which, side = scene.flow[: scene.carried], scene.side[: scene.carried]
        stood = self.flows["mark"][self.at[which], side] & 1
        marks = np.concatenate([stood, scene.tables.packet_stood.astype(np.uint8)])
        fresh = slice(scene.carried, None)
        kernels.firsts(scene.flow[fresh], scene.side[fresh], known, marks[fresh])
        self.flows["known"][self.at] = known
        return marks

    def _stopped(self, scene: Scene) -> None:
        """Remember which directions have stopped."""
        flags = scene.packets["flags"]
        rows = np.flatnonzero(
            (flags & (FIN | RST) > 0) & (scene.packets["proto"] == 6) & (scene.flow >= 0)
            & (np.arange(len(flags)) >= scene.carried)
        )  # fmt: skip
        stop = self.flows["stop"][self.at]
        for row in rows.tolist():
            flow, side = int(scene.flow[row]), int(scene.side[row])
            for d in (0, 1) if flags[row] & RST else (side,):
                if not stop[flow, d]:
                    stop[flow, d] = scene.frames[row]
        self.flows["stop"][self.at] = stop

    def stops(self, scene: Scene) -> Numbers:
        """By flow of a scene and direction the frame at which it stopped; 0: it did not."""
        assert len(self.at) == len(scene.tables.flows)
        found: Numbers = self.flows["stop"][self.at]
        return found

    def keep(self, scene: Scene, marks: NDArray[np.uint8]) -> None:
        """Remember the last packets of the flows of a scene that has been matched; let go what is over."""
        rows = np.flatnonzero((scene.flow >= 0) & (np.arange(len(scene.flow)) >= scene.carried))
        self._grow(scene, rows)
        of = self.at[scene.flow[rows]], scene.side[rows]
        np.add.at(self.flows["pkts"], of, 1)
        np.add.at(self.flows["bytes"], of, scene.packets["wire"][rows].astype(np.int64))
        began = np.full(len(self.flows), _FAR)
        np.minimum.at(began, of[0], rows)
        new = np.flatnonzero((began < _FAR) & (self.flows["first"] == 0))
        self.flows["first"][new] = scene.packets["time"][began[new]]
        key = scene.flow[rows] * 2 + scene.side[rows]
        _, from_end = np.unique(key[::-1], return_index=True)
        last = rows[len(rows) - 1 - from_end]
        at, side = self.at[scene.flow[last]], scene.side[last]
        flows = self.flows
        flows["frame"][at, side], flows["mark"][at, side] = scene.frames[last], marks[last]
        flows["left"][at, side] = scene.available[last]
        flows["place"][at, side] = (scene.packets["offset"] if scene.places is None else scene.places)[last]
        flows["row"][at, side] = scene.packets[last]
        places = scene.packets["offset"][last].astype(np.int64)[:, None] + np.arange(KEPT)
        flows["head"][at, side] = scene.buffer[np.minimum(places, len(scene.buffer) - 1)]
        over = scene.numbers[scene.tables.flows["ended"] != 0]
        if len(over):
            self.flows = flows[~np.isin(flows["number"], over)]
            for number in over.tolist():
                self.told.pop(number, None)
                self.facts.pop(number, None)
                for direction in (0, 1):
                    if (tail := self.tails.pop(2 * number + direction, None)) is not None:
                        self.tail_bytes -= len(tail.data)

    def _grow(self, scene: Scene, rows: Numbers) -> None:
        """How much each direction has grown, by sequence numbers."""
        rows = rows[scene.packets["proto"][rows] == 6]
        if not len(rows):
            return
        at, side, ends, base = self.grown(scene, rows)
        np.maximum.at(self.flows["top"], (at, side), ends)
        self.flows["base"][at, side] = base

    def grown(self, scene: Scene, rows: Numbers) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Of packets their flow's place and direction, how far they reach, and from where that counts."""
        at, side = self.at[scene.flow[rows]], scene.side[rows]
        seq, _ = scene.values("tcp.seq")
        key = at * 2 + side
        _, first, of = np.unique(key, return_index=True, return_inverse=True)
        base = np.where(self.flows["frame"][at, side] > 0, self.flows["base"][at, side], seq[rows[first]][of])
        syn = scene.packets["flags"][rows] & 2 > 0
        return at, side, seq[rows] + scene.packets["payload"][rows] + syn - base, base

    def keep_tail(self, key: int, tail: Tail | None) -> None:
        """Keep the end of a stream; what was kept of it before goes."""
        old = self.tails.pop(key, None)
        self.tail_bytes += (len(tail.data) if tail else 0) - (len(old.data) if old else 0)
        if tail is not None:
            self.tails[key] = tail
        while self.tail_bytes > self.most_tails:
            _, gone = self.tails.popitem(last=False)
            self.tail_bytes -= len(gone.data)
            self.forgotten += 1


def _read_only(data: Bytes) -> Bytes:
    view = data.view()
    view.flags.writeable = False
    return view
