"""Random kills of everything that can die: what is lost, what is doubled, how long it takes to go on."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import machine, process
from bench.chaos.play import Outcome, Play
from bench.harness import Benchmark, Context, Result
from bench.services import elasticsearch, kafka
from bench.services.elasticsearch import Elasticsearch
from bench.services.kafka import Kafka

#: Minutes of the scene that is replayed: long enough for several kills in each run.
MINUTES = 10
UNIT = "seconds from a kill until all that waited goes on"


class Chaos(Benchmark):
    """`kill -9` of the owner of a run, a worker, Kafka and Elasticsearch, at moments the seed chooses."""

    name = "chaos"
    title = "killed at random"
    named = True

    def run(self, context: Context) -> Result:
        """Play on servers of our own; raises BenchError where a run sticks."""
        facts = machine.facts()
        with tempfile.TemporaryDirectory(prefix="citywall-chaos-") as name:
            folder = Path(name)
            capture = scene(folder / "scene.pcap", context.seed, MINUTES)
            with servers(folder) as (broker, store):
                play = Play(
                    capture, folder, broker, store, kills=context.kills, seed=context.seed,
                    seconds=context.limit_s, outage_s=context.outage_s,
                    say=lambda line: context.say(f"chaos: {line}"),
                )  # fmt: skip
                outcome = play.run()
        return describe(outcome, context.kills, facts)


def scene(path: Path, seed: int, minutes: int) -> Path:
    """Have a scene with attacks synthesised."""
    command = [
        sys.executable,
        "-m",
        "console",
        "synth",
        str(path),
        "--seed",
        str(seed),
        "--minutes",
        str(minutes),
    ]
    process.run(command, discard=True)
    return path


@contextmanager
def servers(folder: Path) -> Iterator[tuple[Kafka, Elasticsearch]]:
    """A Kafka and an Elasticsearch, both healthy."""
    broker, store = Kafka(folder / "kafka"), Elasticsearch(folder / "elasticsearch")
    try:
        for service in (broker, store):
            service.start()
        for service in (broker, store):
            service.wait_healthy()
        yield broker, store
    finally:
        broker.stop()
        store.kill()


def describe(outcome: Outcome, asked: int, facts: dict[str, str | int | float]) -> Result:
    """The result object; `failed` says what must not be."""
    recovery = {victim: _spread(seconds) for victim, seconds in sorted(outcome.recovery.items())}
    every = _spread([s for seconds in outcome.recovery.values() for s in seconds])
    kills = dict(sorted(outcome.kills.items()))
    told = ", ".join(f"{victim} {n}" for victim, n in kills.items())
    pace = f"{every['min']:.1f} to {every['max']:.1f} s after a kill, median {every['median']:.1f} s"
    notes = [
        f"{outcome.kills.total()} kills ({told}) in {outcome.runs} runs of {outcome.alerts} alerts",
        f"{outcome.lost} lost, {outcome.doubled} doubled, {outcome.different} different",
        f"all that waited goes on {pace}",
        f"an undisturbed run takes {outcome.undisturbed_s:.1f} s, all of this took {outcome.seconds:.0f} s",
    ]
    if outcome.outage_s:
        notes.append(f"Elasticsearch, then Kafka away for {outcome.outage_s:.0f} s in a run, included above")
    if outcome.cut_short:
        notes.append(f"stopped by --seconds before the {asked} kills asked for")
    if outcome.gave_up:
        notes.append(f"{len(outcome.gave_up)} times a program of ours ended by itself and was started again")
    empty: dict[str, dict[str, object]] = {"ours": {}, "peers": {}}
    return {
        "name": Chaos.name,
        "unit": UNIT,
        "ours": {victim: spread["median"] for victim, spread in recovery.items()},
        "peers": {},
        "ratios": {},
        "repeats": outcome.runs,
        "figure": "median",
        "machine": facts,
        "kills": kills,
        "asked": asked,
        "alerts": outcome.alerts,
        "lost": outcome.lost,
        "doubled": outcome.doubled,
        "different": outcome.different,
        "reports": outcome.counts,
        "gave_up": outcome.gave_up,
        "recovery": {"all": every, **recovery},
        "outage": outcome.outage_s,
        "seconds": round(outcome.seconds, 1),
        "undisturbed": round(outcome.undisturbed_s, 1),
        "cut_short": outcome.cut_short,
        "failed": "alerts were lost, doubled or changed" if outcome.wrong else None,
        "notes": notes,
        "versions": {"kafka": kafka.VERSION, "elasticsearch": elasticsearch.VERSION},
        "packets": empty, "wall": empty, "startup": empty, "spread": empty,
        "units": {}, "absent": {}, "captures": {},
    }  # fmt: skip


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    """Least, median, most; zeros where nothing was measured."""
    if not seconds:
        return {"min": 0.0, "median": 0.0, "max": 0.0}
    return {
        "min": round(min(seconds), 2),
        "median": round(statistics.median(seconds), 2),
        "max": round(max(seconds), 2),
    }
