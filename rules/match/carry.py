"""What is kept of live flows from scene to scene, so that each is matched as if it were all there is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from citywall.batches import PACKET
from citywall.rows import fill
from citywall.scratch import Scratch
from rules.match.columns import kernels
from rules.match.gates.tables import Answers
from rules.match.keyed import Keyed
from rules.match.literals import BEHIND
from rules.match.scene import Names, Rows, Scene, Tables
from rules.match.tails import Tails

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]
#: Bytes that ends of streams may take.
MOST_TAILS = 128 << 20
#: Bytes of a packet that are kept, from its link header on: enough for every header.
KEPT = 128
#: One live flow: what is known of it, and of its last packet in each direction.
FLOW = np.dtype(
    [
        ("number", "i8"),
        (
            "known",
            "u1",
        ),  # bit d: packets of direction d were seen; bit d + 2: its sequence numbers, from `base`
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
        ("tail", "i8", (2 * kernels.TAIL,)),  # the end of each direction's stream: `tails.Tails`
        ("row", PACKET, (2,)),
        ("head", "u1", (2, KEPT)),
    ]
)


def _begin(name: str) -> int:
    assert FLOW.fields is not None
    return int(FLOW.fields[name][1])


#: Bytes of a packet's row and of a flow, and where in a flow rows and bytes of packets begin.
SIZES = np.array([PACKET.itemsize, FLOW.itemsize, _begin("row"), _begin("head")], np.int64)

#: What of it was so before a scene.
PAST = np.dtype([("first", "i8"), ("pkts", "i8", (2,)), ("bytes", "i8", (2,))])


@dataclass
class Carry:
    """Live flows by their numbers, and what rules found of each."""

    live: Keyed = field(default_factory=lambda: Keyed(FLOW))
    tails: Tails = field(default_factory=lambda: Tails(MOST_TAILS))
    told: dict[int, set[tuple[int, int, int]]] = field(default_factory=dict)  # transaction, rule, direction
    facts: dict[int, dict[tuple[int, int], int]] = field(default_factory=dict)  # direction, rule: frame
    windows: Scratch = field(default_factory=lambda: Scratch(np.uint8))  # streams of a scene are put there
    heads: Answers = field(default_factory=Answers)
    _packets: Scratch = field(default_factory=lambda: Scratch(PACKET))

    @property
    def flows(self) -> Rows:
        """Rows of live flows: those of a scene are `at` there."""
        return self.live.rows

    def scene(  # noqa: PLR0917  (what a scene is made of)
        self, packets: Rows, frames: Numbers, places: Numbers, arena: Scratch, used: int, tables: Tables,
        names: Names, *, last: bool,
    ) -> Scene:  # fmt: skip
        """Packets with the last ones of the flows that the tables speak of before them.

        Their bytes are the first `used` of the arena; what is kept of earlier ones is put behind. Columns and
        bytes of a scene are there until the next one is made.
        """
        at = self.live.places(tables.flows["number"].astype(np.int64))
        which, side = np.nonzero(self.flows["frame"][at])
        seen = self.flows["frame"][at[which], side]
        order = np.argsort(seen, kind="stable")
        which, side, seen = which[order], side[order], seen[order]
        mine, n = (at[which], side), len(side)
        rows = self._packets.take(n + len(packets))
        buffer = arena.take(used + KEPT * n + BEHIND, used)
        kernels.recall(
            self.flows.view(np.uint8), SIZES, KEPT, at[which], side, rows.view(np.uint8), buffer, used
        )
        rows["offset"][:n] = used + KEPT * np.arange(n)
        rows["captured"][:n] = np.minimum(rows["captured"][:n], KEPT)
        fill(rows[n:], [packets])
        buffer[-BEHIND:] = 0
        scene = Scene(
            rows, _read_only(buffer), tables, names, frames=np.concatenate([seen, frames]), carried=n,
            places=np.concatenate([self.flows["place"][mine], places]), last=last,
        )  # fmt: skip
        left = scene.available
        left[:n] = self.flows["left"][mine]
        scene.left = left
        scene.flow = np.concatenate([which, np.asarray(tables.packet_flow, np.int64)])
        scene.side = np.concatenate([side, np.asarray(tables.packet_direction, np.int64)])
        scene.past = np.empty(len(at), PAST)
        for name in PAST.names or ():
            scene.past[name] = self.flows[name][at]
        self.at = at
        return scene

    def adopt(self, scene: Scene) -> None:
        """Take over a scene that another carry has made."""
        self.at = self.live.places(scene.numbers)

    def marks(self, scene: Scene) -> NDArray[np.uint8]:
        """For each packet 1 where its connection stood before it, and 2 where it is the first its way.

        Which directions have stopped is remembered, too.
        """
        which, side = scene.flow[: scene.carried], scene.side[: scene.carried]
        stood = self.flows["mark"][self.at[which], side] & 1
        marks = np.concatenate([stood, scene.tables.packet_stood.astype(np.uint8)])
        kernels.mark(
            scene.packets, scene.flow, scene.side, scene.frames, scene.carried, self.at, self.flows, marks
        )
        return marks

    def stops(self, scene: Scene) -> Numbers:
        """By flow of a scene and direction the frame at which it stopped; 0: it did not."""
        assert len(self.at) == len(scene.tables.flows)
        found: Numbers = self.flows["stop"][self.at]
        return found

    def keep(self, scene: Scene, marks: NDArray[np.uint8]) -> None:
        """Remember the last packets of the flows of a scene that has been matched; let go what is over."""
        last = np.full((len(self.at), 2), -1, np.int64)
        kernels.tally(
            scene.view, scene.packets, scene.transport, scene.flow, scene.side, scene.carried, self.at,
            self.flows, last,
        )  # fmt: skip
        over = scene.tables.flows["ended"] != 0
        last[over] = -1  # of what is over nothing is kept
        places = scene.packets["offset"].astype(np.int64) if scene.places is None else scene.places
        kernels.remember(
            scene.view, scene.packets, scene.packets.view(np.uint8), scene.frames, marks, scene.available,
            places, last, self.at, self.flows, self.flows.view(np.uint8), SIZES, KEPT,
        )  # fmt: skip
        if over.any():
            self.tails.let_go(self.flows, self.at[over])
            self.live.let_go(self.at[over])
            for number in scene.numbers[over].tolist():
                self.told.pop(number, None)
                self.facts.pop(number, None)

    def grown(self, scene: Scene, flow: int, direction: int, row: int) -> int:
        """How many bytes went one way over a connection up to a packet, by its sequence numbers."""
        return int(
            kernels.grown(
                scene.view, scene.packets, scene.transport, scene.flow, scene.side, scene.carried, row, flow,
                direction, self.flows[self.at[flow]],
            )
        )  # fmt: skip


def _read_only(data: Bytes) -> Bytes:
    view = data.view()
    view.flags.writeable = False
    return view
