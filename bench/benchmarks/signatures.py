"""Signatures: a mix of real captures matched with no, 300 and all rules; the prefilter beside its peers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, NamedTuple

from bench import machine, process
from bench.errors import BenchError
from bench.generator.mixing import write_mix
from bench.harness import Benchmark, Context, Result
from bench.peers import ahocorasick_rs, hyperscan, suricata
from bench.subjects import OURS, PIP

#: Where captures and rules are: `rules/*.rules` and captures anywhere below it.
DATA = "CITYWALL_BENCH_DATA"
RULES = {
    "0 rules": "",
    "0 rules, nothing read": "",
    "300 rules": "et-300.rules",
    "24827 rules": "et-open-2024-04.rules",
}
#: Without rules nothing need be read; Suricata's figure is with all parsers on, so ours beside it is, too.
_AS_RUN = "0 rules, nothing read"
#: Packets of the mix at most, and of what kernels are warmed with.
MOST, WARM = 1_000_000, 1_000
#: Packets a second that Suricata 8.0.6 made of this mix of 1,009,470 packets on a quiet machine of this
#: kind, one thread, alerts only, its own elapsed time after loading. Where it is not installed they are
#: carried over; where it is, it is measured in the same run.
_SURICATA, CARRIED = "suricata 8.0.6", {"0 rules": 860_000, "300 rules": 296_000, "24827 rules": 197_000}
_CARRIED_OVER = "carried over from a quiet machine of this kind, not measured in this run"
_MEASURED = "suricata -k none --runmode single, alerts to a file, loading taken off"
_PREFILTER = "prefilter, 600 B"
_PEERS: dict[str, Any] = {"hyperscan": hyperscan, "ahocorasick-rs": ahocorasick_rs}


class Signatures(Benchmark):
    """CPU seconds a packet after loading, by number of rules; of the prefilter CPU seconds for 600 bytes."""

    name = "signatures"
    title = "signatures"
    named: ClassVar[bool] = True  # it needs captures and rules of others

    def __init__(self, data: Path | None = None, rules: dict[str, str] | None = None) -> None:
        self.data = data_folder(data)
        self.rules = RULES if rules is None else rules

    def run(self, context: Context) -> Result:
        """Measure; raises BenchError."""
        files = {case: self.data / "rules" / name if name else None for case, name in self.rules.items()}
        if missing := [str(path) for path in files.values() if path is not None and not path.is_file()]:
            raise BenchError(f"{missing[0]} is not there: {DATA} names a folder with captures and rules")
        runs: dict[str, list[dict[str, Any]]] = {}
        filters: dict[str, list[dict[str, Any]]] = {}
        beside: dict[str, list[dict[str, Any]]] = {}
        version = suricata.version()
        if version is None:
            context.say(f"{self.name}: suricata is absent: {suricata.OBTAIN}")
        present = {name: peer for name, peer in _PEERS.items() if peer.version()}
        for name in _PEERS.keys() - present.keys():
            context.say(f"{self.name}: {name} is absent: {PIP}")
        with TemporaryDirectory(prefix="citywall-bench-") as folder:
            capture, warm = Path(folder) / "mix.pcap", Path(folder) / "warm.pcap"
            facts = write_mix(capture, self.data, min(context.sizes[0], MOST))
            write_mix(warm, self.data, WARM)
            for repeat in range(context.repeats):
                for case, path in files.items():
                    reading = "all" if path is None and case != _AS_RUN else ""
                    told = reported("ours.signatures", "match", capture, warm, path or "", reading)
                    runs.setdefault(case, []).append(told)
                    context.say(
                        f"{self.name} {case}: {repeat + 1}/{context.repeats}: "
                        f"{told['packets'] / told['cpu']:,.0f} packets a CPU second, "
                        f"{told['memory'] >> 20} MiB"
                    )
                    if version is not None and case != _AS_RUN:
                        told = reported("peers.suricata", capture, warm, path or "")
                        beside.setdefault(case, []).append(told)
                        context.say(
                            f"{self.name} {case}: {repeat + 1}/{context.repeats}: suricata {version} "
                            f"{told['packets'] / told['cpu']:,.0f} packets a CPU second"
                        )
                most = next((path for path in reversed(files.values()) if path is not None), None)
                if most is not None:
                    told = reported("ours.signatures", "prefilter", capture, most)
                    filters.setdefault(OURS, []).append(told)
                    for name, peer in present.items():
                        task = peer.__name__.removeprefix("bench.")
                        filters.setdefault(name, []).append(reported(task, capture, most))
        reference = _Reference(f"suricata {version}", beside) if version else _Reference(_SURICATA, {})
        return _result(context, runs, filters, facts, reference)


def data_folder(given: Path | None) -> Path:
    """Where captures and rules are: as given, as the environment says, or beside the project."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return given or Path(os.environ.get(DATA) or beside)


def reported(task: str, *arguments: object) -> dict[str, Any]:
    """What a task of `bench` measures of itself in a process of its own."""
    argv = [sys.executable, "-m", "bench.worker", "report", task, *(str(a) for a in arguments)]
    told: dict[str, Any] = json.loads(process.run(argv).output.splitlines()[-1])
    return told


class _Reference(NamedTuple):
    """Suricata: its name, and what it told by number of rules; nothing where it is carried over."""

    name: str
    tolds: dict[str, list[dict[str, Any]]]

    def samples(self, cases: Iterable[str]) -> dict[str, list[float]]:
        """CPU seconds a packet."""
        if not self.tolds:
            return {case: [1 / CARRIED[case]] for case in cases if case in CARRIED}
        return {case: [t["cpu"] / t["packets"] for t in tolds] for case, tolds in self.tolds.items()}


def _result(
    context: Context,
    runs: dict[str, list[dict[str, Any]]],
    filters: dict[str, list[dict[str, Any]]],
    facts: dict[str, int],
    reference: _Reference,
) -> Result:
    samples = {case: [told["cpu"] / told["packets"] for told in tolds] for case, tolds in runs.items()}
    costs: dict[str, dict[str, float]] = {OURS: {case: min(some) for case, some in samples.items()}}
    spread = {OURS: {case: max(some) / min(some) - 1 for case, some in samples.items()}}
    theirs = reference.samples(runs)
    costs[reference.name] = {case: min(some) for case, some in theirs.items()}
    spread[reference.name] = {case: max(some) / min(some) - 1 for case, some in theirs.items()}
    for name, tolds in filters.items():
        each = [told["seconds"] / max(1, told["bytes"]) * 600 for told in tolds]
        costs.setdefault(name, {})[_PREFILTER] = min(each)
        spread.setdefault(name, {})[_PREFILTER] = max(each) / max(min(each), 1e-12) - 1
    packets = {who: dict.fromkeys(cases, facts["packets"]) for who, cases in costs.items()}
    zero = {who: {case: {"wall": 0.0, "cpu": 0.0} for case in cases} for who, cases in costs.items()}
    return {
        "name": Signatures.name,
        "unit": "CPU seconds per packet",
        **_split({who: {case: _digits(n) for case, n in cases.items()} for who, cases in costs.items()}),
        "ratios": {
            peer: {case: _digits(cost / costs[OURS][case]) for case, cost in cases.items()}
            for peer, cases in costs.items()
            if peer != OURS and cases
        },
        "wall": _split(costs),
        "startup": _split(zero),
        "packets": _split(packets),
        "spread": _split(
            {
                who: {
                    case: {"cpu": {"relative": _digits(n)}, "wall": {"relative": _digits(n)}}
                    for case, n in cases.items()
                }
                for who, cases in spread.items()
            }
        ),
        "rate": {case: round(1 / cost) for case, cost in costs[OURS].items() if case in runs},
        "load": {
            case: {part: _digits(min(t[part] for t in tolds)) for part in ("parse", "compile")}
            for case, tolds in runs.items()
        },
        "memory": {
            case: {"rules": min(t["rules_bytes"] for t in tolds), "matching": max(t["memory"] for t in tolds)}
            for case, tolds in runs.items()
        },
        "alerts": {case: tolds[0]["alerts"] for case, tolds in runs.items()},
        "repeats": context.repeats,
        "machine": machine.facts(),
        "versions": {OURS: machine.version("citywall")}
        | {n: v for n, p in _PEERS.items() if (v := p.version())},
        "does": {
            OURS: "whole capture: decode, streams, application layers, rules; alerts kept in memory; with "
            "rules what they can see is read, without them everything is but where nothing is said to be",
            reference.name: _MEASURED if reference.tolds else _CARRIED_OVER,
        },
        "absent": dict.fromkeys(sorted(_PEERS.keys() - filters.keys()), PIP)
        | ({} if reference.tolds else {"suricata": suricata.OBTAIN}),
        "captures": {"mix": facts},
        "units": {},
        "notes": _notes(runs, filters, costs, reference),
    }


def _notes(
    runs: dict[str, list[dict[str, Any]]],
    filters: dict[str, list[dict[str, Any]]],
    costs: dict[str, dict[str, float]],
    reference: _Reference,
) -> list[str]:
    notes = [] if reference.tolds else [f"{reference.name} is {_CARRIED_OVER}"]
    for case, tolds in reference.tolds.items():
        notes.append(f"{case}: {reference.name} tells {tolds[0]['alerts']:,} alerts")
    for case, tolds in runs.items():
        told = tolds[0]
        notes.append(
            f"{case}: {1 / costs[OURS][case]:,.0f} packets a CPU second, loaded in "
            f"{min(t['parse'] for t in tolds):.1f} s and {min(t['compile'] for t in tolds):.1f} s, rules "
            f"{told['rules_bytes'] >> 20} MiB, matching {max(t['memory'] for t in tolds) >> 20} MiB, "
            f"{sum(told['alerts'].values()):,} alerts"
        )
    for name, tolds in filters.items():
        told, cost = tolds[0], costs[name][_PREFILTER]
        rate = 600 / cost / 1e9 if cost else 0.0
        notes.append(f"{_PREFILTER}: {name} {rate:.2f} GB/s for {told['literals']:,} literals without case")
    return notes


def _split(told: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"ours": told[OURS], "peers": {who: cases for who, cases in told.items() if who != OURS and cases}}


def _digits(value: float) -> float:
    return float(f"{value:.5g}")
