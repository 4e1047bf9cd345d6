"""128-bit addresses as pairs of unsigned 64-bit words.

An IPv4 address a.b.c.d is held as `hi = 0`, `lo = 0xffff_0000_0000 | value` (the IPv4-mapped form of
RFC 4291 §2.5.5.2), so that one pair names one address of either version. A MAC is 48 bits in a u64.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

V4_MAPPED = 0xFFFF_0000_0000
_MASK = (1 << 64) - 1


def to_words(address: str) -> tuple[int, int]:
    """`"10.0.0.5"` or `"2001:db8::1"` to `(hi, lo)`; raises ValueError on anything else."""
    ip = ipaddress.ip_address(address)
    if ip.version == 4:
        return 0, V4_MAPPED | int(ip)
    value = int(ip)
    return value >> 64, value & _MASK


@lru_cache(maxsize=65536)
def to_text(hi: int, lo: int) -> str:
    """`(hi, lo)` to its canonical text (RFC 5952 for IPv6)."""
    if hi == 0 and lo >> 32 == 0xFFFF:
        return f"{lo >> 24 & 255}.{lo >> 16 & 255}.{lo >> 8 & 255}.{lo & 255}"
    return str(ipaddress.IPv6Address(hi << 64 | lo))


def mac_to_text(mac: int) -> str:
    """48-bit integer to `aa:bb:cc:dd:ee:ff`."""
    return ":".join(f"{mac >> shift & 0xFF:02x}" for shift in range(40, -8, -8))


def is_private(hi: int, lo: int) -> bool:
    """Whether the address may be used again behind another gateway.

    RFC 1918, RFC 6598 (shared), RFC 3927 and RFC 4291 (link-local), RFC 4193 (unique local).
    """
    if hi == 0 and lo >> 32 == 0xFFFF:
        v4 = lo & 0xFFFF_FFFF
        return (
            v4 >> 24 == 10
            or v4 >> 20 == 0xAC1
            or v4 >> 16 == 0xC0A8
            or v4 >> 22 == 0x191
            or v4 >> 16 == 0xA9FE
        )
    return hi >> 57 == 0x7E or hi >> 54 == 0x3FA
