# ruff: noqa: E501
"""Capture files of every format, plain and compressed."""

from __future__ import annotations

import gzip
import struct

from tests.fuzz.targets import Target, scratch
from tests.fuzz.targets.packets import FOUR, UDP

ROOMS = ("ingest.capture", "ingest.decode")
PACKET = bytes(12) + b"\x08\0" + FOUR + UDP + bytes(8)


def block(order: str, kind: int, body: bytes) -> bytes:
    """A block of pcapng."""
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))


def pcapng(order: str) -> bytes:
    """A section with an interface, a packet of each kind, and a block of none."""
    head = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    option = struct.pack(order + "HHB3x", 9, 1, 9) + struct.pack(order + "HHq", 14, 8, 1) + bytes(4)
    face = block(order, 1, struct.pack(order + "HHI", 1, 0, 0) + option)
    size = len(PACKET)
    packets = block(order, 6, struct.pack(order + "IIIII", 0, 1, 2, size, size) + PACKET)
    packets += block(order, 3, struct.pack(order + "I", size) + PACKET)
    packets += block(order, 2, struct.pack(order + "HHIIII", 0, 0, 1, 2, size, size) + PACKET)
    return head + face + packets + block(order, 0xBAD, b"abc")


PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + struct.pack("<IIII", 1, 2, 50, 50) + PACKET
SEEDS = (PCAP, struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1) + struct.pack(">IIII", 1, 2, 50, 50) + PACKET,
         pcapng("<"), pcapng(">"), gzip.compress(PCAP, mtime=0), b"\x28\xb5\x2f\xfd\x20\0\1\0\0")  # fmt: skip


def targets() -> dict[str, Target]:
    """Files, opened, walked and decoded."""
    from citywall.errors import InputError
    from ingest.capture.files import open_capture
    from ingest.capture.spool import is_compressed
    from ingest.decode.counts import DecodeCounts
    from ingest.decode.reading import decode_block

    path = scratch() / "c"

    def captures(data: bytes) -> None:
        """Every block has the packets that its reference tells of, wherever blocks end."""
        path.write_bytes(data)
        seen = []
        for size in (64, 1 << 20):
            counts, packets = DecodeCounts(), 0
            try:
                with open_capture(path) as capture:
                    for ref in capture.blocks(size, max_record_bytes=4096):
                        packets += sum(len(rows) for rows in decode_block(ref, capture.buffer, 3, counts))
            except InputError:
                packets = -1
            assert packets <= len(data) or is_compressed(data)
            seen.append((packets, counts.packets))
        assert seen[0] == seen[1]

    return {"captures": Target(captures, SEEDS)}
