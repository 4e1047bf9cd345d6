"""What the backbone costs: the stream over Kafka beside the embedded log, and checkpoints on both."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.captures import MILLION_PACKETS, Capture
from bench.errors import BenchError
from bench.harness import Benchmark, Context, Result, case_name, compare
from bench.ours.backbone import EMBEDDED, Embedded, OverKafka
from bench.ours.end_to_end import run_command
from bench.ours.inline import Inline
from bench.peers.raw_kafka import RawClient
from bench.services.kafka import VERSION, Kafka

UNIT = "wall seconds per packet"
HEAP_MIB = 1024
#: Checkpoints are measured ten times as often as by default, and with a million live flows.
CHECKPOINT = "checkpoint.interval_s=1"


class Backbone(Benchmark):
    """Throughput by the wall clock: same process, capture and core; the broker has the rest of the machine.

    `inline`: the sensor beside the plain client; what takes the blocks has the rest of the machine there.
    `checkpoints`: seconds of all stations' checkpoints, waiting included, as a share of the run's seconds; an
    upper bound, since stations work while another saves.
    """

    name = "backbone"
    title = "`citywall run` over Kafka, wall clock"

    def run(self, context: Context) -> Result:
        """Measure."""
        with _server() as kafka:
            ours = OverKafka(kafka.url)
            result = by_the_wall(compare(self.name, context, ours, [Embedded()]))
            result["versions"]["kafka"] = VERSION
            result["checkpoints"] = self._checkpoints(context, ours)
            inline = by_the_wall(compare("inline", context, Inline(kafka.url), [RawClient(kafka.bootstrap)]))
            result["inline"] = inline
        case = case_name(max(context.sizes))
        result["notes"] = [
            f"{result['ratios'][EMBEDDED][case]:.0%} of the embedded log's throughput ({case} packets)",
            f"inline blocks at {inline['ratios'][RawClient.name][case]:.0%} of the plain client's speed",
            *(
                f"checkpoints, {where}: {told['share']:.1%} of {told['run_s']:.1f} s"
                for where, told in result["checkpoints"].items()
            ),
        ]
        return result

    def _checkpoints(self, context: Context, ours: OverKafka) -> dict[str, dict[str, float]]:
        captures = {
            f"{case_name(max(context.sizes))} packets": context.captures.get(max(context.sizes)),
            "a million live flows": context.captures.get(MILLION_PACKETS, "million"),
        }
        found = {}
        for where, settings in ((EMBEDDED, ()), ("Kafka", ours.settings())):
            for what, capture in captures.items():
                told = found[f"{where}, {what}"] = share(capture, CHECKPOINT, *settings)
                context.say(f"{self.name}: checkpoints, {where}, {what}: {told['share']:.2%}")
        return found


def share(capture: Capture, *settings: str) -> dict[str, float]:
    """What checkpoints took of a run: seconds, of how many, and the share."""
    seconds = json.loads(run_command(capture, *settings).output.splitlines()[-1])["seconds"]
    spent, whole = seconds["checkpoints"], seconds["total"]
    return {"checkpoint_s": round(spent, 3), "run_s": round(whole, 3), "share": round(spent / whole, 5)}


def by_the_wall(result: Result) -> Result:
    """The same result with wall seconds in front, for waiting is no processor time; CPU goes behind.

    Raises BenchError where the wall clock says nothing.
    """
    wall = result["wall"]
    if any(cost <= 0 for cases in (wall["ours"], *wall["peers"].values()) for cost in cases.values()):
        raise BenchError("a large capture took no longer than a small one: the machine is too busy")
    cpu = {key: result[key] for key in ("ours", "peers", "ratios")}
    spread = {
        "ours": {case: _wall_first(s) for case, s in result["spread"]["ours"].items()},
        "peers": {
            peer: {case: _wall_first(s) for case, s in cases.items()}
            for peer, cases in result["spread"]["peers"].items()
        },
    }
    return {**result, **result["wall"], "unit": UNIT, "processor": cpu, "spread": spread}


def _wall_first(spread: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Tables show the spread under `cpu`."""
    return {"cpu": spread["wall"], "wall": spread["wall"]}


@contextmanager
def _server() -> Iterator[Kafka]:
    """A broker of our own, its compiler not held back."""
    with (
        tempfile.TemporaryDirectory(prefix="citywall-bench-") as folder,
        Kafka(Path(folder) / "kafka", heap_mib=HEAP_MIB, quick=False) as kafka,
    ):
        yield kafka
