"""What the backbone costs: the stream over Kafka beside the embedded log, and checkpoints on both."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterator
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
#: As good as none: the one at the end of a session stays.
NO_CHECKPOINTS = "checkpoint.interval_s=3600"


class Backbone(Benchmark):
    """Throughput by the wall clock: same process, capture and core; the broker has the rest of the machine.

    `inline`: the sensor beside the plain client; what takes the blocks has the rest of the machine there.
    `inline` takes the smallest capture: its blocks are like any other's.
    `checkpoints`: how much longer a run takes with checkpoints, as often as by default, than without; least
    of the repeats each. `busy_s` are the seconds of all stations' checkpoints, waiting included: more than
    they cost, since stations work while another saves.
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
            small = dataclasses.replace(context, sizes=(min(context.sizes),))
            inline = by_the_wall(compare("inline", small, Inline(kafka.url), [RawClient(kafka.bootstrap)]))
            result["inline"] = inline
        case = case_name(max(context.sizes))
        plain = inline["ratios"][RawClient.name][case_name(min(context.sizes))]
        result["notes"] = [
            f"{result['ratios'][EMBEDDED][case]:.0%} of the embedded log's throughput ({case} packets)",
            f"inline blocks at {plain:.0%} of the plain client's speed",
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
        for where, settings in ((EMBEDDED, tuple), ("Kafka", ours.settings)):
            for what, capture in captures.items():
                told = found[f"{where}, {what}"] = share(capture, context.repeats, settings)
                context.say(f"{self.name}: checkpoints, {where}, {what}: {told['share']:.2%}")
        return found


def share(capture: Capture, repeats: int, settings: Callable[[], tuple[str, ...]]) -> dict[str, float]:
    """What checkpoints took of a run: seconds with and without them, and the share of the former."""
    runs: dict[bool, list[dict[str, float]]] = {True: [], False: []}
    for _ in range(repeats):
        for saving, told in runs.items():
            more = () if saving else (NO_CHECKPOINTS,)
            output = run_command(capture, *settings(), *more).output
            told.append(json.loads(output.splitlines()[-1])["seconds"])
    kept, without = (min(told, key=lambda seconds: seconds["total"]) for told in runs.values())
    spent = max(kept["total"] - without["total"], 0.0)
    return {
        "run_s": round(kept["total"], 3),
        "without_s": round(without["total"], 3),
        "share": round(spent / kept["total"], 5),
        "busy_s": round(kept["checkpoints"], 3),
    }


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
