"""Our decoder alone: a mapped file, walked and decoded block by block."""

from __future__ import annotations

from pathlib import Path

from bench.subjects import OURS, SelfTimed


class OurDecode(SelfTimed):
    """Walks record headers, cuts blocks, decodes each record to a PACKET row."""

    name = OURS
    does = "ingest.capture walk + ingest.decode, every record a row"
    obtain = "pip install ."
    task = "ours.decode"
    distribution = "citywall"


def run(path: str) -> int:
    """Decode every packet."""
    from citywall.settings import CaptureSettings
    from ingest.capture import open_capture
    from ingest.decode import decode_block

    settings = CaptureSettings()
    packets = 0
    with open_capture(Path(path)) as capture:
        for block in capture.blocks(settings.block_bytes):
            for rows in decode_block(block, capture.buffer, settings.batch_packets):
                packets += len(rows)
            capture.release(block)
    return packets
