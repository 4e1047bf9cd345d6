"""How long a flow lasts and what went over it, as of each packet: carried on from scene to scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rules.match.candidates import Packets
    from rules.match.carry import Carry
    from rules.match.scene import Scene

Numbers = NDArray[np.int64]
_SECOND = 1_000_000_000
_SIDES = {"toserver": 0, "toclient": 1}


def values(packets: Packets, name: str) -> tuple[Numbers, NDArray[np.bool_]]:
    """`flow.age`, or `flow.pkts` and `flow.bytes` of a direction, of each packet; which packets have it."""
    scene, carry = packets.scene, packets.engine.carry
    has = (packets.flow >= 0) & packets.fresh
    rows = np.flatnonzero(has)
    flow = packets.flow[rows]
    kept = carry.flows[carry.at[flow]]
    result = np.zeros(len(packets.flow), np.int64)
    if name == "flow.age":
        begun = scene.tables.flows["first"][flow].astype(np.int64)
        result[rows] = scene.packets["time"][rows].astype(np.int64) // _SECOND - begun // _SECOND
        return result, has
    what, side = name.removeprefix("flow.").split(".")
    d = _SIDES[side]
    amount = np.where(packets.direction[rows] == d, _amounts(scene, what)[rows], 0)
    order = np.argsort(flow, kind="stable")
    total = np.cumsum(amount[order])
    first = np.r_[True, flow[order][1:] != flow[order][:-1]] if len(order) else np.zeros(0, np.bool_)
    begin = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    result[rows[order]] = total - (total - amount[order])[begin] + kept[what][order, d]
    return result, has


def count(carry: Carry, scene: Scene, rows: Numbers) -> None:
    """Add packets of a scene that has been matched."""
    at, side = carry.at[carry.of_packet[rows]], carry.direction[rows]
    for what in ("pkts", "bytes"):
        np.add.at(carry.flows[what], (at, side), _amounts(scene, what)[rows])


def _amounts(scene: Scene, what: str) -> Numbers:
    if what == "pkts":
        return np.ones(len(scene.packets), np.int64)
    return scene.packets["wire"].astype(np.int64)
