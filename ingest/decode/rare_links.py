"""Rare link types that neither the kernels nor Scapy know: where the network header of a record is.

Formats as the registry of link-layer header types at tcpdump.org has them. Each is a function of a record's
bytes that gives a place (`headers`), and raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ingest.decode import relay
from ingest.decode.headers import NOWHERE, Place, network, typed, versioned, word

_SNAP = bytes.fromhex("aaaa03000000")  # RFC 1042: SNAP with the organisation that means ethertypes
_LLC_IP = bytes.fromhex("060603")


def _logical(record: bytes, at: int) -> Place:
    """Behind a header of logical link control (IEEE 802.2) at `at`."""
    if record[at : at + 6] == _SNAP:
        return typed(record, at + 6)
    return versioned(record, at + 3) if record[at : at + 3] == _LLC_IP else NOWHERE


def slip(record: bytes) -> Place:
    """LINKTYPE_SLIP: a direction, fifteen bytes of what a compressed header was (RFC 1144), IP."""
    compressed = len(record) > 1 and record[1] & 0x80 != 0
    return NOWHERE if compressed else versioned(record, 16)


def fddi(record: bytes) -> Place:
    """LINKTYPE_FDDI: frame control, two addresses, LLC where the frame is one of LLC."""
    return _logical(record, 13) if record and record[0] & 0x30 == 0x10 else NOWHERE


def atm_rfc1483(record: bytes) -> Place:
    """LINKTYPE_ATM_RFC1483: LLC (RFC 2684)."""
    return _logical(record, 0)


def sunatm(record: bytes) -> Place:
    """LINKTYPE_SUNATM: flags, path, circuit; LLC where the flags say so."""
    return _logical(record, 4) if record and record[0] & 0x0F == 2 else NOWHERE


def ipnet(record: bytes) -> Place:
    """LINKTYPE_IPNET: 24 bytes of Solaris' loopback, whose second is the address family."""
    return versioned(record, 24) if len(record) > 1 and record[1] in (2, 26) else NOWHERE


def nflog(record: bytes) -> Place:
    """LINKTYPE_NFLOG: a family, then parts of length, kind and value, in the byte order of who logged."""
    if len(record) < 4 or record[0] not in (2, 10):
        return NOWHERE
    little = _nflog(record, "little")
    return little if little != NOWHERE else _nflog(record, "big")


def _nflog(record: bytes, order: Literal["little", "big"]) -> Place:
    at = 4
    while at + 4 <= len(record):
        size, kind = (int.from_bytes(record[i : i + 2], order) for i in (at, at + 2))
        if size < 4:
            break
        if kind & 0x3FFF == 9:  # NFULA_PAYLOAD
            return versioned(record, at + 4)
        at += size + 3 & ~3
    return NOWHERE


def ipoib(record: bytes) -> Place:
    """LINKTYPE_IPOIB: 40 bytes of addresses, then the header of RFC 4391: an ethertype and two of nothing."""
    return network(record, 44, word(record, 40))


def broadcom(record: bytes) -> Place:
    """LINKTYPE_DSA_TAG_BRCM and its like: four bytes of a switch before or amid an Ethernet header."""
    return typed(record, 16)


def dsa(record: bytes) -> Place:
    """LINKTYPE_DSA_TAG_DSA: Marvell's tag behind the addresses; it stands for a VLAN tag where one was."""
    return _marvell(record, 12)


def edsa(record: bytes) -> Place:
    """LINKTYPE_DSA_TAG_EDSA: the same behind an ethertype of its own."""
    return _marvell(record, 16)


def _marvell(record: bytes, at: int) -> Place:
    tagged = at < len(record) and record[at] & 0x20 != 0
    return typed(record, at + 4, word(record, at + 2) & 0xFFF if tagged else 0)


def pktap(record: bytes) -> Place:
    """LINKTYPE_PKTAP: a header that tells its length and the link type of what follows it."""
    size, link = (int.from_bytes(record[i : i + 4], "little") for i in (0, 8))
    inner = {1: _ethernet, 12: _raw, 14: _raw, 101: _raw}.get(link)
    if inner is None or not 12 <= size < len(record):
        return NOWHERE
    at, kind, vlan = inner(record[size:])
    return NOWHERE if at < 0 else (size + at, kind, vlan)


def _ethernet(record: bytes) -> Place:
    return typed(record, 12)


def _raw(record: bytes) -> Place:
    return versioned(record, 0)


#: By link type.
LOCATORS: dict[int, Callable[[bytes], Place]] = {
    8: slip, 10: fddi, 100: atm_rfc1483, 123: sunatm, 226: ipnet, 239: nflog, 242: ipoib,
    relay.LINK: relay.locate, 258: pktap, 281: broadcom, 282: broadcom, 284: dsa, 285: edsa,
}  # fmt: skip
