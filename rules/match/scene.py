"""What is matched: packets of a capture and what the application layers made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from citywall.batches import IP, PACKET, TRANSPORT
from citywall.domains import VNI
from rules import countries
from rules.match import rpc, sums
from rules.match.columns import kernels

Rows = NDArray[np.void]
_NOTHING = (np.zeros(0, np.int64), np.zeros(0, np.int64))


class Tables(Protocol):
    """The columns that the application layers give (`ingest.applications.tables.Tables`)."""

    flows: Rows
    transactions: Rows
    buffers: Rows
    numbers: Rows
    units: Rows
    anomalies: Rows
    chunks: Rows
    arena: NDArray[np.uint8]
    chunk_arena: NDArray[np.uint8]
    packet_flow: NDArray[np.int32]
    packet_direction: NDArray[np.uint8]
    packet_stood: NDArray[np.bool_]
    packet_streamed: NDArray[np.bool_]


@dataclass(frozen=True)
class Names:
    """What the numbers in the tables stand for."""

    protocols: tuple[str, ...]
    kinds: tuple[str, ...]
    fields: tuple[str, ...]
    anomalies: tuple[str, ...]
    units: tuple[str, ...] = ()
    decoder: tuple[str, ...] = ()


@dataclass
class Scene:
    """Packets with their bytes, and the tables made of them.

    Row i is frame `frames[i]`, or `first_frame + i`. The first `carried` rows were matched in an earlier
    scene: they are the last ones of flows that are spoken of. `places` are the packets' offsets in their
    capture, where the buffer is none; `left` how many bytes of payload there are, where it has not all.
    """

    packets: Rows
    buffer: NDArray[np.uint8]
    tables: Tables
    names: Names
    first_frame: int = 1
    frames: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    flow: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(0, np.int64)
    )  # row of its flow, -1: none
    side: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # its direction
    past: Rows | None = None  # by flow what is known from before (`carry.PAST`)
    carried: int = 0
    places: NDArray[np.int64] | None = None
    left: NDArray[np.int64] | None = None
    last: bool = True  # nothing follows: what waits for more is looked at as it is
    checksums: bool = True  # else all are taken to be right
    countries: countries.Countries | None = None  # of addresses, where rules ask for them
    decoded: tuple[NDArray[np.int64], NDArray[np.int64]] = _NOTHING  # rows, and what decoders say of them

    def __post_init__(self) -> None:
        if self.packets.dtype != PACKET:
            raise ValueError("packets must be PACKET rows")
        if len(self.frames) != len(self.packets):
            self.frames = np.arange(len(self.packets)) + self.first_frame
        if len(self.flow) != len(self.packets):
            self.flow = np.asarray(self.tables.packet_flow, np.int64)
            self.side = np.asarray(self.tables.packet_direction, np.int64)

    def place(self, row: int) -> int:
        """A packet's offset in its capture."""
        return int(self.packets["offset"][row] if self.places is None else self.places[row])

    def row_at(self, frame: int) -> int:
        """The row of a frame; -1 where it is not here."""
        row = int(np.searchsorted(self.frames, frame))
        return row if row < len(self.frames) and int(self.frames[row]) == frame else -1

    @cached_property
    def layers(self) -> NDArray[np.int64]:
        """Of each packet how many of its frame come before it: those that travel in it."""
        if not len(self.frames) or (self.frames[1:] > self.frames[:-1]).all():
            return np.zeros(len(self.frames), np.int64)
        first = np.append(True, self.frames[1:] != self.frames[:-1])
        at = np.arange(len(first))
        return at - np.maximum.accumulate(np.where(first, at, 0))

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """Of each flow its number, the same in every scene."""
        flows = self.tables.flows
        found: NDArray[np.int64] = flows["number"].astype(np.int64)
        return found

    @cached_property
    def source(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
        """High and low word of each packet's source address, and its port."""
        return self._side(reverse=False)

    @cached_property
    def target(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
        """The same of the destination."""
        return self._side(reverse=True)

    def _side(self, *, reverse: bool) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
        n = len(self.packets)
        found = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n, np.int64)
        kernels.source(self.packets, reverse, *found)
        return found

    @cached_property
    def _headers(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        n = len(self.packets)
        found = np.empty(n, np.int64), np.empty(n, np.int64)
        kernels.headers(self.view, self.packets, *found)
        return found

    @cached_property
    def view(self) -> NDArray[np.uint8]:
        """The buffer, read only."""
        view = self.buffer.view()
        view.flags.writeable = False
        return view

    @property
    def network(self) -> NDArray[np.int64]:
        """Where each packet's IP header begins in the buffer; -1 where it has none that is known."""
        return self._headers[0]

    @property
    def transport(self) -> NDArray[np.int64]:
        """Where each packet's transport header begins; -1 where there is none."""
        return self._headers[1]

    @cached_property
    def available(self) -> NDArray[np.int64]:
        """Bytes of payload that are in the capture."""
        if self.left is not None:
            return self.left
        there = np.empty(len(self.packets), np.int64)
        kernels.available(self.packets, there)
        return there

    def payload(self, row: int) -> bytes:
        """The payload of a packet."""
        start = int(self.packets["offset"][row]) + int(self.packets["payload_at"][row])
        return self.buffer[start : start + int(self.available[row])].tobytes()

    def packet(self, row: int) -> bytes:
        """The packet from its IP header on."""
        at = int(self.network[row])
        if at < 0:
            return b""
        end = int(self.packets["offset"][row]) + int(self.packets["captured"][row])
        return self.buffer[at : min(end, at + int(self.packets["ip_bytes"][row]))].tobytes()

    def big(self, at: NDArray[np.int64], size: int) -> NDArray[np.int64]:
        """Numbers of `size` bytes, big endian, at places; beyond the buffer bytes are 0."""
        value = np.empty(len(at), np.int64)
        kernels.numbers(self.view, at, size, value)
        return value

    def values(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """A header field of every packet, and which packets have it."""
        if name.startswith(countries.PREFIX):
            return self._origins(name)
        found: tuple[NDArray[np.int64], NDArray[np.bool_]] = _FIELDS[name](self)
        return found

    def _origins(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Whether packets' addresses are of countries; no packet is where none are known."""
        there = (self.packets["status"] >= IP) & (self.countries is not None)
        if self.countries is None:
            return np.zeros(len(there), np.int64), there
        return self.countries.agree(name, self.source, self.target).astype(np.int64), there


def _v(scene: Scene, version: int) -> Any:
    return (scene.packets["version"] == version) & (scene.network >= 0)


def _by_version(four: tuple[int, int], six: tuple[int, int] | None) -> Any:
    def get(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        at = scene.network
        value = scene.big(at + four[0], four[1])
        has = _v(scene, 4)
        if six is not None:
            is6 = _v(scene, 6)
            value = np.where(is6, scene.big(at + six[0], six[1]), value)
            has = has | is6
        return value, has

    return get


@cache
def _one_of(values: tuple[int, ...]) -> NDArray[np.bool_]:
    """By byte whether it is one of some."""
    found = np.zeros(256, np.bool_)
    found[list(values)] = True
    return found


def _transport(protocols: tuple[int, ...], offset: int, size: int, only_types: tuple[int, ...] = ()) -> Any:
    def get(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        at = scene.transport
        has = _one_of(protocols)[scene.packets["proto"]]
        has &= (at >= 0) & (scene.packets["status"] == TRANSPORT)
        if only_types:
            has &= _one_of(only_types)[scene.packets["icmp_type"]]
        return scene.big(at + offset, size), has

    return get


def _tos(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    four, _ = _by_version((1, 1), None)(scene)
    six = (scene.big(scene.network, 2) >> 4) & 0xFF
    return np.where(scene.packets["version"] == 6, six, four), scene.network >= 0


def _column(name: str, status: int) -> Any:
    def get(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        return scene.packets[name].astype(np.int64), scene.packets["status"] >= status

    return get


def _flags(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    rows = scene.packets
    return rows["flags"].astype(np.int64), (rows["status"] >= TRANSPORT) & (rows["proto"] == 6)


def _icmp(name: str) -> Any:
    def get(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        has = _one_of((1, 58))[scene.packets["proto"]] & (scene.packets["status"] == TRANSPORT)
        return scene.packets[name].astype(np.int64), has

    return get


def _same(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    rows = scene.packets
    same = (rows["a_hi"] == rows["b_hi"]) & (rows["a_lo"] == rows["b_lo"])
    return same.astype(np.int64), rows["status"] >= IP


def _fragments(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    value, has = _by_version((6, 2), None)(scene)
    return value & 0x1FFF, has


def tags(scene: Scene) -> NDArray[np.int64]:
    """VLAN tags of every packet, two as the decoder keeps them; none of what a virtual network has."""
    value = scene.packets["vlan"].astype(np.int64)
    return np.where(value & VNI, 0, value)


def _dsize(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    return scene.available, scene.packets["status"] >= IP


def _proto(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    return scene.packets["proto"].astype(np.int64), scene.packets["status"] >= IP


def _of_flow(what: str, side: int | None) -> Any:
    """Packets, bytes or seconds of each packet's flow up to it; of one direction, or of both."""

    def get(scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        flow = scene.flow
        fresh = np.arange(len(flow)) >= scene.carried
        times = scene.packets["time"].astype(np.int64)
        order = np.argsort(flow, kind="stable")
        first = np.r_[True, flow[order][1:] != flow[order][:-1]][: len(order)]
        begin = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
        result = np.zeros(len(flow), np.int64)
        past = scene.past[flow] if scene.past is not None and len(scene.past) else None
        if what == "age":
            result[order] = times[order][begin]
            if past is not None:
                result = np.where(past["first"] > 0, past["first"], result)
            result = times // 1_000_000_000 - result // 1_000_000_000
        else:
            amount = np.where(fresh, 1 if what == "pkts" else _size(scene), 0)
            if side is not None:
                amount = np.where(scene.side == side, amount, 0)
            total = np.cumsum(amount[order])
            result[order] = total - (total - amount[order])[begin]
            if past is not None:
                before = past[what]
                result += before.sum(axis=1) if side is None else before[:, side]
        return result, flow >= 0

    return get


def _size(scene: Scene) -> NDArray[np.int64]:
    return scene.packets["wire"].astype(np.int64)


_ECHO = (0, 8, 13, 14, 15, 16, 128, 129)
_FIELDS: dict[str, Any] = {
    **sums.FIELDS,
    **rpc.FIELDS,
    "ip.ttl": _by_version((8, 1), (7, 1)),
    "ip.tos": _tos,
    "ip.id": _by_version((4, 2), None),
    "ip.proto": _proto,
    "ip.version": _column("version", IP),
    "ip.same": _same,
    "ip.fragment_offset": _fragments,
    "ip.fragbits": lambda scene: (_by_version((6, 1), None)(scene)[0] >> 5, _v(scene, 4)),
    "dsize": _dsize,
    "tcp.seq": _transport((6,), 4, 4),
    "tcp.ack": _transport((6,), 8, 4),
    "tcp.window": _transport((6,), 14, 2),
    "tcp.flags": _flags,
    "icmp.type": _icmp("icmp_type"),
    "icmp.code": _icmp("icmp_code"),
    "icmp.id": _transport((1, 58), 4, 2, _ECHO),
    "icmp.seq": _transport((1, 58), 6, 2, _ECHO),
    "icmpv6.mtu": _transport((58,), 4, 4, (2,)),
    "flow.age": _of_flow("age", None),
    **{
        f"flow.{what}.{name}": _of_flow(what, side)
        for what in ("pkts", "bytes")
        for name, side in (("toserver", 0), ("toclient", 1))
    },
}
#: Fields decided from one packet at a time.
SLOW = frozenset(
    {"ip.option", "tcp.mss", "tcp.wscale", "vxlan.vni", "vlan.layers"}
    | {f"vlan.id,{where}" for where in ("any", "all", *range(-3, 3))}
)


def slow_value(scene: Scene, row: int, name: str, wanted: int) -> int | None:
    """A header field that takes a walk over options; None where the packet has none."""
    data = scene.packet(row)
    if not data:
        return None
    if name == "ip.option":
        if data[0] >> 4 != 4:
            return None
        options = _options(data[20 : (data[0] & 15) * 4])
        if wanted == -1:
            return -1 if options else None
        return wanted if wanted in options else None
    start = int(scene.transport[row]) - int(scene.network[row])
    if name == "vxlan.vni":
        network = int(scene.packets["vlan"][row])
        return network ^ VNI if network & VNI else None
    # a fragment has no header of TCP, though it is of that protocol
    if scene.packets["proto"][row] != 6 or not 0 < start <= len(data) - 20:
        return None
    options = _options(data[start + 20 : start + (data[start + 12] >> 4) * 4])
    found = options.get(2 if name == "tcp.mss" else 3)
    return int.from_bytes(found, "big") if found else None


def _options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        kind = data[at]
        if kind <= 1:
            found.setdefault(kind, b"")
            at += 1
            if kind == 0:
                break
            continue
        if at + 1 >= len(data) or data[at + 1] < 2:
            break
        found.setdefault(kind, data[at + 2 : at + data[at + 1]])
        at += data[at + 1]
    return found
