"""A run without a terminal: plain lines, a progress line now and then, each alert as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from citywall.i18n import tr
from console import severity, text, units
from console.display.state import RunState
from console.documents import Alert

if TYPE_CHECKING:
    from stream.reports import Progress

#: Seconds between two progress lines of one session.
EVERY = 2.0
#: The same where nothing has changed since.
STILL = 30.0


def alert_line(alert: Alert, language: str) -> str:
    """An alert in one line, nothing cut."""
    mark = severity.mark(alert.severity, language)
    return f"{alert.time} {mark} {alert.title}  {alert.source or '?'} -> {alert.target or '?'}"


def progress_line(state: RunState, language: str) -> str:
    """Where the run stands, in one line."""
    progress = state.latest
    assert progress is not None
    bytes_rate, packet_rate = state.rates
    left = state.left
    return tr(
        "run.progress_line",
        language,
        session=progress.session,
        sessions=progress.sessions,
        path=text.clean(progress.path),
        percent=f"{state.fraction:.0%}",
        packets=units.count(progress.packets),
        rate=units.short(packet_rate),
        bytes_rate=units.size(bytes_rate),
        flows=units.count(progress.flows),
        alerts=units.count(progress.alerts),
        left="-:--" if left is None else units.clock(left),
    )


class PlainDisplay:
    """Writes a run as lines: progress to `err`, alerts to `out` (None: not told)."""

    def __init__(
        self,
        err: TextIO,
        out: TextIO | None,
        language: str,
        *,
        first: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = RunState(language, first)
        self._err = err
        self._out = out
        self._clock = clock
        self._told_at = -EVERY
        self._session = -1
        self._last = ""

    def __enter__(self) -> Self:
        self._write(self._err, self.state.starting() or "")
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._err.flush()

    def __call__(self, progress: Progress) -> None:
        """Take a snapshot; a line where the session is new, or the last line is two seconds old."""
        told = self.state.update(progress, tell=self._out is not None)
        if self._out is not None:
            for alert in told:
                self._write(self._out, alert_line(alert, self.state.language))
        if not progress.session:
            return
        now = self._clock()
        if progress.session == self._session and now - self._told_at < EVERY:
            return
        line = progress_line(self.state, self.state.language)
        if progress.session != self._session or line != self._last or now - self._told_at >= STILL:
            self._session, self._told_at, self._last = progress.session, now, line
            self._write(self._err, line)

    def _write(self, stream: TextIO, line: str) -> None:
        stream.write(line + "\n")
        stream.flush()


class QuietDisplay:
    """Says nothing, and still counts what the summary tells."""

    def __init__(self, language: str) -> None:
        self.state = RunState(language)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, progress: Progress) -> None:
        """Take a snapshot."""
        self.state.update(progress, tell=False)
