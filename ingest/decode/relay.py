"""Frame relay as a link (LINKTYPE_FRELAY): the Q.922 address, then what RFC 2427 has behind it."""

from __future__ import annotations

LINK = 107
_IPV4, _IPV6, _ARP = 0x0800, 0x86DD, 0x0806
_TAGS = (0x8100, 0x88A8)
_UI = 0x03  # unnumbered information, Q.922
# Network layer protocol identifiers (ISO/IEC TR 9577).
_PADDING, _SNAP, _NLPID_IPV6, _NLPID_IPV4, _NLPID_PPP = 0x00, 0x80, 0x8E, 0xCC, 0xCF
#: Protocols of PPP (RFC 1973: without address and control).
_PPP = {0x0021: _IPV4, 0x0057: _IPV6}
#: By the three bytes of who numbers them: ethertypes, and frames of Ethernet with and without check sequence.
_BY_TYPE, _BRIDGED = b"\0\0\0", b"\0\x80\xc2"
_ETHERNET = (0x0001, 0x0007)
_LONGEST_ADDRESS = 4


def locate(record: bytes) -> tuple[int, int, int]:
    """Where the network header of a frame is: (offset, ethertype, vlan); offset -1 where it has none.

    An ethertype right behind the address is Cisco's own way.
    """
    at = _behind_address(record)
    if at < 0:
        return -1, 0, 0
    if record[at : at + 1] != bytes((_UI,)):
        return _network(record, at + 2, _number(record, at), 0)
    at += 1
    if record[at : at + 1] == bytes((_PADDING,)):
        at += 1
    told = record[at] if at < len(record) else -1
    at += 1
    if told == _SNAP:
        whose, what = record[at : at + 3], _number(record, at + 3)
        if whose == _BRIDGED and what in _ETHERNET:
            return _framed(record, at + 5 + 12)
        return _network(record, at + 5, what if whose == _BY_TYPE else 0, 0)
    if told == _NLPID_PPP:
        return _network(record, at + 2, _PPP.get(_number(record, at), 0), 0)
    return _network(record, at, {_NLPID_IPV4: _IPV4, _NLPID_IPV6: _IPV6}.get(told, 0), 0)


def _behind_address(record: bytes) -> int:
    """Two to four bytes, of which the last alone has its lowest bit set; -1 where that is not so."""
    for size, byte in enumerate(record[:_LONGEST_ADDRESS], 1):
        if byte & 1:
            return size if size > 1 else -1
    return -1


def _number(record: bytes, at: int) -> int:
    return int.from_bytes(record[at : at + 2], "big") if at + 2 <= len(record) else 0


def _framed(record: bytes, at: int) -> tuple[int, int, int]:
    """The type at `at`, behind up to two tags."""
    vlan, kind = 0, _number(record, at)
    for _ in range(2):
        if kind in _TAGS:
            vlan = vlan << 12 | _number(record, at + 2) & 0xFFF
            at += 4
            kind = _number(record, at)
    return _network(record, at + 2, kind, vlan)


def _network(record: bytes, at: int, kind: int, vlan: int) -> tuple[int, int, int]:
    return (at, kind, vlan) if kind in {_IPV4, _IPV6, _ARP} and at < len(record) else (-1, 0, 0)
