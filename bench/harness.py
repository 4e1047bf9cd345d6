"""Running subjects side by side, and what a comparison comes to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bench import machine
from bench.captures import Captures, page_cache_holds
from bench.subjects import Figure, Run, Subject

Result = dict[str, Any]
#: Alerts indexed by the standard run.
ALERTS = 200_000
#: Kills of the standard run, the seconds they may take, and how long a store is away.
KILLS, LIMIT_S, OUTAGE_S = 100, 5400.0, 120.0
UNIT = "CPU seconds per packet"


@dataclass(frozen=True)
class Context:
    """How a benchmark is to be run: captures of these sizes, so many repeats, and who hears of progress.

    `alerts` is how many are indexed where that is measured. `kills`, `limit_s` and `outage_s` say how a run
    is disturbed, `seed` when.
    """

    sizes: tuple[int, ...]
    repeats: int
    captures: Captures
    say: Callable[[str], None]
    alerts: int = ALERTS
    kills: int = KILLS
    limit_s: float = LIMIT_S
    outage_s: float = OUTAGE_S
    seed: int = 1


class Benchmark(ABC):
    """One comparison. `run` gives the JSON object of the benchmark.

    A result whose `failed` says something makes the exit code 1. `named`: run only where it is named, for it
    takes long.
    """

    name: str
    title: str
    named: ClassVar[bool] = False

    @abstractmethod
    def run(self, context: Context) -> Result:
        """Measure; raises BenchError."""


def case_name(packets: int) -> str:
    """`2M`, `200k` or the plain number."""
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if packets % unit == 0 and packets:
            return f"{packets // unit}{letter}"
    return str(packets)


def compare(name: str, context: Context, ours: Subject, peers: Sequence[Subject]) -> Result:
    """Measure ours and the peers that are present, on captures of every size: ours, peer, ours, peer.

    A peer that is absent is named with the way to get it. A peer that is given only a share of a capture is
    measured on that share once: the share of a larger capture holds the same bytes.
    """
    facts = machine.facts()
    versions = {subject.name: subject.version() for subject in (ours, *peers)}
    present = [peer for peer in peers if versions[peer.name] is not None]
    for peer in peers:
        if peer not in present:
            context.say(f"{name}: {peer.name} is absent: {peer.obtain}")
    known: dict[tuple[str, int], Figure] = {}
    by_case: dict[str, dict[str, Figure]] = {}
    for packets in context.sizes:
        wanted = [s for s in (ours, *present) if (s.name, s.share(packets)) not in known]
        for subject, figure in _measure(name, context, wanted, packets):
            known[subject.name, subject.share(packets)] = figure
        by_case[case_name(packets)] = {
            s.name: known[s.name, s.share(packets)] for s in (ours, *present)
        }  # fmt: skip
    result = _describe(name, by_case, ours, present)
    result["repeats"] = context.repeats
    result["machine"] = facts
    result["versions"] = {subject: told for subject, told in versions.items() if told is not None}
    result["does"] = {subject.name: subject.does for subject in (ours, *peers)}
    result["absent"] = {peer.name: peer.obtain for peer in peers if peer not in present}
    result["captures"] = {case_name(n): context.captures.get(n).facts for n in context.sizes}
    result["units"] = {}
    return result


def _measure(
    name: str, context: Context, subjects: Sequence[Subject], packets: int
) -> list[tuple[Subject, Figure]]:
    runs: dict[str, list[Run]] = {subject.name: [] for subject in subjects}
    for subject in subjects:
        subject.prepare(tuple(context.captures.get(n) for n in subject.sizes(packets)))
    for repeat in range(context.repeats):
        for subject in _turns(subjects):
            captures = tuple(context.captures.get(n) for n in subject.sizes(packets))
            for capture in captures:
                if page_cache_holds(capture):
                    capture.warm()
            run = subject.measure(captures)
            runs[subject.name].append(run)
            context.say(
                f"{name} {case_name(packets)}: {subject.name} {repeat + 1}/{context.repeats}: "
                f"{run.cpu / run.packets * 1e9:,.1f} ns CPU a packet, "
                f"{run.packets:,} packets in {run.wall:.2f} s, start-up {run.startup_wall:.2f} s"
            )
    return [(subject, subject.summarise(runs[subject.name])) for subject in subjects]


def _turns(subjects: Sequence[Subject]) -> Iterator[Subject]:
    """One repeat: ours before each peer, so that whatever disturbs the machine disturbs both."""
    first, *peers = subjects
    yield first
    for i, peer in enumerate(peers):
        if i:
            yield first
        yield peer


def _describe(
    name: str, by_case: dict[str, dict[str, Figure]], ours: Subject, peers: Sequence[Subject]
) -> Result:
    def each(value: Callable[[Figure], Any]) -> dict[str, Any]:
        return {
            "ours": {case: value(figures[ours.name]) for case, figures in by_case.items()},
            "peers": {
                peer.name: {case: value(figures[peer.name]) for case, figures in by_case.items()}
                for peer in peers
            },
        }

    cpu = each(lambda f: _significant(f.cpu))
    wall = each(lambda f: _significant(f.wall))
    return {
        "name": name,
        "unit": UNIT,
        **cpu,
        "ratios": _ratios(cpu),
        "wall": {**wall, "ratios": _ratios(wall)},
        "startup": each(lambda f: {"wall": _significant(f.startup_wall), "cpu": _significant(f.startup_cpu)}),
        "packets": each(lambda f: f.packets),
        "spread": each(
            lambda f: {"cpu": _spread(f.cpu_samples, f.cpu), "wall": _spread(f.wall_samples, f.wall)}
        ),
    }


def _ratios(values: dict[str, Any]) -> dict[str, dict[str, float]]:
    """How many times the peer's cost is ours; wall time may be too disturbed to say."""
    ours = values["ours"]
    return {
        peer: {case: _significant(cost / ours[case]) for case, cost in cases.items() if ours[case] > 0}
        for peer, cases in values["peers"].items()
    }


def _spread(samples: tuple[float, ...], figure: float) -> dict[str, float]:
    """Least and most of the repeats, and their distance as a share of the figure told."""
    least, most = min(samples), max(samples)
    return {
        "least": _significant(least),
        "most": _significant(most),
        "relative": _significant((most - least) / abs(figure)),
    }


def _significant(value: float) -> float:
    """Five significant digits: more than any clock here is good for."""
    return float(f"{value:.5g}")
