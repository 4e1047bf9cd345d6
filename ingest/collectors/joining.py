"""Logged directions into flows of both: for text logs that tell each by itself."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.state import Parts, bytes_of
from ingest.collectors import kernels as k
from ingest.collectors.pairing import Pairing, logged
from ingest.flowlogs.rows import Logged

_SAME = (
    "src_hi", "src_lo", "dst_hi", "dst_lo", "src_port", "dst_port", "proto", "src_packets", "dst_packets",
    "src_bytes", "dst_bytes", "src_flags", "dst_flags", "vlan", "src_mac", "dst_mac", "first", "sampling",
)  # fmt: skip


class Joining:
    """Joins rows in the order of their lines, by the newest end seen; whole ones pass."""

    def __init__(self) -> None:
        self._pairing = Pairing()
        self._flow = 1

    def add(self, rows: Logged, oneway: NDArray[np.bool_]) -> Logged:
        """Take rows; gives flows that are whole, or have waited for long enough."""
        out = np.zeros(len(rows.line), k.HALF)
        for name in _SAME:
            out[name] = getattr(rows, name)
        out["last"] = rows.first + rows.duration
        out["icmp"] = rows.icmp_type.astype(np.uint16) << np.uint16(8) | rows.icmp_code
        out["paired"] = ~oneway
        return self._numbered(self._pairing.add(out, out["last"].copy()))

    def finish(self) -> Logged:
        """The end: all that waits."""
        return self._numbered(self._pairing.finish())

    def _numbered(self, flows: NDArray[np.void]) -> Logged:
        flows["number"] = self._flow + np.arange(len(flows))
        self._flow += len(flows)
        return logged(flows)

    def snapshot(self) -> Parts:
        """What waits, and how many went."""
        parts: Parts = {"joining": msgspec.msgpack.encode(self._flow)}
        return parts | {f"joining.{name}": part for name, part in self._pairing.snapshot().items()}

    def restore(self, parts: Parts) -> None:
        """Go on where `snapshot` was; raises ValueError on parts of another shape."""
        self._flow = msgspec.msgpack.decode(bytes_of(parts, "joining"), type=int)
        ours = {
            name.removeprefix("joining."): part for name, part in parts.items() if name.startswith("joining.")
        }
        self._pairing.restore(ours)
