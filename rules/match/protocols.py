"""Which packets are of a connection that was known, by then, to speak a protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

#: Whose protocol is meant: of the packet's direction, of one, of either, the first or the last of the flow.
MODES = frozenset({"direction", "to_server", "to_client", "either", "original", "final"})


class Scene(Protocol):
    """What is needed of a scene."""

    frames: NDArray[np.int64]
    names: Any
    packets: Any
    tables: Any


def spoken(
    scene: Scene,
    flow: NDArray[np.int64],
    direction: NDArray[np.int64],
    mode: str,
    then: NDArray[np.int64] | None = None,
) -> list[NDArray[np.int64]]:
    """Of each packet what is known, by then, to be spoken (0: nothing): one column, or one a side.

    `then`: frames, where others are asked than those of the packets.
    """
    flows = scene.tables.flows
    if not len(flows):
        return [np.zeros(len(flow), np.int64)]
    at = np.clip(flow, 0, len(flows) - 1)
    frames = scene.frames if then is None else then
    there = flow >= 0

    def by_then(protocol: NDArray[Any], since: NDArray[Any]) -> NDArray[np.int64]:
        known = np.ascontiguousarray(since)[at]
        return np.where(there & (frames >= known), np.ascontiguousarray(protocol)[at], 0).astype(np.int64)

    original = by_then(flows["protocol"], flows["protocol_frame"])
    if mode == "original":
        return [original]
    if mode == "final":
        final = by_then(flows["final"], flows["final_frame"])
        return [np.where(final > 0, final, original)]
    first = [by_then(flows["sides"][:, d], flows["sides_frame"][:, d]) for d in range(4)]
    sides = [np.where(first[d + 2] > 0, first[d + 2], first[d]) for d in (0, 1)]
    return {
        "direction": [np.where(direction == 0, sides[0], sides[1])],
        "to_server": [sides[0]],
        "to_client": [sides[1]],
        "either": sides,
    }[mode]


def among(scene: Scene, said: list[NDArray[np.int64]], names: frozenset[str]) -> tuple[Mask, Mask]:
    """(packets of flows that speak one of `names`, packets of flows of which something is known)."""
    wanted = np.array([name in names for name in scene.names.protocols])
    found, known = wanted[said[0]] & (said[0] > 0), said[0] > 0
    for other in said[1:]:
        found, known = found | (wanted[other] & (other > 0)), known | (other > 0)
    return found, known


def decided(scene: Scene, next_of: Callable[[int, int, int], int]) -> Mask:
    """Packets that tell what a direction of their flow speaks: its first ones after that became known.

    `next_of` gives the row of the first packet of (flow, side) at a frame or later, -1 for none or where
    that was looked at already; sides 2 and 3 are those of the protocol that went on.
    """
    found = np.zeros(len(scene.packets), np.bool_)
    flows = scene.tables.flows
    for d in range(4):
        frames = flows["sides_frame"][:, d]
        for flow in np.flatnonzero(flows["sides"][:, d] > 0).tolist():
            row = next_of(flow, d, int(frames[flow]))
            if row >= 0:
                found[row] = True
    return found
