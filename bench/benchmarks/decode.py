"""Packet decode: from a capture file to columns."""

from __future__ import annotations

from bench.harness import Benchmark, Context, Result, compare
from bench.ours.decode import OurDecode
from bench.peers.dpkt import Dpkt
from bench.peers.scapy import Scapy
from bench.peers.tcpdump import Tcpdump


class Decode(Benchmark):
    """Our decoder beside Python parsers, and beside what libpcap needs to read the file at all."""

    name = "decode"
    title = "decode"

    def run(self, context: Context) -> Result:
        """Measure."""
        return compare(self.name, context, OurDecode(), [Dpkt(), Scapy(), Tcpdump()])
