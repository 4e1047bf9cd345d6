"""The play: an undisturbed run, then runs that are struck at random moments until enough was killed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.chaos import alerts
from bench.chaos.alerts import Difference, Document
from bench.chaos.programs import Program
from bench.chaos.progress import Progress
from bench.chaos.side import Side
from bench.errors import BenchError
from bench.services.elasticsearch import Elasticsearch
from bench.services.kafka import Kafka
from bench.services.service import Service

OWNER, WORKER, KAFKA, ELASTICSEARCH = VICTIMS = ("owner", "worker", "kafka", "elasticsearch")
SEVERAL = "two at once"
#: Seconds between a recovery and the next strike, and between a death and the new start.
PAUSE_S, DEAD_S = (0.3, 3.0), (0.0, 1.5)
#: How often a run may get under way before it is first struck; else it may be struck while it starts.
UNDER_WAY = 0.75
#: How often two are killed at the same moment.
TOGETHER = 0.15
#: Seconds that a run may go without any sign of progress before it counts as stuck.
STUCK_S = 150.0
POLL_S = 0.1


@dataclass
class Outcome:
    """What became of it all.

    `recovery`: by victim, seconds from the kill until every partition where something waited, and every one
    that is fed, was further on; not told where the run ended first.
    """

    alerts: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    recovery: dict[str, list[float]] = field(default_factory=dict)
    runs: int = 0
    lost: int = 0
    doubled: int = 0
    different: int = 0
    counts: list[str] = field(default_factory=list)  # reports that differ
    gave_up: list[str] = field(default_factory=list)  # programs that ended by themselves, with what they said
    outage_s: float = 0.0
    seconds: float = 0.0
    undisturbed_s: float = 0.0
    cut_short: bool = False

    @property
    def wrong(self) -> bool:
        """Whether anything was lost, doubled or changed."""
        return bool(self.lost or self.doubled or self.different or self.counts)


def deck(dice: random.Random) -> Iterator[str]:
    """Victims without end, at random; of any four in a row dealt from the top each comes once."""
    while True:
        yield from dice.sample(VICTIMS, len(VICTIMS))


class Play:
    """Plays on servers that run; `seconds` bounds the kills (the run under way then ends undisturbed)."""

    def __init__(
        self,
        capture: Path,
        folder: Path,
        kafka: Kafka,
        elasticsearch: Elasticsearch,
        *,
        kills: int,
        seed: int,
        seconds: float,
        outage_s: float,
        say: Callable[[str], None],
    ) -> None:
        self._capture = capture
        self._folder = folder
        self._kafka = kafka
        self._elasticsearch = elasticsearch
        self._kills = kills
        self._dice = random.Random(seed)  # noqa: S311 (moments and victims, not secrets)
        self._deck = deck(self._dice)
        self._limit = seconds
        self._outage_s = outage_s
        self._say = say
        self._began = time.monotonic()
        self._expected: dict[str, Document] = {}
        self._counts: dict[str, Any] = {}
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Play to the end. Raises BenchError where a run sticks, and ServiceFailed."""
        self._began = time.monotonic()
        with self._side("undisturbed") as side:
            self._undisturbed(side)
        with self._side("disturbed") as side:
            self._start(side)
            while self._more:
                self._disturbed(side)
            if self._outage_s:
                for server in (self._elasticsearch, self._kafka):
                    self._outage(side, server)
        self.outcome.cut_short = self.outcome.kills.total() < self._kills
        self.outcome.seconds = time.monotonic() - self._began
        return self.outcome

    @property
    def _more(self) -> bool:
        """Whether there is something to kill, and time."""
        left = self._limit - (time.monotonic() - self._began)
        return self.outcome.kills.total() < self._kills and left > 0

    def _side(self, name: str) -> Side:
        return Side(self._folder / name, self._capture, self._kafka, self._elasticsearch)

    def _undisturbed(self, side: Side) -> None:
        self._start(side)
        began = time.monotonic()
        side.owner.start()
        self._end(side)
        self.outcome.undisturbed_s = time.monotonic() - began
        found = side.alerts()
        self._expected = alerts.by_id(found)
        if not found or len(self._expected) != len(found):
            raise BenchError(f"the undisturbed run left {len(found)} alerts, {len(self._expected)} ids")
        self._counts = side.counts()
        self.outcome.alerts = len(found)
        self._say(f"undisturbed: {len(found)} alerts in {self.outcome.undisturbed_s:.1f} s")

    @staticmethod
    def _start(side: Side) -> None:
        side.worker.start()

    def _disturbed(self, side: Side) -> None:
        """One run, struck until it has ended."""
        side.owner.start()
        if self._dice.random() < UNDER_WAY:
            self._until(side, lambda now: bool(now.committed))
        while self._more and self._wait(side, self._dice.uniform(*PAUSE_S)):
            self._strike(side)
        self._end(side)
        self._judge(side, "disturbed")

    def _wait(self, side: Side, seconds: float) -> bool:
        """Let it run for a while; False where it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._mind(side)
            if side.owner.code == 0:
                return False
            time.sleep(POLL_S)
        return side.owner.code != 0

    def _strike(self, side: Side) -> None:
        """Kill one or two, start them again, and wait until the run is further on than it was."""
        names = [next(self._deck)]
        if self._dice.random() < TOGETHER and self.outcome.kills.total() + 1 < self._kills:
            names = list(dict.fromkeys([*names, next(self._deck)]))
        before = side.progress()
        began = time.monotonic()
        victims = [self._victim(side, name) for name in names]
        for victim in victims:
            victim.kill()
        self.outcome.kills.update(names)
        time.sleep(self._dice.uniform(*DEAD_S))
        for victim in victims:
            victim.start()
        for victim in victims:
            if not isinstance(victim, Program):
                victim.wait_healthy()
        at = f"kill {self.outcome.kills.total()}/{self._kills}: {' and '.join(names)}"
        if before is None:
            self._say(f"{at}, before anything was done")
        elif self._until(side, lambda now: now.beyond(before)):
            took = time.monotonic() - began
            kind = names[0] if len(names) == 1 else SEVERAL
            self.outcome.recovery.setdefault(kind, []).append(took)
            self._say(f"{at}, going on after {took:.1f} s")
        else:
            self._say(f"{at}, at the end of the run")

    def _victim(self, side: Side, name: str) -> Service:
        return {
            OWNER: side.owner, WORKER: side.worker, KAFKA: self._kafka, ELASTICSEARCH: self._elasticsearch,
        }[name]  # fmt: skip

    def _mind(self, side: Side) -> None:
        """Start again what gave up by itself, as a supervisor would, and remember it."""
        for name, program in ((OWNER, side.owner), (WORKER, side.worker)):
            if program.code is None or (name == OWNER and program.code == 0):
                continue
            said = " | ".join(program.said().strip().splitlines()[-3:])
            said = said.replace(str(self._folder), "FOLDER")  # results are kept, and no machine's
            self.outcome.gave_up.append(f"{name} ended with {program.code}: {said}")
            self._say(self.outcome.gave_up[-1])
            program.start()

    def _end(self, side: Side) -> None:
        """Wait until the run has ended."""
        self._until(side, lambda _: False)

    def _until(self, side: Side, reached: Callable[[Progress], bool]) -> bool:
        """Wait until the run is that far; False where it ended first. Raises BenchError where it sticks."""
        began, last = time.monotonic(), side.progress()
        while side.owner.code != 0:
            now = side.progress()
            if now is not None and reached(now):
                return True
            if now != last:
                began, last = time.monotonic(), now
            self._mind(side)
            self._see(time.monotonic() - began, side)
            time.sleep(POLL_S)
        return False

    @staticmethod
    def _see(seconds: float, side: Side) -> None:
        if seconds > STUCK_S:
            raise BenchError(
                f"the run is stuck: nothing moved for {seconds:.0f} s\n"
                f"{side.owner.tail()}\n{side.worker.tail()}"
            )

    def _judge(self, side: Side, what: str) -> Difference:
        """Compare what a run left with the undisturbed one."""
        found = alerts.compare(self._expected, side.alerts())
        outcome = self.outcome
        outcome.runs += 1
        outcome.lost += len(found.lost)
        outcome.doubled += len(found.doubled)
        outcome.different += len(found.different)
        other = ""
        if (counts := side.counts()) != self._counts:
            other = f"run {outcome.runs} reports {counts}, not {self._counts}"
            outcome.counts.append(other)
        self._say(
            f"run {outcome.runs} ({what}): {len(found.lost)} lost, {len(found.doubled)} doubled, "
            f"{len(found.different)} different{other and ', and ' + other}"
        )
        return found

    def _outage(self, side: Side, server: Service) -> None:
        """A server is stopped in an orderly way in the middle of a run, and comes back much later."""
        before, patient = side.progress(), len(self.outcome.gave_up)
        side.owner.start()
        run = before and before.run
        if not self._until(side, lambda now: bool(now.waiting) and now.run != run):
            raise BenchError(f"the run ended before {server.name} could be stopped: take a longer scene")
        server.stop()
        self._say(f"{server.name} is away for {self._outage_s:.0f} s")
        ended = not self._wait(side, self._outage_s)
        server.restart()
        self.outcome.outage_s = self._outage_s
        if ended:
            self.outcome.counts.append(f"the run ended although {server.name} was away")
        if len(self.outcome.gave_up) > patient:
            self.outcome.counts.append(f"a program of ours did not wait for {server.name}")
        self._end(side)
        self._judge(side, f"{server.name} away for {self._outage_s:.0f} s")
