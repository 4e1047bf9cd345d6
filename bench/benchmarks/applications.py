"""Streams and application layers: what each part costs a packet of a mix of real captures."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from bench import machine
from bench.benchmarks.signatures import MOST, WARM, data_folder, reported
from bench.generator.mixing import write_mix
from bench.harness import Benchmark, Context, Result
from bench.ours.applications import WITHOUT

#: Reassembly and application events may cost so many times what the meter costs.
AIM = 5
_METER, _STREAMS, _READ = "meter", "streams", "read"
CASES = (_METER, _STREAMS, *WITHOUT, "transactions")
#: What is told apart: what `read` costs above another case, and what it is called.
_APART = {"read, no hashes": "hashes of files", "read, nothing inflated": "bodies inflated"}
_DOES = (
    "meter: decode and flow meter; all others without decoding: streams put together, nothing read; "
    "read: every protocol, all kept, told as it grows as signatures read it; transactions: told at the end"
)


class Applications(Benchmark):
    """CPU seconds a packet by case, the least of the repeats, each in a process of its own, in turns."""

    name = "applications"
    title = "application layers"
    named: ClassVar[bool] = True  # it needs captures of others

    def __init__(self, data: Path | None = None) -> None:
        self.data = data_folder(data)

    def run(self, context: Context) -> Result:
        """Measure; raises BenchError."""
        runs: dict[str, list[dict[str, Any]]] = {case: [] for case in CASES}
        with TemporaryDirectory(prefix="citywall-bench-") as folder:
            capture, warm = Path(folder) / "mix.pcap", Path(folder) / "warm.pcap"
            facts = write_mix(capture, self.data, min(context.sizes[0], MOST))
            write_mix(warm, self.data, WARM)
            for repeat in range(context.repeats):
                for case in CASES:
                    told = reported("ours.applications", case, capture, warm)
                    runs[case].append(told)
                    context.say(
                        f"{self.name} {case}: {repeat + 1}/{context.repeats}: "
                        f"{told['cpu'] / told['packets'] * 1e9:,.0f} ns CPU a packet"
                    )
        return _result(context, runs, facts)


def _result(context: Context, runs: dict[str, list[dict[str, Any]]], facts: dict[str, int]) -> Result:
    costs, spread = _least(runs, "cpu")
    wall, wall_spread = _least(runs, "wall")
    times = {case: _digits(cost / costs[_METER]) for case, cost in costs.items()}
    return {
        "name": Applications.name,
        "unit": "CPU seconds per packet",
        "ours": costs,
        "peers": {},
        "ratios": {},
        "packets": {"ours": dict.fromkeys(costs, facts["packets"]), "peers": {}},
        "spread": {
            "ours": {case: {"cpu": spread[case], "wall": wall_spread[case]} for case in costs},
            "peers": {},
        },
        "wall": {"ours": wall, "peers": {}},
        "startup": {"ours": {case: {"wall": 0.0, "cpu": 0.0} for case in costs}, "peers": {}},
        "times": times,
        "told": {case: tolds[0]["told"] for case, tolds in runs.items()},
        "repeats": context.repeats,
        "machine": machine.facts(),
        "versions": {"citywall": machine.version("citywall")},
        "does": {"citywall": _DOES},
        "absent": {},
        "captures": {"mix": facts},
        "units": {},
        "notes": _notes(costs, times),
    }


def _least(
    runs: dict[str, list[dict[str, Any]]], what: str
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """The least seconds a packet of each case, and how much more the most is, as a share."""
    samples = {case: [told[what] / told["packets"] for told in tolds] for case, tolds in runs.items()}
    least = {case: _digits(min(some)) for case, some in samples.items()}
    spread = {case: {"relative": _digits(max(some) / min(some) - 1)} for case, some in samples.items()}
    return least, spread


def _notes(costs: dict[str, float], times: dict[str, float]) -> list[str]:
    apart = ", ".join(f"{name} {(costs[_READ] - costs[case]) * 1e9:,.0f} ns" for case, name in _APART.items())
    return [
        "times the meter: "
        + ", ".join(f"{case} {ratio:.1f}" for case, ratio in times.items() if case != _METER),
        f"told apart: {apart}; without both {times['read, neither']:.1f} times the meter, the aim is {AIM}",
    ]


def _digits(value: float) -> float:
    return float(f"{value:.5g}")
