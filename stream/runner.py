"""Runs inputs through the whole stream, to the end, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from citywall.allocator import share_one_arena
from citywall.errors import DataFolderError, Interrupted, SettingsError
from citywall.lean.kernels import forgo_linear_algebra
from citywall.settings import Settings
from posture.attach import attach
from stream import feeder
from stream.assembly import Assembly, assemble_together
from stream.backbone import LocalBackbone
from stream.board import PACKETS, Board, Status
from stream.codecs import Tally
from stream.data_folder import DataFolder
from stream.eventloop import run_loop, unless
from stream.feeder import Feeder, Source
from stream.letters import LetterBox
from stream.pacing import Pace
from stream.patience import Patience
from stream.reporting import Observe, Reporter
from stream.reports import RunReport
from stream.scoring import named
from stream.stages import Role
from stream.webless import forgo_web_client

if TYPE_CHECKING:
    from stream.backbone import Backbone
    from stream.engine import Engine
    from stream.kafka.cluster import Cluster

log = logging.getLogger(__name__)

#: Seconds between two snapshots.
TICK = 0.1
_BUDGET_EVERY = 5.0
#: How often an interrupted engine is started anew.
RESTARTS = 20


class Stopped(BaseException):
    """A run without an end was asked to stop, and has saved everything."""


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
    assemble: Assemble = assemble_together,
    pace: Pace | None = None,
) -> RunReport:
    """Run capture and flow-log files through the stream, each a session, until all are finished.

    Captures come as fast as they can be taken, or by the wall clock where there is a `pace`. A run that was
    cut off goes on where it was, when called with the same paths and settings. A path that
    cannot be read is refused in the report; the others go on. Raises FaultyInput for a register with faults,
    DataFolderBusy, DataFolderError, StoreError and StreamError where the run cannot go on; KeyboardInterrupt
    after SIGINT and SystemExit after SIGTERM, when everything is saved.
    """
    began = time.monotonic()
    settings = named(attach(settings), data)
    folder = DataFolder(data)
    try:
        sources = feeder.plan(paths)
        key = feeder.run_key(sources, settings)
        shared = settings.on_cluster
        resumed = folder.begin(key, settings.capture.block_bytes, shared=shared)
        now = time.time_ns()
        folder.retain(settings.storage.retention_days, now)
        box = LetterBox(data)
        box.retain(settings.storage.retention_days, now)
        # A run that goes on waits for its store as it would have; a new one may name a wrong one.
        assembly = Patience()(assemble, settings, data, now) if resumed else assemble(settings, data, now)
        try:
            run = Run(sources, settings, folder, assembly=assembly, observe=observe, began=began, pace=pace)
            run.reporter.tell()
            run.execute()
        finally:
            assembly.close()
        report = run.reporter.report(resumed)
        ledger = folder.ledger
        whole = [s for s, tally in ledger.finished.items() if feeder.UNREADABLE not in tally.errors]
        box.heal(whole, ledger.id, time.time_ns())
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
        pace: Pace | None = None,
    ) -> None:
        self.pace = pace
        self.sources = sources
        self.settings = settings
        self.folder = folder
        self.assembly = assembly
        self.moved = asyncio.Event()
        self.over = asyncio.Event()
        self.stopped = asyncio.Event()
        self.failure: BaseException | None = None
        self._checked = began
        self._engine: Engine | None = None
        self.board = Board()
        self.reporter = Reporter(
            sources, settings, folder, assembly=assembly, board=self.board, observe=observe, began=began
        )
        self._sensors: dict[str, list[str]] = {}
        self._cluster = cluster_of(settings)

    def execute(self) -> None:
        """Run to the end, or raise what stopped it.

        On a shared transport an interrupted engine is started anew, from its checkpoints.
        """
        pool = stage_threads(self.settings)
        try:
            for left in range(RESTARTS, -1, -1):
                began = time.monotonic()
                run_loop(self._main(pool), self._interrupt)
                if not isinstance(self.failure, Interrupted) or not left:
                    break
                log.warning("%s; starting anew from the checkpoints", self.failure)
                self.failure = None
                time.sleep(max(0.0, 1.0 - (time.monotonic() - began)))
        finally:
            pool.shutdown(cancel_futures=True)
            self.reporter.close(None if isinstance(self.failure, Stopped) else self.failure)
        if self.failure is not None:
            raise self.failure

    async def _main(self, pool: ThreadPoolExecutor) -> None:
        from stream.app import topics_of
        from stream.desk import Hooks
        from stream.engine import Engine

        self.over, self.moved, self.stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()
        roles = self.assembly.roles
        backbone = open_backbone(self._cluster, self.settings, self.folder, roles, self._awaited())
        engine = None
        try:
            if not await unless(self.stopped, backbone.open(topics_of(roles))):
                return
            told = asyncio.Event()

            def moved() -> None:
                self.moved.set()
                told.set()

            hooks = Hooks(moved, self._finished, self._fail, asyncio.Lock())
            engine = self._engine = Engine(
                backbone, roles, self.settings, cast=roles, pool=pool, board=self.board, hooks=hooks
            )
            self._prepare(engine)
            if not await unless(self.stopped, engine.start()):
                return
            engine.add(self._feed(engine))
            engine.add(self._watch(engine))
            engine.add(backbone.listen(self._note, self._finished, self._sensed))
            engine.add(backbone.tell(self.board, told))
            engine.add(backbone.watch(engine.waiting))
            engine.add(self.reporter.collect(backbone, self.over))
            engine.add(self.reporter.export(backbone, self.over))
            await self.over.wait()
            if not isinstance(self.failure, Exception):  # else they may be stuck behind what failed
                await self._wind_up(engine, backbone)
            self.reporter.tell()
        except Exception as e:  # noqa: BLE001 (raised again by `execute`)
            self._fail(e)
        finally:
            await (backbone.close() if engine is None else engine.stop())
            self.board.clear()  # a new engine may not be given what this one had
        if self.failure is None:
            await unless(self.stopped, backbone.retire())

    def _awaited(self) -> tuple[str, ...]:
        """Names of the sensors elsewhere that feed this run."""
        return tuple(name for source in self.sources if (name := feeder.sensor_of(source.path)))

    def _prepare(self, engine: Engine) -> None:
        """What is to be said to an engine before it starts."""

    async def _wind_up(self, engine: Engine, backbone: Backbone) -> None:
        """Save what there is and keep the last dead letters; who asked to stop does not wait for ever."""
        began = time.monotonic()
        await engine.settle(save=self.failure is not None)
        patience = engine.last_s and max(began + engine.last_s - time.monotonic(), 1.0)
        if not await unless(self.stopped, self.reporter.keep_letters(backbone), patience):
            log.warning("the last dead letters could not be read: they are when the run goes on")

    async def _feed(self, engine: Engine) -> None:
        await engine.ready.wait()
        fed = self.reporter.feeder = self._feeder(engine)
        fed.sensors = self._sensors
        await fed.run()
        while not self._all_finished():
            self.moved.clear()
            await self.moved.wait()
        self.over.set()

    def _feeder(self, engine: Engine) -> Feeder:
        """What feeds the run."""
        return Feeder(
            self.sources, self.settings, self.folder, files=self.assembly.files, taken=self._taken,
            send=engine.send, moved=self.moved, pace=self.pace,
        )  # fmt: skip

    def _taken(self, topic: str, session: str) -> int | None:
        partitions = {name: role.partitions for role in self.assembly.roles for name in role.inputs}
        partitions[PACKETS] = 1  # the others get none
        return self.board.taken(topic, session, partitions[topic])

    def _sensed(self, sensor: str, session: str) -> None:
        if sensor not in self._awaited():  # an interface of one that has several
            sensor = sensor.rpartition("/")[0] or sensor
        sessions = self._sensors.setdefault(sensor, [])
        if session not in sessions:
            sessions.append(session)
            self.moved.set()

    def _note(self, status: Status) -> None:
        self.board.note(status)
        self.moved.set()

    async def _watch(self, engine: Engine) -> None:
        """Tell how far things are, see that the disk does not fill, and that Faust lives."""
        while not self.over.is_set():
            self.reporter.tell()
            engine.check()
            if time.monotonic() - self._checked >= _BUDGET_EVERY:
                self._checked = time.monotonic()
                await asyncio.get_running_loop().run_in_executor(None, self._check_budget)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), TICK)

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
        if not isinstance(error, Interrupted):  # after which all goes on
            self.assembly.patience.stop()
        self.stopped.set()
        self.over.set()

    def _interrupt(self, number: int) -> None:
        if self.reporter.feeder is not None and self.reporter.feeder.stop():
            return  # a source without an end ends in good order; a second signal stops the run
        stopped = KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
        self._fail(stopped)

    async def _finished(self, stage: str, session: str, tally: Tally) -> None:
        self.folder.tell(session, stage, tally, self.assembly.sinks)
        self.moved.set()

    def _all_finished(self) -> bool:
        finished = self.folder.ledger.finished
        return all(s.session in finished for s in self.sources if s.refused is None and s.same_as is None)


def stage_threads(settings: Settings) -> ThreadPoolExecutor:
    """Threads for stages to work in: as many as `workers` says, or the machine has processors."""
    share_one_arena()
    forgo_linear_algebra()
    forgo_web_client()
    threads = settings.workers or os.cpu_count() or 1
    return ThreadPoolExecutor(max(threads, 2), thread_name_prefix="citywall-stage")


def cluster_of(settings: Settings) -> Cluster | None:
    """The cluster that `transport` names, None where it is the embedded log. Raises SettingsError."""
    if not settings.on_cluster:
        return None
    from stream.kafka.cluster import Cluster

    return Cluster(settings)


def open_backbone(
    cluster: Cluster | None,
    settings: Settings,
    folder: DataFolder,
    roles: Sequence[Role],
    sensors: tuple[str, ...],
) -> Backbone:
    """What carries the run of `folder`, which `sensors` feed, too. Raises SettingsError."""
    if cluster is None:
        if sensors:
            raise SettingsError("settings", "transport", f"sensor {sensors[0]} needs kafka://HOST:PORT")
        return LocalBackbone(folder)
    from stream.kafka.backbone import KafkaBackbone
    from stream.kafka.cards import card_of

    run = folder.ledger.id
    return KafkaBackbone(
        cluster, run, roles, card=card_of(run, settings, sensors, tuple(r.name for r in roles if r.pinned)),
        abandoned=tuple(folder.ledger.abandoned), retired=folder.retired,
    )  # fmt: skip
