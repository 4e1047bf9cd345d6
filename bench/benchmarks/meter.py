"""Flow metering: from a capture file to flow records; and what a million flows weigh."""

from __future__ import annotations

import json
import sys
import tempfile

from bench import process
from bench.captures import MILLION_PACKETS
from bench.harness import Benchmark, Context, Result, case_name, compare
from bench.ours.meter import OurMeter
from bench.peers.nfstream import Nfstream
from bench.peers.softflowd import Softflowd


class Meter(Benchmark):
    """Our decoder and meter beside nfstream (statistics) and softflowd (counts).

    `memory`: bytes of one million live flows above the idle process, a checkpoint in progress included.
    `20M/2M`: cost of a packet in the largest capture over that in the smallest, where there are two sizes.
    """

    name = "meter"
    title = "decode + meter"

    def run(self, context: Context) -> Result:
        """Measure."""
        result = compare(self.name, context, OurMeter(), [Nfstream(), Softflowd()])
        if len(context.sizes) > 1:
            small, large = (case_name(n) for n in (min(context.sizes), max(context.sizes)))
            case = f"{large}/{small}"
            result["ours"][case] = float(f"{result['ours'][large] / result['ours'][small]:.4g}")
            result["units"][case] = "ratio of costs a packet"
        self._add_memory(context, result)
        return result

    def _add_memory(self, context: Context, result: Result) -> None:
        capture = context.captures.get(MILLION_PACKETS, "million")
        with tempfile.TemporaryDirectory() as folder:
            argv = [sys.executable, "-m", "bench.worker", "report", "ours.memory", str(capture.path), folder]
            told = json.loads(process.run(argv).output.splitlines()[-1])
        result["ours"]["memory"] = told["above_idle"]
        result["units"]["memory"] = "bytes above the idle process"
        result["memory"] = told
        context.say(
            f"{self.name} memory: {told['flows']:,} flows, "
            f"{told['above_idle'] >> 20:,} MiB above the idle process"
        )
