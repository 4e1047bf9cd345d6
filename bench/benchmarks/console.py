"""The console's list of alerts over a large store, beside the same over a small one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import machine
from bench.errors import BenchError
from bench.harness import Benchmark, Context, Result, case_name
from bench.ours.console import fill
from bench.subjects import OURS

#: Alerts of the small store, which is taken for the peer: what does not grow with the store has a ratio of 1.
SMALL = 1_000
_ASPECTS = ("open", "move", "page")
_LIMIT_S = 600


class ConsoleBenchmark(Benchmark):
    """CPU seconds to open the list, to move a row, and a page; the ratio says how much a large store adds."""

    name = "console"
    title = "the console's list of alerts"
    named = True

    def run(self, context: Context) -> Result:
        """Measure; `alerts` of the context are the large store's."""
        facts = machine.facts()
        runs: dict[int, list[dict[str, float]]] = {SMALL: [], context.alerts: []}
        with TemporaryDirectory(prefix="citywall-bench-") as folder:
            for count in runs:
                context.say(f"{self.name}: writing {count:,} alerts")
                fill(Path(folder) / str(count), count)
            for repeat in range(context.repeats):
                for count, found in runs.items():
                    found.append(_measured(Path(folder) / str(count)))
                    context.say(
                        f"{self.name} {case_name(count)}: {repeat + 1}/{context.repeats}: {found[-1]}"
                    )
        return _result(runs, context, facts)


def _measured(folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.ours.console", str(folder)],
        capture_output=True, text=True, check=False, timeout=_LIMIT_S,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"the console could not be measured: {done.stderr.strip()[-500:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _result(runs: dict[int, list[dict[str, float]]], context: Context, facts: dict[str, Any]) -> Result:
    large, small = ({k: min(r[k] for r in runs[n]) for k in runs[n][0]} for n in (context.alerts, SMALL))
    peer = f"{case_name(SMALL)} alerts"
    walls = {aspect: large[f"{aspect}_wall"] for aspect in _ASPECTS}
    empty: dict[str, dict[str, Any]] = {"ours": {}, "peers": {peer: {}}}
    return {
        "name": ConsoleBenchmark.name,
        "unit": "CPU seconds",
        "ours": {aspect: large[aspect] for aspect in _ASPECTS},
        "peers": {peer: {aspect: small[aspect] for aspect in _ASPECTS}},
        "ratios": {peer: {aspect: float(f"{small[aspect] / large[aspect]:.4g}") for aspect in _ASPECTS}},
        "walls": walls,
        "notes": [_note(context.alerts, large, walls)],
        "memory": {OURS: large["memory"], peer: small["memory"]},
        "alerts": context.alerts,
        "rows_held": large["rows"],
        "repeats": context.repeats,
        "machine": facts,
        "figure": "least",
        "packets": empty,
        "wall": empty,
        "startup": empty,
        "spread": empty,
        "units": {},
        "absent": {},
        "versions": {},
        "captures": {},
    }


def _note(alerts: int, large: dict[str, float], walls: dict[str, float]) -> str:
    return (
        f"{alerts:,} alerts: the list opens in {large['open']:.2f} s of processor time"
        f" ({walls['open']:.2f} s by the clock), moves in {large['move'] * 1e3:.1f} ms"
        f" ({walls['move'] * 1e3:.1f} ms), turns a page in {large['page'] * 1e3:.1f} ms"
        f" ({walls['page'] * 1e3:.1f} ms), and holds {large['memory'] / (1 << 20):.0f} MiB"
    )
