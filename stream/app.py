"""The Faust application: each station behind an agent, acknowledged only behind its checkpoint."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import faust
from faust.tables.manager import TableManager as BaseTableManager

from citywall.settings import CheckpointSettings
from stream import checkpoints, codecs
from stream.local.folder import LogFolder
from stream.local.transport import Transport
from stream.stages import DEAD_LETTERS, FINISHED, Station

log = logging.getLogger(__name__)

GROUP = "citywall"
#: Events that wait in front of an agent.
QUEUE = 8
#: Events that a stage takes together when they are there: what a batch costs is shared among them.
BATCH = 4
#: Bytes of outputs made before they are sent and room is waited for.
_CHUNK_BYTES = 4 << 20


class _TableManager(BaseTableManager):
    """Citywall has no tables; Faust's manager would wait a second for some to be declared."""

    async def on_start(self) -> None:
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


def log_of(app: faust.App) -> LogFolder:
    """The embedded log that the application runs on."""
    transport = app.transport
    assert isinstance(transport, Transport)
    return transport.folder


def make_app(log_folder: Path, loop: asyncio.AbstractEventLoop) -> faust.App:
    """An application over the log in `log_folder`, without web server, tables or logging of its own."""
    for name in ("faust", "mode"):  # each service says when it starts and stops
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(logging.WARNING)
    return faust.App(
        GROUP,
        loop=loop,
        broker=f"local://{quote(str(log_folder.absolute()))}",
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_partitions=1,
        topic_disable_leader=True,
        stream_buffer_maxsize=QUEUE,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        broker_commit_interval=3600.0,  # `Desk.save` commits
        broker_commit_every=1 << 60,
        broker_request_timeout=3600.0,
        stream_processing_timeout=3600.0,
        worker_redirect_stdouts=False,
        loghandlers=[],
        TableManager=_TableManager,
    )


class Desk:
    """One station's agent: takes events, works them in a thread, sends, saves, acknowledges."""

    def __init__(
        self,
        app: faust.App,
        station: Station,
        *,
        pool: Executor,
        folder: Path,
        settings: CheckpointSettings,
        topics: dict[str, Any],
        hooks: Hooks,
    ) -> None:
        self.station = station
        self.lock = asyncio.Lock()
        self._app = app
        self._pool = pool
        self._folder = folder
        self._topics = topics
        self._hooks = hooks
        self._schedule = checkpoints.Schedule(settings.interval_s, settings.cost_factor, time.monotonic())
        self._unacked: list[Any] = []
        self._broken = False
        inputs = raw_topic(app, *station.stage.inputs)
        self.agent = app.agent(inputs, name=f"stream.{station.stage.name}", concurrency=1)(self._run)

    async def _run(self, stream: Any) -> None:
        """The agent: whatever goes wrong stops the run before anything is acknowledged."""
        waiting: list[Any] = []
        async for event in stream.noack().events():
            waiting.append(event)
            if len(waiting) < BATCH and not stream.channel.queue.empty():
                continue
            async with self.lock:
                try:
                    await self._take(waiting)
                except Exception as e:  # noqa: BLE001 (handed to the runner, which raises it)
                    self._broken = True
                    self._hooks.failed(e)
            if self._broken:
                await asyncio.Event().wait()
            waiting = []

    async def _take(self, events: list[Any]) -> None:
        loop = asyncio.get_running_loop()
        batch = [(m.topic, m.partition, m.offset, m.value) for m in (e.message for e in events)]
        work = self.station.work(batch)
        while True:
            outputs, more = await loop.run_in_executor(self._pool, self._pull, work)
            for topic, message in outputs:
                await self._send(topic, message)
            if not more:
                break
        for letter in self.station.take_dead():
            await self._send(DEAD_LETTERS, codecs.pack(letter))
        self._unacked += events
        self._hooks.moved()
        if self._schedule.due(time.monotonic(), session_ended=self.station.ended):
            await self.save()

    def _pull(self, work: Iterator[tuple[str, bytes]]) -> tuple[list[tuple[str, bytes]], bool]:
        """Some outputs, and whether there may be more. Runs in a thread: kernels release the GIL."""
        wall, cpu = time.perf_counter(), time.thread_time()
        outputs, size, more = [], 0, False
        for topic, message in work:
            outputs.append((topic, message))
            size += len(message)
            if size >= _CHUNK_BYTES:
                more = True
                break
        self.station.cost.wall += time.perf_counter() - wall
        self.station.cost.cpu += time.thread_time() - cpu
        return outputs, more

    async def _send(self, topic: str, message: bytes) -> None:
        if topic == FINISHED:
            header, body = codecs.decode(message)
            self._hooks.finished(self.station.stage.name, header.session, codecs.unpack(body, codecs.Tally))
        else:
            await self._topics[topic].send(value=message, partition=self.station.partition)

    async def save(self) -> None:
        """Outputs to disk, then the state, then the acknowledgement: in this order nothing is lost."""
        if not self._unacked:
            return
        began = time.monotonic()
        await self._app.producer.flush()
        stage = self.station.stage.name
        await asyncio.get_running_loop().run_in_executor(
            self._pool, checkpoints.save, self._folder, stage, self.station.partition,
            self.station.offsets, self.station.snapshot(),
        )  # fmt: skip
        for event in self._unacked:
            event.ack()
        self._unacked.clear()
        # One at a time: who waits for another's commit in Faust cannot be cancelled.
        async with self._hooks.committing:
            await self._app.consumer.commit(set(self.station.stage.inputs))
        self._schedule.done(began, time.monotonic())
        log.debug("%s: checkpoint in %.3f s", stage, time.monotonic() - began)

    async def close(self) -> None:
        """Wait for the batch under way and save; the agent takes nothing more."""
        await self.pause()
        if not self._broken:
            await self.save()

    async def pause(self) -> None:
        """Wait for the batch under way; the agent takes nothing more."""
        await self.lock.acquire()

    async def stop(self) -> None:
        """Stop the agent.

        Were it left to the application, which cancels agents before it tells them to stop, a supervisor
        could start it anew meanwhile.
        """
        await self.agent.stop()


class Hooks:
    """What desks tell the runner."""

    def __init__(
        self,
        moved: Callable[[], None],
        finished: Callable[[str, str, codecs.Tally], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.committing = asyncio.Lock()
        self.moved = moved
        self.finished = finished
        self.failed = failed


def raw_topic(app: faust.App, *names: str) -> Any:
    """Topics of plain bytes."""
    return app.topic(
        *names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", partitions=1
    )


def topics_of(app: faust.App, stations: Sequence[Station]) -> dict[str, Any]:
    """Every topic that is sent to."""
    names = {DEAD_LETTERS}
    for station in stations:
        names |= {*station.stage.inputs, *station.stage.outputs}
    return {name: raw_topic(app, name) for name in sorted(names)}


class Worker(faust.Worker):
    """Faust's worker inside our process: it leaves signals, logging, titles and the terminal alone."""

    def __init__(self, app: faust.App, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False, daemon=False
        )
        self.spinner = None

    def install_signal_handlers(self) -> None:
        """The runner has its own."""

    def _setproctitle(self, info: str, *, ident: str = "") -> None:
        """Leave the process's title."""
