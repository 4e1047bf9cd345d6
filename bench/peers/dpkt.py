"""dpkt: Python packet parsing, Ethernet to transport."""

from __future__ import annotations

from pathlib import Path

from bench.subjects import PIP, SelfTimed


class Dpkt(SelfTimed):
    """Reads records and parses each from its Ethernet header up to TCP, UDP or ICMP."""

    name = "dpkt"
    does = "read records, parse Ethernet to transport"
    obtain = PIP
    cap = 2_000_000
    task = "peers.dpkt"
    distribution = "dpkt"


def run(path: str) -> int:
    """Parse every packet and look at its addresses and ports, as our decoder does."""
    import dpkt

    packets = 0
    with Path(path).open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            packets += 1
            network = dpkt.ethernet.Ethernet(frame).data
            if isinstance(network, dpkt.ip.IP | dpkt.ip6.IP6):
                _ = network.src, network.dst, network.p
                if isinstance(network.data, dpkt.tcp.TCP | dpkt.udp.UDP):
                    _ = network.data.sport, network.data.dport
    return packets
