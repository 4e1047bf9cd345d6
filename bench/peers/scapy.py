"""Scapy: the reference decoder, every layer dissected."""

from __future__ import annotations

from bench.subjects import PIP, SelfTimed


class Scapy(SelfTimed):
    """Dissects each packet in full."""

    name = "scapy"
    does = "PcapReader, every layer dissected"
    obtain = PIP
    cap = 100_000
    task = "peers.scapy"
    distribution = "scapy"


def run(path: str) -> int:
    """Dissect every packet."""
    import scapy.layers.all  # noqa: F401  (registers the dissectors)
    from scapy.utils import PcapReader

    packets = 0
    with PcapReader(path) as reader:
        for _ in reader:
            packets += 1
    return packets
