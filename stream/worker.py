"""A worker: joins runs on a shared transport, and works the partitions it is given."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from citywall.errors import Interrupted, SettingsError
from citywall.settings import Settings
from stream.assembly import cast
from stream.board import Board
from stream.eventloop import run_loop, unless
from stream.files import CaptureFiles
from stream.patience import Patience
from stream.runner import RESTARTS, stage_threads

if TYPE_CHECKING:
    from stream.kafka.cards import RunCard

log = logging.getLogger(__name__)

_CHECK_S = 0.5
#: Seconds without work after which a worker leaves a run for a newer one.
IDLE_S = 15.0


def work(settings: Settings, *, once: bool = False) -> None:
    """Join one run after another until a signal says stop; with `once`, until the first is over.

    Raises SettingsError where the transport is not shared, StreamError where a run cannot be joined or gone
    on with, KeyboardInterrupt after SIGINT and SystemExit after SIGTERM, when everything is saved.
    """
    if not settings.transport.startswith("kafka://"):
        raise SettingsError("settings", "transport", "a worker needs kafka://HOST:PORT")
    worker = Worker(settings, once=once)
    run_loop(worker.main(), worker.interrupt)
    if worker.failure is not None:
        raise worker.failure


class Rest:
    """How long nothing has been taken here."""

    def __init__(self) -> None:
        self._then = (-1, time.monotonic())

    def seconds(self, board: Board) -> float:
        """Since messages were last taken."""
        messages = sum(status.messages for status in board.here())
        if messages != self._then[0]:
            self._then = (messages, time.monotonic())
        return time.monotonic() - self._then[1]


class Worker:
    """One process that lends a hand."""

    def __init__(self, settings: Settings, *, once: bool = False) -> None:
        from stream.kafka.cluster import Cluster

        self.settings = settings
        self.failure: BaseException | None = None
        self._once = once
        self._cluster = Cluster(settings)
        self._runs: dict[str, RunCard] = {}
        self._changed = asyncio.Event()
        self._playing = ""  # the run that is worked
        self._leaving = asyncio.Event()  # it is over, or we are to stop
        self._patience = Patience()
        self._following: asyncio.Future[None]

    def interrupt(self, number: int) -> None:
        """A signal asks to stop."""
        self._fail(KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number))

    def _fail(self, error: BaseException) -> None:
        if self.failure is None:
            self.failure = error
        self._patience.stop()
        self._leaving.set()
        self._changed.set()

    async def main(self) -> None:
        """Work until told to stop."""
        from stream.kafka.cards import follow

        pool = stage_threads(self.settings)
        following = self._following = asyncio.ensure_future(follow(self._cluster, self._seen))
        following.add_done_callback(lambda _: self._changed.set())
        try:
            while self.failure is None:
                if following.done():
                    following.result()
                if not self._runs:
                    self._changed.clear()
                    await self._changed.wait()
                    continue
                await self._serve(self._runs[self._newest], pool)
                if self._once:
                    break
        except Exception as e:  # noqa: BLE001 (raised by `work`)
            self._fail(e)
        finally:
            following.cancel()
            await asyncio.wait([following])
            pool.shutdown(cancel_futures=True)

    @property
    def _newest(self) -> str:
        return next(reversed(self._runs))

    def _seen(self, runs: dict[str, RunCard]) -> None:
        if runs != self._runs:
            self._runs = runs
            self._changed.set()
            if self._playing not in runs:
                self._leaving.set()

    async def _serve(self, card: RunCard, pool: ThreadPoolExecutor) -> None:
        """Work one run until it is over."""
        for left in range(RESTARTS, -1, -1):
            try:
                await self._play(card, pool)
            except Interrupted as e:
                if not left or card.run not in self._runs:
                    raise
                log.warning("%s; starting anew from the checkpoints", e)
                await asyncio.sleep(1.0)
            else:
                return

    async def _play(self, card: RunCard, pool: ThreadPoolExecutor) -> None:
        from stream.app import topics_of
        from stream.desk import Hooks
        from stream.engine import Engine
        from stream.kafka.backbone import KafkaBackbone
        from stream.kafka.cards import settings_of

        settings = settings_of(card, self.settings)
        files = CaptureFiles()
        roles = cast(settings, files, self._patience)
        backbone = KafkaBackbone(self._cluster, card.run, roles)
        failures: list[BaseException] = []
        board, moved = Board(), asyncio.Event()
        engine: Engine | None = None
        hooks = Hooks(moved.set, backbone.done, failures.append, asyncio.Lock())
        log.info("joining run %s", card.run)
        self._playing = card.run
        if self.failure is None:
            self._leaving.clear()
        try:
            if not await unless(self._leaving, backbone.open(topics_of(roles))):
                return
            mine = [role for role in roles if not role.pinned and role.name not in card.pinned]
            engine = Engine(backbone, mine, settings, cast=roles, pool=pool, board=board, hooks=hooks)
            if not await unless(self._leaving, engine.start()):
                return
            engine.add(backbone.tell(board, moved))
            engine.add(backbone.watch(engine.waiting))
            rest = Rest()
            while card.run in self._runs and not (failures or self.failure or self._following.done()):
                if rest.seconds(board) >= IDLE_S and card.run != self._newest:
                    log.info("run %s rests; leaving it for a newer one", card.run)
                    break
                engine.check()
                self._changed.clear()
                try:
                    async with asyncio.timeout(_CHECK_S):
                        await self._changed.wait()
                except TimeoutError:
                    continue
            over = card.run not in self._runs
            if not failures and not over:
                await engine.settle(save=True)
        finally:
            await (backbone.close() if engine is None else engine.stop())
            files.close_all()
        if failures:
            raise failures[0]
        if over:
            log.info("run %s is over", card.run)
