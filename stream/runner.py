"""Runs inputs through the whole stream, to the end, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from citywall.errors import DataFolderError, StreamError
from citywall.settings import Settings
from stream import checkpoints, feeder
from stream.assembly import Assembly, assemble
from stream.codecs import Tally
from stream.data_folder import DataFolder
from stream.feeder import Feeder, Source
from stream.patience import Patience
from stream.reports import Progress, RunReport, SessionReport

if TYPE_CHECKING:
    from stream.app import Desk, Worker

log = logging.getLogger(__name__)

Observe = Callable[[Progress], None]
#: Seconds between two snapshots.
TICK = 0.1
_BUDGET_EVERY = 5.0
#: Seconds the engine gets to stop.
_PATIENCE = 10.0


class Assemble(Protocol):
    """How the stations of a run are made; tests put others in."""

    def __call__(self, settings: Settings, data: Path, now: int) -> Assembly:
        """Stations and what they share."""
        ...


def run_paths(
    paths: Sequence[Path],
    data: Path,
    settings: Settings,
    observe: Observe | None = None,
    *,
    assemble: Assemble = assemble,
) -> RunReport:
    """Run capture and flow-log files through the stream, each a session, until all are finished.

    A run that was cut off goes on where it was, when called with the same paths and settings. A path that
    cannot be read is refused in the report; the others go on. Raises DataFolderBusy, DataFolderError,
    StoreError and StreamError where the run cannot go on; KeyboardInterrupt after SIGINT and SystemExit
    after SIGTERM, when everything is saved.
    """
    began = time.monotonic()
    folder = DataFolder(data)
    try:
        sources = feeder.plan(paths)
        key = feeder.run_key(sources, settings)
        resumed = folder.begin(key, settings.capture.block_bytes)
        now = time.time_ns()
        folder.retain(settings.storage.retention_days, now)
        # A run that goes on waits for its store as it would have; a new one may name a wrong one.
        assembly = Patience()(assemble, settings, data, now) if resumed else assemble(settings, data, now)
        try:
            run = Run(sources, settings, folder, assembly=assembly, observe=observe, began=began)
            run.tell()
            if resumed:
                run.restore()
            run.execute()
        finally:
            assembly.close()
        report = run.report(resumed)
        folder.forget()
        return report
    finally:
        folder.close()


class Run:
    """One run under way."""

    def __init__(
        self,
        sources: list[Source],
        settings: Settings,
        folder: DataFolder,
        *,
        assembly: Assembly,
        observe: Observe | None,
        began: float,
    ) -> None:
        self.sources = sources
        self.settings = settings
        self.folder = folder
        self.assembly = assembly
        self.observe = observe
        self.began = began
        self.moved = asyncio.Event()
        self.over = asyncio.Event()
        self.failure: BaseException | None = None
        self._rates = Rates()
        self._feeder: Feeder | None = None
        self._checked = began
        self._app: Any = None

    def restore(self) -> None:
        """Take every station back to its last checkpoint; raises StreamError where one cannot be read."""
        for station in self.assembly.stations:
            found = checkpoints.load(self.folder.checkpoints, station.stage.name, station.partition)
            if found is None:
                continue
            offsets, parts = found
            try:
                station.restore(parts, offsets)
            except (KeyError, ValueError) as e:
                raise StreamError(
                    f"{self.folder.checkpoints}: the checkpoint of {station.stage.name} does not fit: {e};"
                    " remove the folder to start the run afresh"
                ) from e

    def execute(self) -> None:
        """Run to the end, or raise what stopped it."""
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        threads = self.settings.workers or os.cpu_count() or 1
        pool = ThreadPoolExecutor(max(threads, 2), thread_name_prefix="citywall-stage")
        try:
            with _signals(loop, self._interrupt):
                loop.run_until_complete(self._main(loop, pool))
        finally:
            pool.shutdown(cancel_futures=True)
            _close_loop(loop)
        if self.failure is not None:
            raise self.failure

    async def _main(self, loop: asyncio.AbstractEventLoop, pool: ThreadPoolExecutor) -> None:
        from stream.app import Desk, Hooks, Worker, log_of, make_app, topics_of

        app = self._app = make_app(self.folder.log, loop)
        stations = self.assembly.stations
        topics = topics_of(app, stations)
        for name in topics:
            log_of(app).create(name)
        hooks = Hooks(self.moved.set, self._finished, self._fail)
        desks = [
            Desk(
                app,
                s,
                pool=pool,
                folder=self.folder.checkpoints,
                settings=self.settings.checkpoint,
                topics=topics,
                hooks=hooks,
            )
            for s in stations
        ]
        worker = Worker(app, loop)

        async def send(topic: str, message: bytes) -> None:
            await topics[topic].send(value=message, partition=0)

        positions = {t: s.positions for s in stations for t in s.stage.inputs}
        self._feeder = Feeder(
            self.sources,
            self.settings,
            self.folder,
            files=self.assembly.files,
            positions=positions,
            send=send,
            moved=self.moved,
        )
        try:
            await worker.start()
            worker.add_future(self._guard(self._feed(self._feeder)))
            worker.add_future(self._guard(self._watch()))
            await self.over.wait()
            if not isinstance(self.failure, Exception):  # else they may be stuck behind what failed
                for desk in desks:
                    await (desk.pause() if self.failure is None else desk.close())
            self.tell()
        finally:
            await _stop(worker, desks)
            log_of(app).close()

    async def _feed(self, feeding: Feeder) -> None:
        await feeding.run()
        while not self._all_finished():
            self.moved.clear()
            await self.moved.wait()
        self.over.set()

    async def _watch(self) -> None:
        """Tell how far things are, see that the disk does not fill, and that Faust lives."""
        while not self.over.is_set():
            self.tell()
            if self._app.crashed:
                raise StreamError(f"the stream engine stopped: {self._app.crash_reason!r}")
            if time.monotonic() - self._checked >= _BUDGET_EVERY:
                self._checked = time.monotonic()
                await asyncio.get_running_loop().run_in_executor(None, self._check_budget)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), TICK)

    async def _guard(self, work: Any) -> None:
        try:
            await work
        except Exception as e:  # noqa: BLE001 (raised again by `execute`)
            self._fail(e)

    def _check_budget(self) -> None:
        budget = int(self.settings.storage.disk_budget_gib * (1 << 30))
        surplus = self.folder.used_bytes() - budget
        if surplus > 0:
            self.assembly.shrink(surplus)
            if self.folder.used_bytes() > budget:
                raise DataFolderError(
                    f"{self.folder.root}: over its budget of {self.settings.storage.disk_budget_gib:g} GiB"
                    " (storage.disk_budget_gib) with the oldest flows already gone"
                )

    def _fail(self, error: BaseException) -> None:
        if self.failure is None:
            self.failure = error
        self.assembly.interrupt()
        self.over.set()

    def _interrupt(self, number: int) -> None:
        stopped = KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
        self._fail(stopped)

    def _finished(self, stage: str, session: str, tally: Tally) -> None:
        self.folder.tell(session, stage, tally, self.assembly.sinks)

    def _all_finished(self) -> bool:
        finished = self.folder.ledger.finished
        return all(s.session in finished for s in self.sources if s.refused is None and s.same_as is None)

    def tell(self) -> None:
        """Show the observer how far things are."""
        fresh = self.assembly.fresh()
        if self.observe is None:
            return
        totals: dict[str, int] = {}
        for station in self.assembly.stations:
            for name, n in station.stage.totals.items():
                totals[name] = totals.get(name, 0) + n
        current = self._feeder.current if self._feeder else 0
        now = time.monotonic()
        self.observe(
            Progress(
                session=current,
                sessions=len(self.sources),
                path=str(self.sources[current - 1].path) if current else "",
                bytes_done=totals.get("bytes", 0),
                bytes_total=sum(s.size for s in self.sources if s.refused is None and s.same_as is None),
                packets=totals.get("packets", 0),
                flows=totals.get("flows", 0),
                events=totals.get("events", 0),
                findings=totals.get("findings", 0),
                alerts=totals.get("alerts", 0),
                new_alerts=fresh,
                stages=self._rates.of({s.stage.name: s.items for s in self.assembly.stations}, now),
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
        report.seconds = {s.stage.name: s.cost.cpu for s in self.assembly.stations if s.cost.messages}
        report.seconds["total"] = time.monotonic() - self.began
        report.peak_memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return report


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


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop, handle: Callable[[int], None]) -> Iterator[None]:
    """Hand SIGINT and SIGTERM to `handle`, where that is ours to do; put things back after."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        loop.add_signal_handler(number, handle, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


async def _stop(worker: Worker, desks: list[Desk]) -> None:
    async def stop() -> None:
        for desk in desks:
            await desk.stop()
        await worker.stop()

    _, late = await asyncio.wait({asyncio.ensure_future(stop())}, timeout=_PATIENCE)
    if late:
        log.warning("the stream engine did not stop in %.0f s and is left", _PATIENCE)


def _close_loop(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=_PATIENCE))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()
