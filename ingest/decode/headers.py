"""Where a network header is, read from a record's bytes in Python: what the rare links share.

Places are (offset, ethertype, vlan); the offset is -1 where there is neither IP nor ARP. Nothing here raises:
what is cut off holds no header.
"""

from __future__ import annotations

Place = tuple[int, int, int]

NOWHERE: Place = (-1, 0, 0)
IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
_NETWORK = frozenset({IPV4, IPV6, ARP})
_TAGS = frozenset({0x8100, 0x88A8, 0x9100})
_MOST_TAGS = 4


def word(record: bytes, at: int) -> int:
    """Two bytes as a number, 0 where they are cut off."""
    return int.from_bytes(record[at : at + 2], "big") if at + 2 <= len(record) else 0


def network(record: bytes, at: int, kind: int, vlan: int = 0) -> Place:
    """A header at `at` of a kind that was told before it."""
    return (at, kind, vlan) if kind in _NETWORK and at < len(record) else NOWHERE


def typed(record: bytes, at: int, vlan: int = 0) -> Place:
    """Behind an ethertype at `at` and what VLAN tags follow it; of more than two the last two count."""
    for _ in range(_MOST_TAGS):
        if word(record, at) not in _TAGS:
            break
        vlan, at = (vlan << 12 | word(record, at + 2) & 0xFFF) & 0xFFFFFF, at + 4
    return network(record, at + 2, word(record, at), vlan)


def versioned(record: bytes, at: int) -> Place:
    """IP by its first nibble."""
    version = record[at] >> 4 if at < len(record) else 0
    return (at, IPV4 if version == 4 else IPV6, 0) if version in (4, 6) else NOWHERE
