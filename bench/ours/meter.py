"""Our decoder and flow meter, with every statistic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.subjects import OURS, SelfTimed

if TYPE_CHECKING:
    from ingest.meter import FlowMeter


class OurMeter(SelfTimed):
    """Decodes as `decode` does and meters flows: reports while they live, statistics when they close."""

    name = OURS
    does = "ingest.capture + ingest.decode + ingest.meter, live reports and statistics of closed flows"
    obtain = "pip install ."
    task = "ours.meter"
    distribution = "citywall"


def run(path: str) -> int:
    """Meter every packet and receive every report."""
    from citywall.domains import Domains, DomainSettings
    from citywall.settings import MeterSettings
    from ingest.meter import FlowMeter

    meter = FlowMeter(MeterSettings(), Domains(DomainSettings()))
    packets = feed(meter, path)
    for _ in meter.drain():
        pass
    return packets


def feed(meter: FlowMeter, path: str, most: int | None = None) -> int:
    """Decode and meter a capture, or about its first `most` packets; the packets metered."""
    from citywall.settings import CaptureSettings
    from ingest.capture import open_capture
    from ingest.decode import decode_block

    settings = CaptureSettings()
    packets = 0
    with open_capture(Path(path)) as capture:
        for block in capture.blocks(settings.block_bytes):
            frame = block.first_frame
            for rows in decode_block(block, capture.buffer, settings.batch_packets):
                for _ in meter.stream(rows, frame, capture.buffer, link_is_ethernet=True):
                    pass
                frame += len(rows)
                packets += len(rows)
                if most is not None and packets >= most:
                    return packets
            capture.release(block)
    return packets
