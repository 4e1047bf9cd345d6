"""Desks: a role's agent in this process, with a station for each partition it has been given."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from typing import Any, Protocol

import faust
import msgspec
from faust.types import TP

from citywall.errors import Interrupted, StreamError
from citywall.settings import CheckpointSettings
from stream import codecs
from stream.app import agent_of, raw_topic
from stream.board import Board
from stream.checkpoints import Keeper, Schedule
from stream.handover import Handover
from stream.passing import Event, Inbox, Passing, Place, Working
from stream.sending import Sending
from stream.stages import DEAD_LETTERS, FINISHED, Addressed, Role, Station

log = logging.getLogger(__name__)

#: Events that a station takes together when they are there: what a batch costs is shared among them.
BATCH = 4
#: Seconds that a batch under way gets to end when its partitions are wanted elsewhere.
HAND_OVER_S = 15.0
#: Bytes of outputs made before they are sent and room is waited for.
_CHUNK_BYTES = 4 << 20


class Hooks(msgspec.Struct):
    """What desks tell. `finished(stage, session, tally)` returns when it is safe. One commits at a time."""

    moved: Callable[[], None]
    finished: Callable[[str, str, codecs.Tally], Awaitable[None]]
    failed: Callable[[BaseException], None]
    committing: asyncio.Lock


class Naming(Protocol):
    """What topics are called on the transport."""

    def full(self, topic: str) -> str:
        """The name of a topic there."""
        ...


class _Work:
    """A station under way here: what it sent, and what it has not saved."""

    def __init__(self, station: Station, schedule: Schedule) -> None:
        self.station = station
        self.schedule = schedule
        self.sending = Sending()
        self.inbox = Inbox()
        self.places: dict[tuple[str, int], Place] = {}  # where it hands something over
        self.dirty = False
        self.put_off = False  # a session ended, and the readers have not saved what they have of it
        self.torn = False  # in the middle of a batch: its state and what it sent do not belong together


class Desk:
    """Takes events, works them in threads, sends, saves, acknowledges.

    Partitions work beside each other; one partition's events one after another.
    """

    def __init__(
        self,
        app: faust.App,
        role: Role,
        *,
        naming: Naming,
        pool: Executor,
        keeper: Keeper,
        settings: CheckpointSettings,
        topics: dict[str, Any],
        board: Board,
        hooks: Hooks,
        handover: Handover | Passing | None = None,
    ) -> None:
        self.role = role
        self.lock = asyncio.Lock()
        self.failed = False
        self._works: dict[int, _Work] = {}
        self._app = app
        self._names = {naming.full(name): name for name in role.inputs}
        self._pool = pool
        self._keeper = keeper
        self._settings = settings
        self._topics = topics
        self._board = board
        self._hooks = hooks
        self._handover = handover
        if handover is not None:
            handover.join(self)
        self._open = asyncio.Event()
        self._handed = asyncio.Event()
        self._generation = 0
        self._under_way: asyncio.Future[None] | None = None
        self.agent = agent_of(app, raw_topic(app, *self._names), f"stream.{role.name}", self._run)

    @property
    def stations(self) -> dict[int, Station]:
        """Stations by partition."""
        return {partition: work.station for partition, work in self._works.items()}

    @property
    def busy(self) -> bool:
        """Whether it works, saves, or is between two owners of its partitions."""
        return self.lock.locked() or not self._open.is_set()

    async def _run(self, stream: Any) -> None:
        """The agent: whatever goes wrong stops the run before anything is acknowledged."""
        waiting: list[Any] = []
        async for event in stream.noack().events():
            waiting.append(event)
            if len(waiting) < BATCH * len(self._works) and not stream.channel.queue.empty():
                continue
            while waiting:
                await self._open.wait()
                async with self.lock:
                    if not self._open.is_set():
                        continue
                    await self._see_to(self._known([e.message for e in waiting]))
                    waiting = []
            if self.failed:
                await asyncio.Event().wait()

    async def take_handed(self) -> None:
        """Work what other desks of this process hand over, as long as the application runs."""
        while not self.failed:
            await self._handed.wait()
            await self._open.wait()
            async with self.lock:
                if self._open.is_set() and (batches := self._inboxes()):
                    await self._see_to(batches)
                elif self._open.is_set():
                    self._handed.clear()

    async def _see_to(self, batches: dict[int, list[Event]]) -> None:
        """Take messages, unless whoever wants the partitions cuts it off."""
        task = self._under_way = asyncio.ensure_future(self._take(batches))
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            self._under_way = None
        if not task.cancelled():
            task.result()

    def _known(self, messages: list[Any]) -> dict[int, list[Event]]:
        """Messages of partitions that are ours; those from before a rebalance come again."""
        batches: dict[int, list[Event]] = {}
        for m in messages:
            if m.generation_id == self._generation and m.partition in self._works:
                batches.setdefault(m.partition, []).append((self._names[m.topic], m.offset, m.value))
        return batches

    def _inboxes(self) -> dict[int, list[Event]]:
        return {p: work.inbox.take(BATCH) for p, work in self._works.items() if work.inbox and not work.torn}

    async def _take(self, batches: dict[int, list[Event]]) -> None:
        done = [self._serve(self._works[partition], batch) for partition, batch in batches.items()]
        for result in await asyncio.gather(*done, return_exceptions=True):
            if isinstance(result, BaseException) and not self.failed:
                self.failed = True
                self._no_room()
                self._hooks.failed(result)

    async def _serve(self, work: _Work, batch: list[Event]) -> None:
        loop, station = asyncio.get_running_loop(), work.station
        taking = station.work([(topic, station.partition, offset, value) for topic, offset, value in batch])
        work.dirty = work.torn = True  # it stays torn where this is cut off: the thread may still be at work
        while True:
            outputs, more = await loop.run_in_executor(self._pool, _pull, station, taking)
            for addressed in outputs:
                await self._send(work, addressed)
            if not more:
                break
        if letters := station.take_dead():
            for letter in letters:
                await self._send(work, Addressed(DEAD_LETTERS, 0, codecs.pack(letter)))
            await work.sending.arrived()  # before anything says that the session is over
        work.torn = False
        if self._handover is not None:
            self._handover.worked(station.offsets)
        self._hooks.moved()
        await self._save_if_due(work)

    async def _save_if_due(self, work: _Work) -> None:
        """Save by the clock, and at the end of a session: unless readers would have to save amidst it."""
        now, ended = time.monotonic(), work.station.ended or work.put_off
        if not work.schedule.due(now, session_ended=ended):
            return
        covered = self._handover is None or self._handover.covered(self.role, work.places)
        work.put_off = not (covered or work.schedule.due(now))
        if not work.put_off:
            await self._save(work)

    async def _send(self, work: _Work, addressed: Addressed) -> None:
        topic, partition, message = addressed
        if topic == FINISHED:
            header, body = codecs.decode(message)
            tally = codecs.unpack(body, codecs.Tally)
            await self._hooks.finished(self.role.name, header.session, tally)
        elif self._handover is None or not await self._handover.give(work, topic, partition, message):
            sent = await self._topics[topic].send(value=message, partition=partition)
            if self._handover is not None:
                self._handover.sent(work, topic, partition, sent)
            await work.sending.add(sent, len(message))

    def working(self, partition: int) -> _Work | None:
        """What works a partition here, if anything does."""
        return self._works.get(partition)

    async def hand(self, taker: Working, topic: str, message: bytes) -> None:
        """Put a message into an inbox of ours; waits while it is full and being emptied."""
        taker.inbox.put(topic, message)
        self._handed.set()
        while taker.inbox.full and self._open.is_set() and not self.failed:
            taker.inbox.room.clear()
            await taker.inbox.room.wait()

    async def _save(self, work: _Work) -> None:
        """Outputs to disk, then the state, then the acknowledgement: in this order nothing is lost."""
        if not work.dirty or work.torn:
            return
        began, station = time.monotonic(), work.station
        await self._app.producer.flush()
        await work.sending.arrived()
        if self._handover is not None and not await self._handover.cover(self.role, work.places):
            log.warning("%s: not saved, for a stage behind it could not be", self.role.name)
            return
        offsets = station.stand()
        mark = await self._keeper.save(self.role.name, station.partition, offsets, station.snapshot())
        tps = {
            TP(full, station.partition): offsets.get(topic, {}).get(station.partition, 0)
            for full, topic in self._names.items()
        }
        async with self._hooks.committing:
            consumer: Any = self._app.consumer
            if not await consumer._commit(tps, mark):  # noqa: SLF001 (it has no public twin)
                raise Interrupted(f"{self.role.name}: the partitions were given to another worker meanwhile")
        await self._keeper.counts(self.role.name, station.partition)
        work.dirty = False
        now = time.monotonic()
        work.schedule.done(began, now)
        station.cost.saving += now - began
        station.saved = time.time()
        log.debug("%s/%d: checkpoint in %.3f s", self.role.name, station.partition, now - began)

    async def catch_up(self) -> bool:
        """Between two batches work what was handed over by now and save, for a desk whose outputs we read.

        Whether all of it is saved.
        """
        async with self.lock:
            wanted = [(work.inbox, work.inbox.handed) for work in self._works.values()]
            while any(inbox.taken < handed for inbox, handed in wanted) and not self.failed:
                if not (batches := self._inboxes()):
                    break
                await self._take(batches)
            if not self.failed:
                await self.save()
            return not self.failed and not any(work.dirty for work in self._works.values())

    async def save(self) -> None:
        """Save every partition."""
        for work in list(self._works.values()):
            await self._save(work)

    async def close(self) -> None:
        """Wait for the batch under way and save; the agent takes nothing more."""
        await self.pause()
        if not self.failed:
            await self.save()

    async def pause(self) -> None:
        """Wait for the batch under way; the agent takes nothing more."""
        self._shut()
        await self.lock.acquire()

    async def revoke(self) -> None:
        """Save everything, for whoever gets the partitions next. Takes nothing until `assign`.

        A batch that takes very long (its store is away) is cut off: else nobody's partitions could be given
        out until it ends. Its thread may go on; what it does is done again.
        """
        self._shut()
        if (task := self._under_way) is not None:
            _, late = await asyncio.wait({task}, timeout=HAND_OVER_S)
            if late:
                log.warning("%s: a batch is cut off: its partitions are given out anew", self.role.name)
                task.cancel()
        async with self.lock:
            if not self.failed:
                await self.save()

    def _shut(self) -> None:
        """Take nothing more; who waits for room here goes on."""
        self._open.clear()
        self._no_room()

    def _no_room(self) -> None:
        for work in self._works.values():
            work.inbox.room.set()

    async def assign(self, partitions: set[int], generation: int) -> int:
        """Work these partitions from now on; returns how many had to be restored.

        A partition that was ours before and of which nobody else saved a checkpoint goes on as it is. Raises
        StreamError where a checkpoint cannot be read.
        """
        async with self.lock:
            restored = 0
            for partition in sorted(self._works.keys() | partitions):
                work = self._works.get(partition)
                if work is not None:
                    keep = partition in partitions and not work.dirty
                    if keep and await self._keeper.ours(self.role.name, partition):
                        continue
                    self._board.leave(work.station)
                    del self._works[partition]
                if partition in partitions:
                    restored += await self._begin(partition)
            self._generation = generation
            self._open.set()
            self._hooks.moved()
            return restored

    async def _begin(self, partition: int) -> bool:
        loop = asyncio.get_running_loop()
        station = Station(await loop.run_in_executor(self._pool, self.role.make, partition), partition)
        found = await self._keeper.load(self.role.name, partition)
        if found is not None:
            offsets, parts = found
            try:
                station.restore(parts, offsets)
            except (KeyError, ValueError) as e:
                raise StreamError(
                    f"the checkpoint of {self.role.name} does not fit: {e}; start the run afresh"
                ) from e
        schedule = Schedule(self._settings.interval_s, self._settings.cost_factor, time.monotonic())
        self._works[partition] = _Work(station, schedule)
        self._board.watch(station)
        return found is not None

    async def stop(self) -> None:
        """Stop the agent.

        Were it left to the application, which cancels agents before it tells them to stop, a supervisor
        could start it anew meanwhile.
        """
        await self.agent.stop()


def _pull(station: Station, work: Iterator[Addressed]) -> tuple[list[Addressed], bool]:
    """Some outputs, and whether there may be more. Runs in a thread: kernels release the GIL."""
    wall, cpu = time.perf_counter(), time.thread_time()
    outputs, size, more = [], 0, False
    for addressed in work:
        outputs.append(addressed)
        size += len(addressed.message)
        if size >= _CHUNK_BYTES:
            more = True
            break
    station.cost.wall += time.perf_counter() - wall
    station.cost.cpu += time.thread_time() - cpu
    return outputs, more
