# ruff: noqa: E501
"""Segments of a TCP connection, in whatever order and however they overlap."""

from __future__ import annotations

from tests.fuzz.targets import CUT, Target

ROOMS = ("ingest.reassembly",)
#: Direction and flags, sequence (2), acknowledgement (2), length of a segment.
SEGMENTS = CUT.join(
    (b"\x02\0\0\0\0\0", b"\x92\0\0\0\1\0", b"\x10\0\1\0\1\0", b"\x18\0\1\0\1\x0a", b"\x18\0\x15\0\1\x0a",
     b"\x18\0\x0b\0\1\x0a", b"\x90\0\1\0\x1f\0", b"\x18\0\x0a\0\1\x14", b"\x11\0\x1f\0\1\0", b"\x14\0\1\0\1\0")
)  # fmt: skip


def targets() -> dict[str, Target]:
    """One connection, under every policy."""
    import numpy as np

    from citywall.applicationsettings import ApplicationSettings
    from citywall.batches import PACKET, REASONS
    from ingest.decode import kernels
    from ingest.reassembly.streams import Reassembler

    def packet(part: bytes, number: int) -> bytes:
        back, flags = part[0] >> 7, part[0] & 0x3F
        size = part[5] if len(part) > 5 else 0
        ends = (
            b"\x0a\0\0\2\x0a\0\0\1" if back else b"\x0a\0\0\1\x0a\0\0\2",
            b"\0\x50\x10\0" if back else b"\x10\0\0\x50",
        )
        tcp = (
            ends[1]
            + bytes(2)
            + part[1:3]
            + bytes(2)
            + part[3:5]
            + b"\x50"
            + bytes((flags,))
            + b"\x20\0"
            + bytes(4)
        )
        total = (20 + len(tcp) + size).to_bytes(2, "big")
        return b"\x45\0" + total + bytes(4) + b"\x40\6\0\0" + ends[0] + tcp + bytes((number & 0xFF,)) * size

    def read(rows, buffer, settings, cut: int) -> tuple[list[tuple[int, ...]], dict[str, int]]:
        reassembler, told = Reassembler(settings), []
        for at in range(0, len(rows), cut):
            for batch in reassembler.add(rows[at : at + cut], at + 1, buffer):
                told += [tuple(p) for p in batch.pieces[["direction", "gap", "length", "frame"]].tolist()]
            parts = {name: np.array(part) if isinstance(part, np.ndarray) else part
                     for name, part in reassembler.snapshot().items()}  # fmt: skip
            reassembler = Reassembler(settings)
            reassembler.restore(parts)
        for batch in reassembler.end():
            told += [tuple(p) for p in batch.pieces[["direction", "gap", "length", "frame"]].tolist()]
        return told, dict(reassembler.counts)

    def streams(data: bytes) -> None:
        """What comes out is the same however the packets were cut."""
        records = [packet(part, i) for i, part in enumerate(data.split(CUT)) if len(part) >= 5]
        raw = b"".join(
            n.to_bytes(4, "little") + bytes(4) + 2 * len(part).to_bytes(4, "little") + part
            for n, part in enumerate(records)
        )
        buffer = np.frombuffer(raw, np.uint8)
        rows, reasons = np.empty(len(records), PACKET), np.zeros(len(REASONS), np.int64)
        if records:
            kernels.decode_pcap(buffer, 0, len(raw), np.uint64(0), False, 1, 101, rows, reasons)
        for policy in ("bsd", "first", "last", "linux", "windows"):
            given = ApplicationSettings(
                memory_mib=4, policy=policy, midstream=policy == "last", inline=policy == "first"
            )
            whole = read(rows, buffer, given, max(len(rows), 1))
            assert read(rows, buffer, given, 2) == whole

    return {"streams": Target(streams, (SEGMENTS,))}
