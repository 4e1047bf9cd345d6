"""Checksums of packets (RFC 1071), all packets at once: 1 where one is right, 0 where it is wrong.

A packet that the capture cut off has none that could be checked, nor has UDP over IPv4 that says it has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from citywall.batches import IP, TRANSPORT

if TYPE_CHECKING:
    from rules.match.scene import Scene

Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]
Found = tuple[Numbers, Mask]
_IPV4, _ICMP = 20, 1
_WORD = np.uint64(0xFFFF)


def _ends(scene: Scene) -> tuple[Numbers, Mask]:
    """Where packets end, and which are there whole."""
    rows = scene.packets
    end = scene.network + rows["ip_bytes"].astype(np.int64)
    return end, (scene.network >= 0) & (end <= rows["offset"] + rows["captured"].astype(np.int64))


def _sums(data: NDArray[np.uint8], first: Numbers, last: Numbers) -> Numbers:
    """Sums of the 16-bit words of ranges; a last odd byte is a word's first."""
    found = []
    for odd in (0, 1):
        half = np.concatenate([data[odd::2], np.zeros(1, np.uint8)])
        low, high = (first + 1 - odd) >> 1, (last + 1 - odd) >> 1
        limits = np.stack([low, high], axis=1).reshape(-1)
        some = np.add.reduceat(half, limits, dtype=np.int64)[::2] if len(limits) else np.zeros(0, np.int64)
        found.append(np.where(high > low, some, 0))
    even, odds = found
    begins_even = first & 1 == 0
    total: Numbers = np.where(begins_even, even << 8, odds << 8) + np.where(begins_even, odds, even)
    return total


def _right(total: Numbers) -> Numbers:
    """Whether sums are those of bytes with the right checksum among them."""
    for _ in range(3):
        total = (total & 0xFFFF) + (total >> 16)
    right: Numbers = (total == 0xFFFF).astype(np.int64)
    return right


def _addresses(scene: Scene) -> Numbers:
    """Sums of the words of both addresses."""
    total = np.zeros(len(scene.packets), np.int64)
    four = scene.packets["version"] == 4
    for end in ("a", "b"):
        for name in ("hi", "lo"):
            word = scene.packets[f"{end}_{name}"]
            if name == "lo":  # an IPv4 address is the low half of it
                word = np.where(four, word & np.uint64(0xFFFFFFFF), word)
            part = sum(((word >> np.uint64(shift)) & _WORD).astype(np.int64) for shift in (0, 16, 32, 48))
            total += part if name == "lo" else np.where(four, 0, part)
    return total


def _of(rows: Numbers, scene: Scene, first: Numbers, last: Numbers, more: Numbers) -> Found:
    value, has = np.ones(len(scene.packets), np.int64), np.zeros(len(scene.packets), np.bool_)
    if scene.checksums:
        value[rows] = _right(_sums(scene.buffer, first[rows], last[rows]) + more[rows])
    has[rows] = True
    return value, has


def _header(scene: Scene) -> Found:
    """Of the IPv4 header."""
    end, _ = _ends(scene)
    size = (scene.big(scene.network, 1) & 15) * 4
    captured = scene.packets["offset"] + scene.packets["captured"].astype(np.int64)
    last = scene.network + size
    there = (scene.network >= 0) & (size >= _IPV4) & (last <= captured) & (scene.packets["version"] == 4)
    there &= scene.packets["status"] >= IP
    return _of(np.flatnonzero(there), scene, scene.network, last, np.zeros(len(end), np.int64))


def _transport(version: int, protocol: int, *, least: int, place: int = -1) -> Callable[[Scene], Found]:
    """Of a transport header and all behind it; `place` of a checksum that may be none."""

    def get(scene: Scene) -> Found:
        rows = scene.packets
        end, whole = _ends(scene)
        size = end - scene.transport
        there = whole & (scene.transport >= 0) & (rows["proto"] == protocol) & (size >= least)
        there &= (rows["version"] == version) & (rows["status"] == TRANSPORT)
        if place >= 0:
            there &= scene.big(scene.transport + place, 2) != 0
        more = np.zeros(len(rows), np.int64) if protocol == _ICMP else _addresses(scene) + size + protocol
        return _of(np.flatnonzero(there), scene, scene.transport, end, more)

    return get


FIELDS: dict[str, Callable[[Scene], Found]] = {
    "sum.ipv4": _header,
    "sum.tcpv4": _transport(4, 6, least=20),
    "sum.tcpv6": _transport(6, 6, least=20),
    "sum.udpv4": _transport(4, 17, least=8, place=6),
    "sum.udpv6": _transport(6, 17, least=8),
    "sum.icmpv4": _transport(4, _ICMP, least=4),
    "sum.icmpv6": _transport(6, 58, least=4),
}
