"""What happened to packets: decoder and stream events, sizes of streams, headers as buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rules.language.model import Rule, StreamSize
from rules.match.inspect import compare
from rules.match.scene import Scene

if TYPE_CHECKING:
    from rules.match.candidates import Packets


def happened(packets: Packets, rule: Rule) -> NDArray[np.bool_]:
    """Packets to which all that a rule names happened."""
    found = np.ones(len(packets.flow), np.bool_)
    for happening in rule.happenings:
        if happening.kind == "decode":
            found &= _decoded(packets.scene, happening.name)
        elif happening.kind == "stream":
            found &= _anomalous(packets.scene, f"stream.{happening.name}")
    return found


def _decoded(scene: Scene, name: str) -> NDArray[np.bool_]:
    found = np.zeros(len(scene.packets), np.bool_)
    if name in scene.names.decoder:
        rows, kinds = scene.decoded
        found[rows[kinds == scene.names.decoder.index(name)]] = True
    return found


def _anomalous(scene: Scene, name: str) -> NDArray[np.bool_]:
    found = np.zeros(len(scene.packets), np.bool_)
    if name in scene.names.anomalies:
        rows = scene.tables.anomalies
        frames = rows["frame"][rows["kind"] == scene.names.anomalies.index(name)]
        found[np.isin(scene.frames, frames) & (scene.layers == 0)] = True  # what has streams holds no other
        found[: scene.carried] = False
    return found


def stream_size(packets: Packets, size: StreamSize, row: int) -> bool:
    """Whether the sizes of a connection's streams up to a packet are as demanded."""
    scene = packets.scene
    flow = packets.flow[row]
    if flow < 0 or scene.packets["proto"][row] != 6:
        return False
    server, client = (packets.grown(int(flow), direction, row) for direction in (1, 0))
    answers = {"server": compare(size.op, server, size.value), "client": compare(size.op, client, size.value)}
    if size.side == "both":
        return answers["server"] and answers["client"]
    if size.side == "either":
        return answers["server"] or answers["client"]
    return answers[size.side]


def header_bytes(scene: Scene, kind: str, row: int) -> bytes | None:
    """A packet's header as a buffer; None where it has none of that kind."""
    if kind in {"ip.src", "ip.dst"}:
        return _address(scene, kind, row)
    data = scene.packet(row)
    if not data:
        return None
    version, proto = int(scene.packets["version"][row]), int(scene.packets["proto"][row])
    start = int(scene.transport[row]) - int(scene.network[row])
    if kind == "ipv4.hdr":
        return data[: (data[0] & 15) * 4] if version == 4 else None
    if kind == "ipv6.hdr":
        return data[: max(40, start)] if version == 6 else None
    wanted = {"tcp.hdr": (6,), "udp.hdr": (17,), "icmpv4.hdr": (1,), "icmpv6.hdr": (58,)}.get(kind, ())
    if proto not in wanted or start < 0:
        return None
    size = (data[start + 12] >> 4) * 4 if proto == 6 and start + 12 < len(data) else 8
    if proto == 1:
        size = _icmp_size(data[start:])
    return data[start : start + size]


def _icmp_size(data: bytes) -> int:
    """Bytes of an ICMPv4 header: times and the routers that are announced belong to it."""
    size = 8
    if data[:1] in (b"\x0d", b"\x0e"):
        size += 12
    elif data[:1] == b"\x09" and len(data) > 5:
        size += data[4] * data[5] * 4
    return size if size <= len(data) else 8


def _address(scene: Scene, kind: str, row: int) -> bytes | None:
    """An endpoint's address as it stands in the header: four bytes or sixteen."""
    if scene.network[row] < 0:
        return None
    high, low, _ = scene.source if kind == "ip.src" else scene.target
    packed = int(high[row]).to_bytes(8, "big") + int(low[row]).to_bytes(8, "big")
    return packed[12:] if scene.packets["version"][row] == 4 else packed
