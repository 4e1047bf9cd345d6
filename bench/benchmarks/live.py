"""Live traffic: none dropped at an even rate, the same alerts from what was kept, overload accounted for."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from alerts.times import from_iso
from bench import machine
from bench.errors import BenchError
from bench.harness import Benchmark, Context, Result
from bench.live import wire
from bench.story.house import House, wait
from bench.subjects import OURS
from ingest.capture.joining import join
from stream.tapping import INTERFACE

#: Packets a second of the even replay, over all interfaces, and how often the scene is sent on each.
RATE, TIMES, INTERFACES = 50_000, 2, 2
_MINUTES = 30
#: Rings of one mebibyte and two senders on each wire that do not pause.
_OVERLOAD = ("sensor.ring_mib=1",)
_SENDERS = 2
#: Seconds without a change after which nothing more is expected.
_STILL_S = 60.0
#: How long the wire may be silent before a session is ended.
_SILENCE_S = 12.0
#: What was found of whom, when, in which words.
Alerts = list[tuple[str, int, str]]


@dataclass(frozen=True)
class Passed:
    """One service: packets that came in by the kernel's count, were seen, and were dropped; seconds.

    `apart` has the three of each interface.
    """

    arrived: int
    seen: int
    dropped: int
    seconds: float
    apart: tuple[tuple[int, int, int], ...]

    @property
    def missing(self) -> list[int]:
        """Packets of each interface that are neither seen nor counted as dropped."""
        return [arrived - seen - dropped for arrived, seen, dropped in self.apart]

    def told(self) -> dict[str, Any]:
        """For the result."""
        return {
            "arrived": self.arrived, "seen": self.seen, "dropped": self.dropped,
            "missing": sum(self.missing), "per_second": round(self.arrived / self.seconds),
            "interfaces": [list(each) for each in self.apart],
        }  # fmt: skip


class Live(Benchmark):
    """Packets of two wires through one `citywall up`, counted at both ends."""

    name = "live"
    title = "live traffic"
    named: ClassVar[bool] = True

    def run(self, context: Context) -> Result:
        """Measure; raises BenchError where no namespace can be made."""
        from drills.scene import synthesise

        if reason := wire.refusal():
            raise BenchError(reason)
        facts = machine.facts()
        with TemporaryDirectory(prefix="citywall-bench-") as scratch:
            folder = Path(scratch)
            scene = folder / "scene.pcap"
            synthesise(scene, minutes=_MINUTES)
            context.say(f"{self.name}: {RATE:,} packets a second")
            calm, again_at, busy = (House(folder / name) for name in ("even", "again", "flooded"))
            even = _passed(calm, scene, RATE, ())
            live, again = _alerts(calm), _again(calm, again_at)
            context.say(f"{self.name}: {even.told()}; {len(live)} alerts, {len(again)} from what was kept")
            flooded = _passed(busy, scene, 0, _OVERLOAD)
            context.say(f"{self.name}: overloaded: {flooded.told()}")
        counts = {
            "seen": float(even.seen), "dropped": float(even.dropped),
            "overload-seen": float(flooded.seen), "overload-dropped": float(flooded.dropped),
            "alerts": float(len(live)), "alerts-again": float(len(again)),
        }  # fmt: skip
        empty: dict[str, Any] = {"ours": {}, "peers": {}}
        return {
            "name": self.name, "unit": "packets and alerts", "ours": counts, "peers": {}, "ratios": {},
            "even": even.told(), "overload": flooded.told(), "alerts_apart": _moved(live, again),
            "failed": _failed(even, flooded, live, again), "repeats": 1, "machine": facts,
            "packets": empty, "wall": empty, "startup": empty, "spread": empty,
            "units": {name: "packets" if "alerts" not in name else "alerts" for name in counts},
            "versions": {OURS: machine.version("citywall")}, "absent": {},
            "does": {OURS: f"the whole of citywall up, {RATE:,} packets a second over two virtual wires"},
        }  # fmt: skip


def _failed(even: Passed, flooded: Passed, live: Alerts, again: Alerts) -> str:
    if even.dropped or even.seen != even.arrived:
        return f"not all was seen: {even.told()}"
    if any(flooded.missing):
        return f"packets are neither seen nor counted: {flooded.told()}"
    moved = _moved(live, again)
    if moved is None or max(moved[0], default=0.0) > _SILENCE_S:
        return f"alerts differ: {sorted(set(live) ^ set(again))}"
    return "" if flooded.dropped else "the overload was none"


def _passed(house: House, scene: Path, rate: int, settings: tuple[str, ...]) -> Passed:
    """One service, a session of each wire, the scene sent on all of them; the service has ended."""
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(contextlib.closing(wire.Wire())) for _ in range(INTERFACES)]
        stack.callback(house.close)
        named = [part for line in lines for part in ("--interface", line.interface)]
        house.start(*named, *(f"--set={each}" for each in settings))
        wait(lambda: len(house.status().get("sensors", ())) == len(lines), house.told)
        began = time.monotonic()
        senders = [
            line.sending(scene, times=TIMES, rate=rate // len(lines))
            for line in lines
            for _ in range(1 if rate else _SENDERS)
        ]
        codes = [sender.wait() for sender in senders]
        if any(codes):
            raise BenchError("the scene could not be sent")
        seconds = time.monotonic() - began
        arrived = [line.arrived() for line in lines]
        told = _settled(house, sum(arrived))
        house.end()
    counts = [told[f"{INTERFACE}{line.interface}"] for line in lines]
    apart = tuple((n, seen, dropped) for n, (seen, dropped) in zip(arrived, counts, strict=True))
    seen, dropped = (sum(column) for column in zip(*counts, strict=True))
    return Passed(sum(arrived), seen, dropped, seconds, apart)


def _settled(house: House, packets: int) -> dict[str, tuple[int, int]]:
    """Packets analysed and dropped, by sensor, once they come to `packets`, or do not change any more."""
    last: dict[str, tuple[int, int]] = {}
    since = time.monotonic()
    while sum(map(sum, last.values())) < packets and time.monotonic() - since < _STILL_S:
        now = {s["path"]: (s["packets"], s["dropped"]) for s in house.status().get("sensors", ())}
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.2)
    return last


def _again(even: House, again: House) -> Alerts:
    """Alerts of a run over the packets that the even sessions kept: of each its files joined, one session."""
    wholes = []
    for folder in sorted((even.data / "packets").iterdir()):
        wholes.append(again.folder / f"{folder.name}.pcap")
        join(sorted(folder.glob("*.pcap")), wholes[-1])
    again.read("run", *wholes, "--quiet")
    return _alerts(again)


def _alerts(house: House) -> Alerts:
    """What was found, of whom, when (ns), and how it is worded."""
    return sorted(
        (
            f"{a['event']['code']} {a['event']['severity']} {_end(a, 'source')} > {_end(a, 'destination')}",
            from_iso(a["@timestamp"]),
            a["message"],
        )
        for a in house.alerts().values()
    )


def _end(alert: dict[str, Any], side: str) -> str:
    found = alert.get(side, {})
    return f"{found.get('address', '')} {found.get('port', '')}"


def _moved(live: Alerts, again: Alerts) -> tuple[list[float], int] | None:
    """Seconds by which alerts are apart that are so, and how many are worded otherwise; None for others.

    A live session goes on while its wire is silent, a file of what it kept ends with the last packet: what is
    told of flows that are open at the end is told a little later by the one than by the other.
    """
    if [what for what, _, _ in live] != [what for what, _, _ in again]:
        return None
    pairs = list(zip(live, again, strict=True))
    away = [abs(one[1] - other[1]) / 1e9 for one, other in pairs]
    return [seconds for seconds in away if seconds], sum(one[2] != other[2] for one, other in pairs)
