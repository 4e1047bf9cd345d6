"""What is told of a run: progress, health, dead letters, and a report at the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from citywall.errors import DataFolderError
from citywall.settings import Settings
from stream import feeder, health
from stream.assembly import Assembly
from stream.board import Board, heard_of, items_of, seconds_of, sensors_of, totals_of
from stream.data_folder import DataFolder
from stream.feeder import Feeder, Source
from stream.letters import LetterBox
from stream.reports import Progress, RunReport, SessionReport

if TYPE_CHECKING:
    from stream.backbone import Backbone
    from stream.exporter import Exporter

log = logging.getLogger(__name__)

Observe = Callable[[Progress], None]
_LETTERS_EVERY = 1.0
_HEALTH_EVERY = 1.0


class Reporter:
    """Tells of one run. `feeder` is set when it feeds; `began` is on the monotonic clock.

    Raises SettingsError where the metrics endpoint cannot be had.
    """

    def __init__(
        self,
        sources: list[Source],
        settings: Settings,
        folder: DataFolder,
        *,
        assembly: Assembly,
        board: Board,
        observe: Observe | None,
        began: float,
    ) -> None:
        self.sources = sources
        self.settings = settings
        self.folder = folder
        self.assembly = assembly
        self.board = board
        self.observe = observe
        self.began = began
        self.feeder: Feeder | None = None
        self.service: Callable[[], health.ServiceHealth | None] = lambda: None
        self._rates = Rates()
        self._keeping = asyncio.Lock()  # one reads dead letters at a time
        self._letters = LetterBox(folder.root)
        self._ends: health.Ends = {}
        self._began_at = time.time_ns()
        self._told: dict[tuple[str, str], int] = {}  # faults that are in the log
        self._exporter: Exporter | None = None
        if settings.metrics:
            from stream.exporter import Exporter

            self._exporter = Exporter(settings.metrics)

    def close(self, failure: BaseException | None) -> None:
        """Say how it ended, and close the endpoint."""
        reason = "" if failure is None else str(failure) or type(failure).__name__
        try:
            self._write(self._fares("finished" if failure is None else "failed", reason))
        except DataFolderError as e:  # it must not stand in the way of the failure itself
            log.warning("%s", e)
        finally:
            if self._exporter:
                self._exporter.close()

    async def collect(self, backbone: Backbone, over: asyncio.Event) -> None:
        """Keep dead letters as they come, until it is `over`."""
        self._keeping = asyncio.Lock()  # an engine started anew has a loop of its own
        while not over.is_set():
            await self.keep_letters(backbone)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), _LETTERS_EVERY)

    async def keep_letters(self, backbone: Backbone) -> None:
        """Keep the dead letters there are."""
        async with self._keeping:
            while letters := await backbone.letters():
                paths = feeder.inputs_of(self.sources, self.settings)
                run = self.folder.ledger.id
                await asyncio.to_thread(self._letters.add, letters, paths, time.time_ns(), run)

    async def export(self, backbone: Backbone, over: asyncio.Event) -> None:
        """Say about once a second how the run fares, until it is `over`."""
        while not over.is_set():
            self._ends = await backbone.ends() or self._ends
            # The board is the loop's own; files are not for the loop.
            await asyncio.to_thread(self._write, self._fares("running"))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), _HEALTH_EVERY)

    def _fares(self, state: Literal["running", "finished", "failed"], reason: str = "") -> health.Health:
        current, patience, statuses = self._current, self.assembly.patience, self.board.statuses()
        now = time.time()
        stages = health.stages_of(statuses, self._ends, now)
        sensors = health.sensors_of(sensors_of(statuses), now, heard_of(statuses))
        faults = health.faults_of(sensors, stages)
        self._log(faults)
        return health.Health(
            state, reason, os.getpid(), time.time_ns(), self._began_at, self.settings.transport,
            current, len(self.sources), self._path_of(current), totals_of(statuses), 0, peak_memory(),
            health.StoreHealth(self.settings.store, patience.waits, patience.waited, patience.reason),
            stages, sensors, faults, self.service(),
        )  # fmt: skip

    def _write(self, fares: health.Health) -> None:
        """Write down how the run fares, for `citywall status`, and show it at the metrics endpoint."""
        fares.dead_letters = self._letters.count()
        health.write(self.folder.root, fares)
        if self._exporter:
            self._exporter.show(fares)

    @property
    def _current(self) -> int:
        return self.feeder.current if self.feeder else 0

    def _path_of(self, current: int) -> str:
        return str(self.sources[current - 1].path) if current else ""

    def _log(self, faults: list[health.Fault]) -> None:
        """Say what is newly wrong: more packets dropped, or a sensor that has fallen silent."""
        for fault in faults:
            known = self._told.get((fault.kind, fault.sensor), 0)
            if fault.kind == "dropped" and fault.n > known:
                log.error("%s: the sensor's kernel dropped %d packets so far", fault.sensor, fault.n)
            elif fault.kind == "silent" and not known:
                log.error("%s: nothing heard for %d s", fault.sensor, fault.n)
        self._told = {(fault.kind, fault.sensor): fault.n for fault in faults}

    def tell(self) -> None:
        """Show the observer how far things are."""
        fresh = self.assembly.fresh()
        if self.observe is None:
            return
        statuses, now = self.board.statuses(), time.monotonic()
        totals = totals_of(statuses)
        self.observe(
            Progress(
                session=self._current,
                sessions=len(self.sources),
                path=self._path_of(self._current),
                bytes_done=totals.get("bytes", 0),
                bytes_total=sum(s.size for s in self.sources if s.refused is None and s.same_as is None),
                packets=totals.get("packets", 0),
                flows=totals.get("flows", 0),
                events=totals.get("events", 0),
                findings=totals.get("findings", 0),
                alerts=totals.get("alerts", 0),
                new_alerts=fresh,
                stages=self._rates.of(items_of(statuses), now),
                seconds=now - self.began,
            )
        )

    def report(self, resumed: bool) -> RunReport:
        """What the run did, sessions that were finished before it was cut off included."""
        report = RunReport(resumed=resumed)
        by_path: dict[str, SessionReport] = {}
        for source in self.sources:
            told = feeder.report_of(source, self.folder.ledger.finished, by_path)
            by_path.setdefault(told.path, told)
            report.add(told)
        statuses = self.board.statuses()
        report.seconds = seconds_of(statuses)
        # Of several stations these may be at the same time.
        report.seconds["checkpoints"] = sum(status.saving for status in statuses)
        report.seconds["total"] = time.monotonic() - self.began
        report.peak_memory_bytes = peak_memory()
        return report


def peak_memory() -> int:
    """Bytes. `ru_maxrss` is no less than what the process that started this one held."""
    with contextlib.suppress(OSError), Path("/proc/self/status").open(encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Rates:
    """Items a second by stage, over about the last second."""

    def __init__(self) -> None:
        self._then: tuple[float, dict[str, int]] = (0.0, {})
        self._rates: dict[str, float] = {}

    def of(self, items: dict[str, int], now: float) -> dict[str, float]:
        """The rates, given counts of items so far."""
        then, before = self._then
        if now - then >= 1.0:
            if before:
                self._rates = {name: (n - before.get(name, 0)) / (now - then) for name, n in items.items()}
            self._then = (now, items)
        return self._rates
