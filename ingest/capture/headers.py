"""Headers of capture files: pcap's file header, pcapng's section and interface blocks.

draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Nothing here touches packets.
"""

from __future__ import annotations

import struct

from citywall.errors import InputError, UnsupportedInput
from ingest.decode.blocks import Interface, Section

PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
_BYTE_ORDER = 0x1A2B3C4D
# magic: (big endian, nanoseconds a unit of the fraction)
_PCAP_MAGICS = {
    b"\xd4\xc3\xb2\xa1": (False, 1000),
    b"\xa1\xb2\xc3\xd4": (True, 1000),
    b"\x4d\x3c\xb2\xa1": (False, 1),
    b"\xa1\xb2\x3c\x4d": (True, 1),
}
# Formats people mistake for captures that Citywall reads: first bytes, name.
_OTHERS = (
    (b"\x34\xcd\xb2\xa1", "Kuznetzov's modified pcap"),
    (b"\xa1\xb2\xcd\x34", "Kuznetzov's modified pcap"),
    (b"snoop\0\0\0", "snoop"),
    (b"TRSNIFF data", "Sniffer"),
    (b"XCP\0", "NetXRay"),
    (b"GMBU", "Microsoft Network Monitor"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "zip"),
)
PCAP_HEADER = 24
_MAX_OFFSET = (1 << 62) - 1
_OPT_TSRESOL, _OPT_TSOFFSET = 9, 14


def sniff(path: str, head: bytes) -> str:
    """`"pcap"` or `"pcapng"` by a file's first bytes; raises UnsupportedInput saying what else it is."""
    if head[:4] in _PCAP_MAGICS:
        return "pcap"
    if head[:4] == PCAPNG_MAGIC:
        return "pcapng"
    for magic, name in _OTHERS:
        if head.startswith(magic):
            raise UnsupportedInput(path, f"not a pcap or pcapng capture: {name} is not supported", offset=0)
    kind = "text" if _is_text(head) else "data of an unknown format"
    raise UnsupportedInput(path, f"not a pcap or pcapng capture: begins with {kind} {head[:16]!r}", offset=0)


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as e:
        if e.start < len(head) - 3:
            return False
        text = head[: e.start].decode("utf-8")
    return bool(text) and all(c.isprintable() or c.isspace() for c in text)


def pcap_section(path: str, head: bytes) -> Section:
    """The section that a pcap file is, from its first 24 bytes; raises InputError."""
    if len(head) < PCAP_HEADER:
        raise InputError(
            path, f"the pcap file header is cut short: {len(head)} of 24 bytes", offset=len(head)
        )
    big, unit = _PCAP_MAGICS[head[:4]]
    major, minor = struct.unpack(">HH" if big else "<HH", head[4:8])
    # Before 2.3 the two lengths of a record stand the other way round. They differ where a packet was cut:
    # there the walk tells of a corrupt record.
    if major != 2:
        raise UnsupportedInput(path, f"pcap version {major}.{minor} is not supported", offset=4)
    # The upper bits hold the length of the frame check sequence.
    (network,) = struct.unpack(">I" if big else "<I", head[20:24])
    return Section(
        format="pcap", big_endian=big, interfaces=(Interface(link=network & 0x03FF_FFFF, multiply=unit),)
    )


def section_order(block: bytes) -> bool | None:
    """True where the section header block is big endian, False little; None where it is neither."""
    if len(block) >= 28:
        for big in (False, True):
            length, order, major = struct.unpack(">IIH" if big else "<IIH", block[4:14])
            if order == _BYTE_ORDER and major == 1 and length >= 28:
                return big
    return None


def parse_interface(block: bytes, defined: int, big: bool) -> tuple[Interface, bool]:
    """An interface description block (whole, at offset `defined`): (interface, False where it was malformed).

    A malformed one still takes its number, else packets would be put to their neighbours' interface.
    """
    end = "><"[not big]
    if len(block) < 20:
        return Interface(link=0xFFFF, defined=defined), False
    link, _, snap = struct.unpack(end + "HHI", block[8:16])
    options, sound = _options(block[16:-4], end)
    resolution = options.get(_OPT_TSRESOL, b"\x06")
    offset = 0
    if (raw := options.get(_OPT_TSOFFSET)) is not None and len(raw) == 8:
        offset = struct.unpack(end + "q", raw)[0] * 1_000_000_000
    else:
        sound &= raw is None
    if abs(offset) > _MAX_OFFSET:
        offset, sound = 0, False
    if len(resolution) != 1:
        resolution, sound = b"\x06", False
    multiply, divide, shift = timing(resolution[0])
    return Interface(link, defined, offset, multiply, divide, shift, snap), sound


def timing(resolution: int) -> tuple[int, int, int]:
    """if_tsresol to (multiply, divide, shift) of `Interface`: 10**-n, or 2**-n with the top bit set."""
    exponent = resolution & 0x7F
    if resolution & 0x80:
        return (1, 1, exponent) if exponent else (1_000_000_000, 1, 0)
    if exponent <= 9:
        return 10 ** (9 - exponent), 1, 0
    if exponent <= 28:
        return 1, 10 ** (exponent - 9), 0
    return 0, 1, 0  # 64 bits of such ticks are less than a nanosecond


def _options(raw: bytes, end: str) -> tuple[dict[int, bytes], bool]:
    """Options by code (the first of each), and whether the list was well formed."""
    options: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(raw):
        code, length = struct.unpack_from(end + "HH", raw, at)
        if code == 0:
            return options, True
        if at + 4 + length > len(raw):
            return options, False
        options.setdefault(code, raw[at + 4 : at + 4 + length])
        at += 4 + (length + 3 & ~3)
    return options, at >= len(raw)
