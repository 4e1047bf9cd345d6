"""From the kernel's packet ring to capture records.

A block of the ring (TPACKET_V3, Documentation/networking/packet_mmap.rst; include/uapi/linux/if_packet.h)
holds packets that follow each other by offsets, each behind a `struct tpacket3_hdr`. Here they become
little-endian pcap records with nanoseconds, and the 802.1Q tag that the kernel takes out of a frame is put
back. The ring's own fields are in the machine's byte order, little endian wherever we run.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import U8, bare_kernel, copy_bytes, internal, load_le16, load_le32, prefetch
from ingest.decode.kernels import digest_step

# Offsets in struct tpacket3_hdr.
_NEXT, _SEC, _NSEC, _SNAPLEN, _LEN, _STATUS, _MAC, _TCI, _TPID = 0, 4, 8, 12, 16, 20, 24, 32, 36
HEADER = 48
_VLAN_VALID, _TPID_VALID = 1 << 4, 1 << 6
_RECORD = 16
_TAG_AT = 12  # behind both MAC addresses
_BEGINNING = -(1 << 63)

# Why `copy_packets` returned.
DONE, FULL, MALFORMED = 0, 1, 2


@internal
def _put_le32(out, at, value):
    out[at] = np.uint8(value & 0xFF)
    out[at + 1] = np.uint8((value >> 8) & 0xFF)
    out[at + 2] = np.uint8((value >> 16) & 0xFF)
    out[at + 3] = np.uint8((value >> 24) & 0xFF)


@bare_kernel
def copy_packets(ring, at, end, left, snap, out, filled, origin, digest):
    """Copy up to `left` packets of the ring block that ends at `end`, from the one at `at` on.

    ring: u1, the whole ring. out: u1, filled up to `filled` already; its first byte stands at offset `origin`
    of the capture. `snap`: most bytes kept of a packet. `digest` is that of `BlockRef`. Returns (why it
    ended, offset of the next packet, packets left, filled, newest time ns, digest). MALFORMED: the packet at
    that offset reaches out of its block.
    """
    newest = np.int64(_BEGINNING)
    while left > 0:
        if at + HEADER > end:
            return MALFORMED, at, left, filled, newest, digest
        step = np.int64(load_le32(ring, at + _NEXT))
        prefetch(ring, at + step)
        held = np.int64(load_le32(ring, at + _SNAPLEN))
        wire = np.int64(load_le32(ring, at + _LEN))
        status = np.int64(load_le32(ring, at + _STATUS))
        data = at + np.int64(load_le16(ring, at + _MAC))
        if data + held > end or (left > 1 and step == 0):
            return MALFORMED, at, left, filled, newest, digest
        tag = 4 if (status & _VLAN_VALID) != 0 and held >= _TAG_AT else 0
        captured = min(held + tag, snap)
        if filled + _RECORD + captured > out.size:
            return FULL, at, left, filled, newest, digest
        second = np.int64(load_le32(ring, at + _SEC))
        nanosecond = np.int64(load_le32(ring, at + _NSEC))
        wire = max(wire + tag, captured)
        _put_le32(out, filled, second)
        _put_le32(out, filled + 4, nanosecond)
        _put_le32(out, filled + 8, captured)
        _put_le32(out, filled + 12, wire)
        place = origin + filled
        digest = digest_step(
            digest, place, U8(second) | (U8(nanosecond) << U8(32)), U8(captured) | (U8(wire) << U8(32))
        )
        filled += _RECORD
        first = captured
        if tag != 0:
            first = min(captured, np.int64(_TAG_AT))
            tpid = np.int64(load_le16(ring, at + _TPID)) if (status & _TPID_VALID) != 0 else np.int64(0x8100)
            tci = np.int64(load_le32(ring, at + _TCI))
            word = (tpid << 16) | (tci & 0xFFFF)
            for i in range(min(np.int64(4), captured - first)):
                out[filled + first + i] = np.uint8((word >> (24 - 8 * i)) & 0xFF)
        copy_bytes(out, filled, ring, data, first)
        if captured > first + tag:
            copy_bytes(out, filled + first + tag, ring, data + first, captured - first - tag)
        filled += captured
        newest = max(newest, second * 1_000_000_000 + nanosecond)
        left -= 1
        at += step
    return DONE, at, left, filled, newest, digest
