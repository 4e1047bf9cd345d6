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
        frames = rows["frame"][rows["kind"] == scene.names.anomalies.index(name)] - scene.first_frame
        found[frames[(frames >= 0) & (frames < len(found))]] = True
    return found


def stream_size(packets: Packets, size: StreamSize, row: int) -> bool:
    """Whether the sizes of a connection's streams up to a packet are as demanded."""
    scene = packets.scene
    flow = packets.flow[row]
    if flow < 0 or scene.packets["proto"][row] != 6:
        return False
    server, client = (_grown(packets, int(flow), direction, row) for direction in (1, 0))
    answers = {"server": compare(size.op, server, size.value), "client": compare(size.op, client, size.value)}
    if size.side == "both":
        return answers["server"] and answers["client"]
    if size.side == "either":
        return answers["server"] or answers["client"]
    return answers[size.side]


def _grown(packets: Packets, flow: int, direction: int, row: int) -> int:
    rows = np.flatnonzero((packets.flow[: row + 1] == flow) & (packets.direction[: row + 1] == direction))
    if not len(rows):
        return 0
    seq, _ = packets.field("tcp.seq")
    flags = packets.scene.packets["flags"][rows]
    ends = seq[rows] + packets.scene.packets["payload"][rows] + (flags & 2 > 0)
    return int((ends - seq[rows[0]]).max())


def header_bytes(scene: Scene, kind: str, row: int) -> bytes | None:
    """A packet's header as a buffer; None where it has none of that kind."""
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
    return data[start : start + size]
