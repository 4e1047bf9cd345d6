"""Calls of remote procedures (RFC 5531) that packets begin with, as columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rules.match.scene import Scene

Column = tuple[NDArray[np.int64], NDArray[np.bool_]]
#: Bytes of a call up to its procedure; over TCP the length of a fragment stands before it.
_SIZE, _LENGTH = 24, 4


def _of(place: int) -> Callable[[Scene], Column]:
    """A number of four bytes at a place of the call, and which packets begin with one."""

    def get(scene: Scene) -> Column:
        rows = scene.packets
        tcp, udp = rows["proto"] == 6, rows["proto"] == 17
        at = rows["offset"].astype(np.int64) + rows["payload_at"] + np.where(tcp, _LENGTH, 0)
        whole = scene.available >= np.where(tcp, _SIZE + _LENGTH, _SIZE)
        return scene.big(at + place, 4), (tcp | udp) & whole & (scene.big(at + 4, 4) == 0)

    return get


FIELDS = {"rpc.program": _of(12), "rpc.version": _of(16), "rpc.procedure": _of(20)}
