"""Detection: a benign day's false alerts; attacks put into it at three intensities, found or not, when."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench import machine
from bench.harness import Benchmark, Context, Result
from citywall.addresses import to_text
from citywall.findings import Finding, Severity
from citywall.settings import PRIVATE
from detectors.registry import build
from drills.traffic.accounts import told
from drills.traffic.day import Day, exempt
from drills.traffic.events import Events
from drills.traffic.injections import INJECTIONS, INTENSITIES, Injection, bad_host
from drills.traffic.rows import SECOND, Flows

HOSTS = 2000
Rows = NDArray[np.void]
#: Seconds to detect by attack and intensity, None where it was missed.
Table = dict[str, dict[str, float | None]]
BEGUN = 1_714_521_600 * SECOND  # a Wednesday, midnight UTC
HOURS = range(24)
#: Attacks begin at nine, one every twenty minutes.
FIRST_S, EVERY_S = 9 * 3600.0, 1200.0
#: So many sources or fewer are those of an attack; more are forged or a crowd.
FEW = 3


class Detection(Benchmark):
    """Alerts above informational on a benign day; recall and seconds to detect by attack and intensity."""

    name = "detection"
    title = "detection on a benign day and of attacks put into it"
    named = True
    hosts = HOSTS
    hours = HOURS

    def run(self, context: Context) -> Result:
        """Run the day four times: as it is, and with every attack at each intensity."""
        day = Day(self.hosts, context.seed, BEGUN)
        began = time.process_time()
        benign = [f for f in self._found(day, None) if f.severity > Severity.INFORMATIONAL]
        alerts = {(f.detector, f.entity) for f in benign}
        context.say(f"{self.name}: {len(alerts)} alerts above informational on the benign day")
        table: Table = {}
        for level, intensity in enumerate(INTENSITIES):
            found = [f for f in self._found(day, level) if (f.detector, f.entity) not in alerts]
            for n, attack in enumerate(INJECTIONS):
                hosts, start = marks(n, level)
                told = [f for f in found if tells(f, attack, hosts, start)]
                first = min((f.time for f in told), default=None)
                seconds = None if first is None else round((first - start) / SECOND, 1)
                table.setdefault(attack.id, {})[intensity] = seconds
        return self._result(table, alerts, time.process_time() - began)

    def _found(self, day: Day, level: int | None) -> list[Finding]:
        detectors = build(exempt(), PRIVATE)
        return [
            f
            for rows, events in self._hourly(day, level)
            for f in detectors.process(rows, events, "detection", "test")
        ]

    def _hourly(self, day: Day, level: int | None) -> Iterator[tuple[Rows, Rows]]:
        """The day's flows and events by hours, in order; what a flow reports later is held until then."""
        later, untold = attacks(level)
        for hour in self.hours:
            rows = in_order(np.concatenate([later, day.hour(hour).rows()]))
            events = np.concatenate([untold, told(day, hour).rows()])
            events = events[np.argsort(events["time"], kind="stable")]
            cut, until = (
                int(np.searchsorted(part["time"], BEGUN + (hour + 1) * 3600 * SECOND))
                for part in (rows, events)
            )
            yield rows[:cut], events[:until]
            later, untold = rows[cut:].copy(), events[until:].copy()
        yield later, untold

    def _result(self, table: Table, alerts: set[tuple[str, str]], cpu: float) -> Result:
        recall = {
            i: float(np.mean([row[i] is not None for row in table.values()])) for i in INTENSITIES
        }  # fmt: skip
        ours = {f"recall {i}": round(r, 4) for i, r in recall.items()} | {"benign alerts": float(len(alerts))}
        notes = [
            f"{attack:26} "
            + "  ".join(f"{i} {'missed' if s is None else f'{s:,.1f} s'}" for i, s in row.items())
            for attack, row in table.items()
        ]
        return {
            "name": self.name, "unit": "recall by intensity; alerts above informational a day",
            "ours": ours, "peers": {}, "ratios": {}, "seconds_to_detect": table,
            "benign_alerts": sorted(f"{d} {e}" for d, e in alerts), "hosts": self.hosts,
            "cpu_seconds": round(cpu, 1),
            "repeats": 1, "machine": machine.facts(), "notes": notes, "absent": {},
            "packets": {"ours": {}}, "units": dict.fromkeys(ours, "recall, or alerts a day"),
        }  # fmt: skip


def attacks(level: int | None) -> tuple[Rows, Rows]:
    """The flows and events of every attack at an intensity; none for the day as it is."""
    flows, events = Flows(BEGUN), Events(BEGUN)
    if level is not None:
        for n, attack in enumerate(INJECTIONS):
            attack.play(flows, FIRST_S + n * EVERY_S, level, bad_host(n))
            if attack.tell is not None:
                attack.tell(events, FIRST_S + n * EVERY_S, level, bad_host(n))
    rows = flows.rows()
    rows["flow_id"] ^= np.uint64(1 << 63)  # apart from those of any hour
    return rows, events.rows()


def in_order(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Rows as the stream would bring them."""
    return rows[np.lexsort((rows["report"], rows["flow_id"], rows["time"]))]


def marks(n: int, level: int) -> tuple[set[str], int]:
    """What names the n-th attack in a finding, and when it begins: its source, else its targets."""
    begins = FIRST_S + n * EVERY_S
    parts = INJECTIONS[n].made(BEGUN, begins, level, bad_host(n))
    sources, targets = (
        {to_text(0, lo) for part in parts for lo in np.unique(part[f"{s}_lo"]).tolist()}
        for s in ("src", "dst")
    )
    nets = {f"{a.rsplit('.', 1)[0]}.0" for a in targets}
    # what events tell of before is the habit that an attack breaks
    start = int(parts[0]["first"].min()) if len(parts[0]) else BEGUN + int(begins) * SECOND
    return sources if len(sources) <= FEW else targets | nets, start


def tells(finding: Finding, attack: Injection, hosts: set[str], start: int) -> bool:
    """Whether a finding above informational tells an attack: by the right detector, of the right hosts."""
    ends = {e.address for e in (finding.source, finding.target) if e is not None}
    loud = finding.severity > Severity.INFORMATIONAL and finding.detector in attack.detectors
    return loud and finding.time >= start and bool(hosts & ends)
