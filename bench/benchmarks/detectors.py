"""All detectors together: CPU a flow with ten thousand and with a million sources alive, beside pandas."""

from __future__ import annotations

from bench import machine
from bench.harness import Benchmark, Context, Result, case_name
from bench.ours import detectors as ours
from bench.peers import pandas_features as peer

SOURCES = (10_000, 1_000_000)
FLOWS = 1_000_000


class Detectors(Benchmark):
    """CPU seconds a flow (two reports each); memory reserved is the same however many sources there are."""

    name = "detectors"
    title = "all detectors"
    named = True
    sources = SOURCES
    flows = FLOWS

    def run(self, context: Context) -> Result:
        """Measure, the least of the repeats; one process, so that resident memory is that of all of it."""
        cases: dict[str, float] = {}
        beside: dict[str, float] = {}
        notes: list[str] = []
        present = peer.installed()
        for sources in self.sources:
            case = case_name(sources)
            told = [ours.measure(sources, self.flows) for _ in range(context.repeats)]
            cases[case] = float(f"{min(t['cpu'] for t in told):.4g}")
            memory = [f"{told[-1][what] >> 20:,} MiB {what}" for what in ("reserved", "resident")]
            notes.append(f"{case} sources: {1 / cases[case]:,.0f} flows a CPU second, {', '.join(memory)}")
            context.say(f"{self.name} {notes[-1]}, held {told[-1]['held']}")
            if present:
                rows = ours.flows(sources, self.flows, 1)
                beside[case] = float(f"{peer.measure(rows):.4g}")
                context.say(f"{self.name} {case}: {peer.NAME} {beside[case] * 1e9:,.0f} ns a flow")
        by_size = [cases[case_name(n)] for n in self.sources]
        peers = {peer.NAME: beside} if present else {}
        counts = dict.fromkeys(cases, self.flows)
        return {
            "name": self.name, "unit": "CPU seconds per flow", "ours": cases, "peers": peers,
            "ratios": {n: {c: round(v / cases[c], 3) for c, v in cs.items()} for n, cs in peers.items()},
            "packets": {"ours": counts, "peers": dict.fromkeys(peers, counts)},
            "growth": round(by_size[-1] / by_size[0], 3), "notes": notes,
            "repeats": context.repeats, "machine": machine.facts(), "units": {},
            "versions": {peer.NAME: present} if present else {},
            "absent": {} if present else {peer.NAME: peer.OBTAIN},
        }  # fmt: skip
