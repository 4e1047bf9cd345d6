"""The story under `kill -9`: the service dies at random moments of it, and nothing is lost or done twice."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench import machine
from bench.errors import BenchError
from bench.harness import KILLS, Benchmark, Context, Result
from bench.story.kills import Killed
from bench.story.net import Net

#: Kills where nobody says how many.
STANDARD = 20
UNIT = "seconds from a kill until the service answers again"


class StoryBenchmark(Benchmark):
    """Needs root, for network namespaces of its own."""

    name = "story"
    title = "the story, killed at random"
    named = True

    def run(self, context: Context) -> Result:
        """Play it; raises BenchError where it cannot be played."""
        kills = STANDARD if context.kills == KILLS else context.kills
        began, failed = time.monotonic(), ""
        with tempfile.TemporaryDirectory(prefix="citywall-story-") as name, Net() as net:
            played = Killed(Path(name), net, kills=kills, seed=context.seed)
            try:
                played.play()
            except BenchError as e:
                failed = f"while doing {played.doing}: {e}"
            finally:
                played.house.close()
            moments, recovery = played.killer.moments, played.killer.recovery
        return describe(moments, recovery, time.monotonic() - began, failed, machine.facts())


def describe(
    moments: list[str], recovery: list[float], seconds: float, failed: str,
    facts: dict[str, str | int | float],
) -> Result:  # fmt: skip
    """The result object; `failed` says what must not be."""
    spread = {
        "min": round(min(recovery, default=0.0), 2), "max": round(max(recovery, default=0.0), 2),
        "median": round(statistics.median(recovery), 2) if recovery else 0.0,
    }  # fmt: skip
    during = Counter(moment.partition(" ")[0] for moment in moments)
    told = ", ".join(f"{moment} {n}" for moment, n in during.items())
    notes = [
        f"{len(moments)} kills ({told}) in {seconds:.0f} s",
        f"the service answers {spread['min']} to {spread['max']} s after a kill, median {spread['median']} s",
        failed or "no alert, note, approval or record is lost, no action done twice",
    ]
    empty: dict[str, dict[str, object]] = {"ours": {}, "peers": {}}
    return {
        "name": StoryBenchmark.name, "unit": UNIT, "ours": {"service": spread["median"]}, "peers": {},
        "ratios": {}, "repeats": 1, "figure": "median", "machine": facts, "kills": dict(during),
        "recovery": {"service": spread}, "seconds": round(seconds, 1), "failed": failed or None,
        "notes": notes, "versions": {}, "packets": empty, "wall": empty, "startup": empty, "spread": empty,
        "units": {}, "absent": {}, "captures": {},
    }  # fmt: skip
