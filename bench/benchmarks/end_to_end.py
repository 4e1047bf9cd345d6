"""The whole of `citywall run`, detectors, alerts and archive included, signatures not."""

from __future__ import annotations

import json

from bench.captures import MILLION_PACKETS
from bench.harness import Benchmark, Context, Result, compare
from bench.ours.end_to_end import OurRun, run_command
from bench.peers.nfstream import NfstreamProcess
from bench.subjects import WARM_PACKETS

#: So often that checkpoints are written while the flows live.
CHECKPOINT = "checkpoint.interval_s=0.5"


class EndToEnd(Benchmark):
    """Our command beside nfstream, which stops where flow records begin; both as whole processes.

    `memory`: peak bytes of the whole process with one million live flows, over those of the same process with
    next to none, checkpoints included.
    """

    name = "end-to-end"
    title = "end to end"

    def run(self, context: Context) -> Result:
        """Measure."""
        result = compare(self.name, context, OurRun(), [NfstreamProcess()])
        self._add_memory(context, result)
        return result

    def _add_memory(self, context: Context, result: Result) -> None:
        idle = run_command(context.captures.get(WARM_PACKETS), CHECKPOINT)
        full = run_command(context.captures.get(MILLION_PACKETS, "million"), CHECKPOINT)
        told = json.loads(full.output.splitlines()[-1])
        above = full.peak_rss - idle.peak_rss
        result["ours"]["memory"] = above
        result["units"]["memory"] = "bytes above the idle process"
        result["memory"] = {
            "flows": told["flows"],
            "packets": told["packets"],
            "above_idle": above,
            "idle": idle.peak_rss,
            "peak": full.peak_rss,
        }
        context.say(
            f"{self.name} memory: {told['flows']:,} flows, {above >> 20:,} MiB above the idle process"
        )
