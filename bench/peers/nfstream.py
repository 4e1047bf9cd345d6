"""nfstream: the flow meter our statistics are modelled on, without application detection."""

from __future__ import annotations

import sys

from bench import process
from bench.captures import Capture
from bench.subjects import PIP, Command, SelfTimed

DOES = "NFStreamer, statistical_analysis=True, n_dissections=0, n_meters=1, every flow received"


class Nfstream(SelfTimed):
    """Meters flows with statistics; its meter is a process of its own and counts too."""

    name = "nfstream"
    does = DOES
    obtain = PIP
    cap = 2_000_000
    task = "peers.nfstream"
    distribution = "nfstream"


class NfstreamProcess(Command):
    """The same as one whole process, for comparison with a whole run of ours."""

    name = "nfstream"
    does = f"{DOES}, whole process"
    obtain = PIP
    cap = 2_000_000

    def version(self) -> str | None:
        """The version of the library."""
        return Nfstream().version()

    def usage(self, capture: Capture) -> process.Usage:
        """Run a process that meters the capture."""
        code = f"from bench.peers.nfstream import run; run({str(capture.path)!r})"
        return process.run([sys.executable, "-c", code])


def run(path: str) -> int:
    """Meter every packet and receive every flow."""
    from nfstream import NFStreamer

    packets = 0
    for flow in NFStreamer(
        source=path, statistical_analysis=True, n_dissections=0, n_meters=1, accounting_mode=1
    ):
        packets += flow.bidirectional_packets
    return packets
