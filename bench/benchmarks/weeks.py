"""Weeks: what only shows to who knows the weeks before, found or not, when; and false alerts."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench import machine
from bench.benchmarks.detection import BEGUN, Table
from bench.harness import Benchmark, Context, Result
from citywall.batches import EVENT
from citywall.findings import Finding, Severity
from citywall.settings import PRIVATE
from detectors.registry import DETECTORS, build
from drills.traffic.day import exempt
from drills.traffic.injections import INTENSITIES
from drills.traffic.rows import SECOND
from drills.traffic.weeks import DAYS, WRONGS, Weeks

HOSTS = 60
#: The detectors that remember hours and days; the others have a benchmark of a day.
WATCHED = ("slowscan", "requests", "volume", "jobs", "sensors")


class WeeksBenchmark(Benchmark):
    """Alerts above informational in benign weeks; recall and seconds by what goes wrong and how badly."""

    name = "weeks"
    title = "detection over weeks"
    named = True
    hosts = HOSTS
    days = DAYS

    def run(self, context: Context) -> Result:
        """Run the weeks four times: as they are, and with all that goes wrong, more and more badly."""
        weeks = Weeks(self.hosts, context.seed, BEGUN, self.days)
        began = time.process_time()
        found = self._found(weeks, None)
        loud = {(f.detector, f.kind, f.entity) for f in found if f.severity > Severity.INFORMATIONAL}
        hints = {(f.detector, f.kind, f.entity, f.began) for f in found} - loud
        context.say(f"{self.name}: {len(loud)} alerts above informational in {self.days} benign days")
        table: Table = {}
        for level, intensity in enumerate(INTENSITIES):
            told = self._found(weeks, level)
            for wrong in WRONGS:
                start = weeks.began(wrong)
                times = [
                    f.time for f in told
                    if (f.detector, f.kind, f.entity) == (wrong.detector, wrong.kind, wrong.entity)
                    and f.severity > Severity.INFORMATIONAL and f.time >= start
                ]  # fmt: skip
                seconds = round((min(times) - start) / SECOND, 1) if times else None
                table.setdefault(wrong.id, {})[intensity] = seconds
        cpu = round(time.process_time() - began, 1)
        recall = {i: float(np.mean([row[i] is not None for row in table.values()])) for i in INTENSITIES}
        ours = {f"recall {i}": round(r, 4) for i, r in recall.items()}
        ours |= {"benign alerts": float(len(loud)), "benign hints": float(len(hints))}
        notes = [
            f"{wrong:20} "
            + "  ".join(f"{i} {'missed' if s is None else f'{s / 3600:,.2f} h'}" for i, s in row.items())
            for wrong, row in table.items()
        ]
        return {
            "name": self.name, "unit": "recall by intensity; alerts of all the weeks", "ours": ours,
            "peers": {}, "ratios": {}, "seconds_to_detect": table, "hosts": self.hosts, "days": self.days,
            "benign_alerts": sorted(" ".join(a) for a in loud), "cpu_seconds": cpu, "repeats": 1,
            "machine": machine.facts(), "notes": notes, "absent": {}, "packets": {"ours": {}},
            "units": dict.fromkeys(ours, "recall, or alerts"),
        }  # fmt: skip

    def _found(self, weeks: Weeks, level: int | None) -> list[Finding]:
        tables: dict[str, dict[str, Any]] = {n: {"enabled": False} for n in DETECTORS if n not in WATCHED}
        tables |= {name: table for name, table in exempt().items() if name in WATCHED}
        detectors = build(tables, PRIVATE)
        nothing = np.empty(0, EVENT)
        return [f for rows in weeks.hours(level) for f in detectors.process(rows, nothing, "weeks", "test")]
