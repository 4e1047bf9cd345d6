"""Frame relay as a link (LINKTYPE_FRELAY): the Q.922 address, then what RFC 2427 has behind it."""

from __future__ import annotations

from ingest.decode.headers import IPV4, IPV6, NOWHERE, Place, network, typed, word

LINK = 107
_UI = 0x03  # unnumbered information, Q.922
# Network layer protocol identifiers (ISO/IEC TR 9577).
_PADDING, _SNAP, _NLPID_IPV6, _NLPID_IPV4, _NLPID_PPP = 0x00, 0x80, 0x8E, 0xCC, 0xCF
#: Protocols of PPP (RFC 1973: without address and control).
_PPP = {0x0021: IPV4, 0x0057: IPV6}
#: By the three bytes of who numbers them: ethertypes, and frames of Ethernet with and without check sequence.
_BY_TYPE, _BRIDGED = b"\0\0\0", b"\0\x80\xc2"
_ETHERNET = (0x0001, 0x0007)
_LONGEST_ADDRESS = 4


def locate(record: bytes) -> Place:
    """Where the network header of a frame is; an ethertype right behind the address is Cisco's own way."""
    at = _behind_address(record)
    if at < 0:
        return NOWHERE
    if record[at : at + 1] != bytes((_UI,)):
        return network(record, at + 2, word(record, at))
    at += 1
    if record[at : at + 1] == bytes((_PADDING,)):
        at += 1
    told = record[at] if at < len(record) else -1
    at += 1
    if told == _SNAP:
        whose, what = record[at : at + 3], word(record, at + 3)
        if whose == _BRIDGED and what in _ETHERNET:
            return typed(record, at + 5 + 12)
        return network(record, at + 5, what if whose == _BY_TYPE else 0)
    if told == _NLPID_PPP:
        return network(record, at + 2, _PPP.get(word(record, at), 0))
    return network(record, at, {_NLPID_IPV4: IPV4, _NLPID_IPV6: IPV6}.get(told, 0))


def _behind_address(record: bytes) -> int:
    """Two to four bytes, of which the last alone has its lowest bit set; -1 where that is not so."""
    for size, byte in enumerate(record[:_LONGEST_ADDRESS], 1):
        if byte & 1:
            return size if size > 1 else -1
    return -1
