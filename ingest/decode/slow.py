"""Link types the kernels do not know go through `rare_links` or Scapy, one packet at a time.

These only find the network header; the kernels decode from there, so rows mean the same on both paths.
Scapy is GPL-2.0-only and slow to import: an unmodified dependency, loaded when such a link type turns up.
"""

from __future__ import annotations

import importlib
import logging
import struct
import warnings
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.batches import PACKET, REASONS
from ingest.decode.kernels import LINK_TYPE_UNKNOWN, decode_located
from ingest.decode.rare_links import LOCATORS

_SIMPLE = (("IP", 0x0800), ("IPv6", 0x86DD), ("ARP", 0x0806))


@cache
def _scapy() -> Any:
    """The `scapy.all` module; its import-time chatter is not for our users."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("scapy").setLevel(logging.ERROR)
        return importlib.import_module("scapy.all")


@cache
def _dissector(link: int) -> Any | None:
    """Scapy's layer class of a link type, or None where it has none either."""
    try:
        return _scapy().conf.l2types[link]
    except KeyError:
        return None


def locate(link: int, record: bytes) -> tuple[int, int, int] | None:
    """Where the network header of a record is: (offset, ethertype, vlan).

    The offset is -1 where the record holds neither IP nor ARP. None where nobody knows `link`.
    """
    if (rare := LOCATORS.get(link)) is not None:
        return rare(record)
    dissector = _dissector(link)
    if dissector is None:
        return None
    scapy = _scapy()
    try:
        packet = dissector(record)
        for name, kind in _SIMPLE:
            layer = packet.getlayer(name)
            if layer is not None:
                return _offset(record, layer.original), kind, _vlan(packet, scapy)
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
        struct.error,
        scapy.Scapy_Exception,
    ):
        return -1, 0, 0  # what Scapy cannot take apart holds no network header it could show us
    return -1, 0, 0


def _offset(record: bytes, header: bytes) -> int:
    """Offset of a layer's bytes: from the end, or searched for where a trailer was cut off behind them."""
    at = len(record) - len(header)
    return at if header and record[at:] == header else record.find(header[:20]) if header else -1


def _vlan(packet: Any, scapy: Any) -> int:
    vlan, layer = 0, packet.getlayer(scapy.Dot1Q)
    while layer is not None:
        vlan = (vlan << 12 | int(layer.vlan)) & 0xFFFFFF
        layer = layer.payload.getlayer(scapy.Dot1Q)
    return vlan


def decode_slowly(
    buffer: NDArray[np.uint8],
    packets: NDArray[np.void],
    links: NDArray[np.int32],
    reasons: NDArray[np.int64],
) -> int:
    """Decode again, in place, the rows of `packets` (PACKET[n]) whose link type the kernels refused.

    `links` (i4[n]) holds each row's link type; `reasons` (i8) is corrected. Returns rows that were looked at.
    """
    refused = np.flatnonzero(packets["reason"] == LINK_TYPE_UNKNOWN)
    found: list[tuple[int, int, int, int]] = []
    for i in refused.tolist():
        start, size = int(packets["offset"][i]), int(packets["captured"][i])
        place = locate(int(links[i]), buffer[start : start + size].tobytes())
        if place is not None:
            found.append((i, *place))
    if found:
        rows, located, kinds, vlans = np.array(found, np.int64).T.copy()
        decode_located(buffer, rows, located, kinds, vlans, packets, reasons)
    return len(found)


def compile_slow() -> None:
    """Compile the kernel, where that has to be: few captures have such links."""
    buffer, none = np.zeros(1, np.uint8), np.empty(0, np.int64)
    buffer.flags.writeable = False  # as captures are
    decode_located(buffer, none, none, none, none, np.empty(0, PACKET), np.zeros(len(REASONS), np.int64))
