"""What a display knows of a run: the latest progress, rates over the last seconds, alerts seen so far."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from citywall.i18n import tr
from console.documents import Alert, heading

if TYPE_CHECKING:
    from stream.reports import Progress

#: Seconds over which rates are averaged: short enough to follow, long enough to read.
RATE_WINDOW = 3.0
#: Bytes of a file, at most, that are read without being told.
HEADERS = 4096
#: Seconds that a start takes at most when nothing needs to be compiled.
SLOW_START = 6.0


class RunState:
    """Progress so far. `first`: nothing is compiled yet, so that the start takes a while."""

    def __init__(self, language: str, first: bool = False) -> None:
        self.language = language
        self.first = first
        self.latest: Progress | None = None
        self.grades: dict[str, tuple[int, str]] = {}  # alert id to severity and rule
        self._history: deque[tuple[float, int, int]] = deque()

    def update(self, progress: Progress, *, tell: bool = True) -> list[Alert]:
        """Take a snapshot; returns the alerts to tell: new ones, and those that became more severe.

        None where they are not to be told: reading all of an alert is dear, and there may be thousands.
        """
        self.latest = progress
        self._history.append((progress.seconds, progress.bytes_done, progress.packets))
        while len(self._history) > 2 and progress.seconds - self._history[1][0] >= RATE_WINDOW:
            self._history.popleft()
        told = []
        for document in progress.new_alerts:
            name, severity, rule = heading(document)
            if tell and severity > self.grades.get(name, (0, ""))[0]:
                told.append(Alert.of(document, self.language))
            self.grades[name] = (severity, rule)
        return told

    @property
    def rates(self) -> tuple[float, float]:
        """Bytes and packets a second over the last seconds; 0 before there are two snapshots."""
        if len(self._history) < 2:
            return 0.0, 0.0
        (start, bytes_then, packets_then), (stop, bytes_now, packets_now) = (
            self._history[0],
            self._history[-1],
        )
        elapsed = stop - start
        if elapsed <= 0:
            return 0.0, 0.0
        return max(bytes_now - bytes_then, 0) / elapsed, max(packets_now - packets_then, 0) / elapsed

    @property
    def left(self) -> float | None:
        """Seconds until the input is read at the present rate; None while that is unknown."""
        if self.latest is None:
            return None
        if self.read:
            return 0.0
        rate = self.rates[0]
        return (self.latest.bytes_total - self.latest.bytes_done) / rate if rate > 0 else None

    @property
    def read(self) -> bool:
        """Whether the input is read but for file headers, which count for nothing: stages are finishing."""
        if self.latest is None:
            return False
        unread = self.latest.bytes_total - self.latest.bytes_done
        return unread <= min(HEADERS * max(self.latest.sessions, 1), self.latest.bytes_total // 100)

    def starting(self, elapsed: float = 0.0) -> str | None:
        """What is done before anything is read, `elapsed` seconds into the run; None once something was.

        A start that takes long is one that compiles: kernels are kept until their sources change.
        """
        if self.latest is not None and (
            self.latest.packets or self.latest.flows or not self.latest.bytes_total
        ):
            return None
        return tr("run.compiling" if self.first or elapsed >= SLOW_START else "run.starting", self.language)

    @property
    def fraction(self) -> float:
        """How much of the input has been read, 0 to 1."""
        if self.latest is None or self.latest.bytes_total <= 0:
            return 0.0
        return min(self.latest.bytes_done / self.latest.bytes_total, 1.0)

    def by_severity(self) -> Counter[int]:
        """Alerts seen, by severity."""
        return Counter(severity for severity, _ in self.grades.values())

    def by_rule(self) -> Counter[str]:
        """Alerts seen, by the detector or rule that raised them."""
        return Counter(rule for _, rule in self.grades.values())
