"""Records into flows of both directions."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import FIN, ICMP, ICMPV6, RST, SYN, TCP
from citywall.state import Parts, array_of, bytes_of
from ingest.collectors import kernels as k
from ingest.collectors.decoder import Decoded
from ingest.flowlogs.lines import Errors
from ingest.flowlogs.rows import Logged, header_bytes, is_v4

#: How long (ns of the exporters' clocks) a record waits for its other direction.
WAIT = 5_000_000_000
#: How far apart (ns) two directions of one flow may lie.
SLACK = 2_000_000_000
#: Records that wait at once.
ROOM = 1 << 15
#: How far (ns) ahead of its export a flow may seem to end.
_AHEAD = 86_400_000_000_000
#: Firewall events (RFC 8158, Cisco NSEL) that come again with counts when the flow ends.
_CREATED = 1
_BIT = np.uint64(1)


def halves(
    decoded: Decoded, number: int, errors: Errors, first: int
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """HALF rows of the records that are IP flows, in their order, numbered from `number`; their datagrams.

    `first` is the number of the first datagram, for `errors`.
    """
    rows = decoded.records
    at = rows[:, k.DATAGRAM].astype(np.int64)
    ok = _addressed(rows)
    errors.add("not_ip", first + at[~ok])
    created = ok & (rows[:, k.EVENT] == _CREATED)
    if created.any():
        decoded.notes["flows_only_created"] = int(created.sum())
    chosen = ok & ~created
    if not chosen.all():
        rows, at = rows[chosen], at[chosen]
    out = np.zeros(len(rows), k.HALF)
    for name, column in _PLAIN.items():
        out[name] = rows[:, column]
    out["first"], out["last"] = _times(rows, decoded.heads, at)
    for name, main, other in (("packets", k.PACKETS, k.OUT_PACKETS), ("bytes", k.BYTES, k.OUT_BYTES)):
        out[f"src_{name}"] = np.where(rows[:, main] > 0, rows[:, main], rows[:, other])
    out["src_packets"] = np.where(
        out["src_packets"] == 0, np.minimum(out["src_bytes"], 1), out["src_packets"]
    )
    out["source"] = decoded.sources[at]
    out["number"] = number + np.arange(len(rows))
    out["paired"] = _there(rows, k.REV_PACKETS) | _there(rows, k.REV_BYTES)
    tcp = out["proto"] == TCP
    out["src_flags"] = np.where(tcp, out["src_flags"], 0)
    out["dst_flags"] = np.where(tcp, out["dst_flags"], 0)
    control = (out["proto"] == ICMP) | (out["proto"] == ICMPV6)
    told = _there(rows, k.ICMP) | (rows[:, k.SAMPLED] > 0)
    out["icmp"] = np.where(control, np.where(told, out["icmp"], out["dst_port"]), 0)
    for side in ("src_port", "dst_port"):
        out[side][control] = 0
    return out, at


_PLAIN = {
    "src_hi": k.SRC_HI, "src_lo": k.SRC_LO, "dst_hi": k.DST_HI, "dst_lo": k.DST_LO, "src_mac": k.SRC_MAC,
    "dst_mac": k.DST_MAC, "vlan": k.VLAN, "src_port": k.SRC_PORT, "dst_port": k.DST_PORT, "proto": k.PROTO,
    "icmp": k.ICMP, "src_flags": k.FLAGS, "dst_flags": k.REV_FLAGS, "dst_packets": k.REV_PACKETS,
    "dst_bytes": k.REV_BYTES, "sampled": k.SAMPLED,
}  # fmt: skip


def _there(rows: NDArray[np.uint64], column: int) -> NDArray[np.bool_]:
    there: NDArray[np.bool_] = rows[:, k.PRESENT] & (_BIT << np.uint64(column)) != 0
    return there


def _addressed(rows: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Where both addresses are there, of one family, and the protocol makes sense."""
    src = is_v4(rows[:, k.SRC_HI], rows[:, k.SRC_LO])
    dst = is_v4(rows[:, k.DST_HI], rows[:, k.DST_LO])
    both = (_there(rows, k.SRC_HI) & _there(rows, k.DST_HI)) | (rows[:, k.SAMPLED] > 0)
    found: NDArray[np.bool_] = both & (src == dst) & (rows[:, k.PROTO] < 256)
    return found


def _times(
    rows: NDArray[np.uint64], heads: NDArray[np.void], at: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last, from whatever the records tell; the export's time where they tell nothing."""
    exported = heads["time"][at]
    first, last = rows[:, k.FIRST].astype(np.int64), rows[:, k.LAST].astype(np.int64)
    lost = (first == 0) & (last == 0) & _there(rows, k.UP_LAST)
    if lost.any():
        # A clock nobody knows: the last record of a message is taken to have ended when it was exported.
        newest = np.zeros(len(heads), np.int64)
        np.maximum.at(newest, at[lost], rows[lost, k.UP_LAST].astype(np.int64))
        for target, column in ((first, k.UP_FIRST), (last, k.UP_LAST)):
            back = newest[at[lost]] - rows[lost, column].astype(np.int64)
            target[lost] = exported[lost] - np.maximum(back, 0) * 1_000_000
    duration = np.minimum(rows[:, k.DURATION], 1 << 32).astype(np.int64) * 1_000_000
    last = np.where(last > 0, last, np.where(first > 0, first + duration, exported))
    first = np.where(first > 0, first, last - duration)
    wrong = (first < 0) | (last > exported + _AHEAD) | (last < 0)
    first, last = np.where(wrong, exported, first), np.where(wrong, exported, last)
    return np.minimum(first, last), last


class _Saved(msgspec.Struct):
    state: list[int]


class Pairing:
    """Joins halves, whatever the batches they come in."""

    def __init__(self, wait: int = WAIT, slack: int = SLACK, room: int = ROOM) -> None:
        self._wait, self._slack = wait, slack
        self._waiting = np.zeros(room, k.HALF)
        self._slots = np.full(room * 4, -1, np.int32)
        self._state = np.zeros(3, np.int64)

    def add(self, rows: NDArray[np.void], clocks: NDArray[np.int64]) -> NDArray[np.void]:
        """Take records with the clock (ns) of each; gives flows that are whole or waited long enough."""
        out = np.empty(len(rows) + len(self._waiting), k.HALF)
        n = k.pair(rows, clocks, self._wait, self._slack, self._slots, self._waiting, self._state, out)
        return out[:n]

    def finish(self) -> NDArray[np.void]:
        """The end: all that waits."""
        out = np.empty(len(self._waiting), k.HALF)
        return out[: k.drain(self._slots, self._waiting, self._state, out)]

    def snapshot(self) -> Parts:
        """What waits, oldest first, and the clock."""
        oldest, end = int(self._state[0]), int(self._state[1])
        ring = self._waiting[np.arange(oldest, end) % len(self._waiting)]
        return {"waiting": ring, "clock": msgspec.msgpack.encode(_Saved(self._state.tolist()))}

    def restore(self, parts: Parts) -> None:
        """Go on where `snapshot` was; raises ValueError on parts of another shape."""
        self._state = np.array(msgspec.msgpack.decode(bytes_of(parts, "clock"), type=_Saved).state, np.int64)
        ring = array_of(parts, "waiting", k.HALF)
        oldest, end = int(self._state[0]), int(self._state[1])
        if len(ring) != end - oldest or len(ring) > len(self._waiting):
            raise ValueError("halves that wait and their places do not fit")
        self._waiting[np.arange(oldest, end) % len(self._waiting)] = ring
        self._slots[:] = -1
        mask = len(self._slots) - 1
        for place in range(oldest, end):
            slot = place % len(self._waiting)
            if self._waiting[slot]["done"]:
                continue
            at = int(self._waiting[slot]["hash"]) & mask
            while self._slots[at] >= 0:
                at = (at + 1) & mask
            self._slots[at] = slot


def logged(flows: NDArray[np.void]) -> Logged:
    """Flows as the columns that every flow log gives."""
    v4 = is_v4(flows["src_hi"], flows["src_lo"])
    header = header_bytes(flows["proto"], v4)
    load = {}
    for side in ("src", "dst"):
        size = flows[f"{side}_bytes"]
        overhead = np.minimum(flows[f"{side}_packets"], np.uint64(1 << 48)) * header
        load[side] = size - np.minimum(overhead, size)
    starts = flows["src_flags"]
    begun = np.where(starts & SYN, SYN, starts & (0xFF & ~(FIN | RST))).astype(np.uint8)
    return Logged(
        flows["number"], flows["first"], flows["last"] - flows["first"], flows["src_hi"], flows["src_lo"],
        flows["dst_hi"], flows["dst_lo"], flows["src_port"], flows["dst_port"], flows["proto"],
        flows["src_packets"], flows["dst_packets"], flows["src_bytes"], flows["dst_bytes"],
        load["src"], load["dst"], flows["src_flags"], flows["dst_flags"], begun,
        (flows["icmp"] >> 8).astype(np.uint8), (flows["icmp"] & 0xFF).astype(np.uint8), flows["vlan"],
        flows["src_mac"], flows["dst_mac"],
    )  # fmt: skip
