"""A run on a terminal: a few lines that change in place, and alerts that scroll by above them.

The bar is drawn with coloured spaces (or `#` and `.` without colour) and everything else in ASCII or
Chinese: box-drawing and block characters are one cell wide on some terminals and two on others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.text import Text

from citywall.i18n import tr
from console import severity, text, units
from console.display.state import RunState
from console.documents import Alert

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from stream.reports import Progress

#: Alerts of one snapshot that are told one by one, the most severe; of the rest only how many.
TOLD_AT_ONCE = 20
_REFRESH = 8
_BAR = (10, 40)


def bar(fraction: float, cells: int, colour: bool) -> Text:
    """A bar of `cells` that is full at 1.0."""
    full = int(fraction * cells)
    if not colour:
        return Text("#" * full + "." * (cells - full))
    return Text.assemble((" " * full, "on green"), (" " * (cells - full), "on bright_black"))


def alert_lines(alert: Alert, language: str, width: int) -> list[Text]:
    """An alert: time, severity, title, who to whom; on two lines where one is too narrow for it."""
    hour = alert.time[11:19] if len(alert.time) >= 19 else alert.time
    line = Text.assemble(
        (hour, "dim"),
        " ",
        (severity.mark(alert.severity, language), severity.style(alert.severity)),
        " ",
    )
    parties = f"  {alert.source or '?'} -> {alert.target or '?'}"
    room = max(width - line.cell_len, 0)
    if text.width(alert.title) + text.width(parties) <= room:
        return [line.append(alert.title, style="bold").append(parties)]
    line.append(text.truncate(alert.title, room), style="bold")
    return [line, Text(text.truncate("       " + parties, width))]


def most_severe(alerts: list[Alert], limit: int) -> list[Alert]:
    """At most `limit` of the alerts, the most severe of them, in the order they came."""
    chosen = sorted(range(len(alerts)), key=lambda at: -alerts[at].severity)[:limit]
    return [alerts[at] for at in sorted(chosen)]


class RunView:
    """The lines that change in place."""

    def __init__(self, state: RunState, clock: Callable[[], float], wall: Callable[[], datetime]) -> None:
        self.state = state
        self._clock = clock
        self._wall = wall
        self._began = clock()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw for the console's present width."""
        yield from self.lines(
            options.max_width, colour=console.color_system is not None and not console.no_color
        )

    def lines(self, width: int, colour: bool) -> list[Text]:
        """Session and bar; rates and times; counts; throughput of stages."""
        language, progress = self.state.language, self.state.latest
        seconds = self._clock() - self._began
        elapsed = units.clock(seconds)
        hour = f"{self._wall():%H:%M:%S}"
        starting = self.state.starting(seconds)
        if progress is None or not progress.session:
            return [Text(line) for line in text.flow([starting or "", elapsed, hour], width)]
        bytes_rate, packet_rate = self.state.rates
        second = [
            f"{units.short(packet_rate)} {tr('run.packets_per_second', language)}",
            f"{units.size(bytes_rate)}/s",
            self._left(),
            tr("run.elapsed", language, time=elapsed),
            hour,
        ]
        third = [
            f"{tr(f'run.{name}', language)} {units.count(getattr(progress, name))}"
            for name in ("packets", "flows", "events", "findings", "alerts")
        ]
        fourth = [f"{name} {units.short(rate)}/s" for name, rate in progress.stages.items() if rate > 0]
        if starting is not None:
            second, fourth = [starting, elapsed, hour], []
        rest = [*text.flow(second, width), *text.flow(third, width)]
        if fourth:
            rest += text.flow([tr("run.stages", language), *fourth], width)
        return [*self._head(progress, width, colour), *map(Text, rest)]

    def _left(self) -> str:
        if self.state.read:
            return tr("run.finishing", self.state.language)
        left = self.state.left
        return tr("run.left", self.state.language, time="-:--" if left is None else units.clock(left))

    def _head(self, progress: Progress, width: int, colour: bool) -> list[Text]:
        fraction = self.state.fraction
        number = f"{progress.session}/{progress.sessions} "
        amount = f" {fraction:4.0%}  {units.size(progress.bytes_done)} / {units.size(progress.bytes_total)}"
        cells = min(max(width // 3, _BAR[0]), _BAR[1])
        name = text.clean(progress.path)
        room = width - text.width(number) - text.width(amount) - cells - 1
        if room >= 16:
            shown = text.truncate_middle(name, room)
            return [
                Text.assemble((number, "dim"), (shown, "bold"), " ", bar(fraction, cells, colour), amount)
            ]
        first = Text.assemble(
            (number, "dim"), (text.truncate_middle(name, width - text.width(number)), "bold")
        )
        cells = min(max(width - text.width(amount), 4), _BAR[1])
        second = Text.assemble(bar(fraction, cells, colour), amount)
        second.truncate(width)
        return [first, second]


class LiveDisplay:
    """Shows a run on a terminal while the `with` block lasts; call it with each snapshot."""

    def __init__(
        self,
        console: Console,
        language: str,
        *,
        first: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self.state = RunState(language, first)
        self._console = console
        self._live = Live(
            RunView(self.state, clock, wall),
            console=console,
            refresh_per_second=_REFRESH,
            transient=True,
            vertical_overflow="crop",
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def __call__(self, progress: Progress) -> None:
        """Take a snapshot; alerts that are new scroll by."""
        told = self.state.update(progress)
        width = self._console.width
        for alert in most_severe(told, TOLD_AT_ONCE):
            for line in alert_lines(alert, self.state.language, width):
                self._console.print(line, overflow="crop", no_wrap=True)
        if len(told) > TOLD_AT_ONCE:
            more = tr("run.more_alerts", self.state.language, count=units.count(len(told) - TOLD_AT_ONCE))
            self._console.print(Text(text.truncate(more, width)), no_wrap=True)
