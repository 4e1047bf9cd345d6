"""`local://FOLDER`: the embedded log as a Faust transport.

One process, one consumer group. The stock Conductor and Fetcher do the rest. Tables are not used by
Citywall, so changelog topics get no special care.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from faust.assignor.client_assignment import ClientAssignment
from faust.transport import base, drivers
from faust.transport.consumer import Consumer as BaseConsumer
from faust.types import TP, ConsumerMessage, RecordMetadata

from stream.local.folder import LogFolder
from stream.local.records import Record

#: Records fetched from one partition at a time.
FETCH_RECORDS = 4
FETCH_BYTES = 4 << 20
#: How far a topic may run ahead of its consumer before its producers wait.
BACKLOG_BYTES = 12 << 20


class NothingRead(dict[TP, int | None]):
    """Faust's memory of what it read, which drops what comes again: desks do that, and better informed.

    It is written only after a message was handed on: it would undo that a consumer was moved back meanwhile.
    """

    def __getitem__(self, _: TP) -> None:
        return None


class Consumer(BaseConsumer):
    """Reads the log in order and commits to its offsets file."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        transport: Any = self.transport
        self._folder: LogFolder = transport.folder
        self._assigned: set[TP] = set()
        self._next: dict[TP, int] = {}
        self._generation = 0
        self._read_offset = NothingRead()

    async def create_topic(self, topic: str, partitions: int, *_options: Any, **_more: Any) -> None:
        """Make the topic unless it is there."""
        self._folder.create(topic, partitions)

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Take every partition of `topics`: there is no other member to share with."""
        # The callbacks wait for the subscription to be over, so they need a task of their own.
        self.add_future(self._assign(set(topics)))

    async def _assign(self, topics: set[str]) -> None:
        app = self.app
        app.on_rebalance_start()
        await self.on_partitions_revoked(set(self._assigned))
        self._assigned = {TP(t, p) for t in topics for p in range(self._folder.create(t))}
        assignor: Any = app.assignor
        assignor._active_tps = set(self._assigned)  # noqa: SLF001 (what a broker would have told it)
        assignor._standby_tps = set()  # noqa: SLF001
        actives = {t: list(range(self._folder.topics[t])) for t in topics}
        assignor._assignment = ClientAssignment(actives=actives, standbys={})  # noqa: SLF001
        assignor._topic_groups = dict.fromkeys(topics, 0)  # noqa: SLF001
        self._generation += 1
        app.consumer_generation_id = self._generation
        await self.on_partitions_assigned(set(self._assigned), self._generation)

    def wake(self) -> None:
        """Look for records now: something changed that fetching waits for."""
        self._folder.wake.set()

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch from `tps` again."""
        super().resume_partitions(tps)
        self.wake()

    def resume_flow(self) -> None:
        """Fetch again."""
        super().resume_flow()
        self.wake()

    def on_buffer_drop(self, tp: TP) -> None:
        """A full stream has room again."""
        super().on_buffer_drop(tp)
        self.wake()

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:  # noqa: ASYNC109 (Faust's)
        if not self.flow_active:
            await self.can_resume_flow.wait()
        active = self._get_active_partitions()
        return await self._getmany(active, timeout), active

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Record]]:  # noqa: ASYNC109
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while self.flow_active:
            self._folder.wake.clear()
            found = self._fetch(sorted(active_partitions or ()))
            left = deadline - loop.time()
            if found or left <= 0:
                return found
            try:
                await asyncio.wait_for(self._folder.wake.wait(), left)
            except TimeoutError:
                return {}
        return {}

    def _fetch(self, active: list[TP]) -> dict[TP, list[Record]]:
        """A few records of each partition, no more than the streams behind them can take.

        One task feeds all streams: were it ever to wait for a full one, the stage behind that one could
        wait for it in turn.
        """
        found: dict[TP, list[Record]] = {}
        conductor: Any = self.app.topics
        queues = {tp: [c.queue for c in conductor._tp_index.get(tp, ())] for tp in active}  # noqa: SLF001
        logs = {tp: self._folder.logs[tp.topic, tp.partition] for tp in active}
        waiting = [tp for tp in active if tp in self._next and self._next[tp] < logs[tp].end]
        # Topics that share a stream share its room alike, so that none of them runs ahead of the others.
        sharers = Counter(id(queue) for tp in waiting for queue in queues[tp])
        for tp in waiting:
            shares = [-(-(q.maxsize - q.qsize()) // sharers[id(q)]) for q in queues[tp]]
            free = min(shares, default=0)
            if free > 0:
                found[tp] = logs[tp].read(self._next[tp], min(free, FETCH_RECORDS), FETCH_BYTES)
                self._next[tp] = found[tp][-1].offset + 1
                self._folder.seen(tp.topic, tp.partition, self._next[tp])
        return found

    def _to_message(self, tp: TP, record: Record) -> ConsumerMessage:
        return ConsumerMessage(
            tp.topic, tp.partition, record.offset, record.timestamp, 0, [], record.key, record.value, None,
            len(record.key or b""), len(record.value or b""), tp, generation_id=self._generation,
        )  # fmt: skip

    def _new_offset(self, tp: TP) -> int | None:
        """The offset to commit: up to the first gap in what was acknowledged, and never past one.

        (Faust's own can step over a gap at the head of a partition nothing was committed of: its issue 606.)
        """
        acked = self._acked[tp]
        acked.sort()
        committed = self._committed_offset[tp]
        expected = committed if committed is not None else self._first(tp)
        taken = 0
        while taken < len(acked) and acked[taken] <= expected:
            expected = max(expected, acked[taken] + 1)
            taken += 1
        self._acked_index[tp].difference_update(acked[:taken])
        del acked[:taken]
        return expected if taken else None

    def _first(self, tp: TP) -> int:
        return (
            self._folder.committed(self.app.conf.id, tp.topic, tp.partition)
            or self._folder.logs[tp.topic, tp.partition].start
        )

    async def _commit(self, offsets: Mapping[TP, int], mark: str = "") -> bool:  # noqa: ARG002 (files count as they are)
        plain = {(tp.topic, tp.partition): offset for tp, offset in offsets.items()}
        await self._folder.commit(self.app.conf.id, plain)
        return True

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to what was committed."""
        for tp in self._assigned:
            self._next[tp] = self._first(tp)
            self._folder.seen(tp.topic, tp.partition, self._next[tp])
        return {tp: self._next[tp] for tp in self._assigned}

    async def _seek(self, partition: TP, offset: int) -> None:
        self._next[partition] = offset
        self.wake()

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to given offsets."""
        for tp, offset in partitions.items():
            self._next[tp] = offset

    async def seek_to_beginning(self, *partitions: TP) -> None:
        """Go to the oldest records kept."""
        await self.seek_wait(await self.earliest_offsets(*partitions))

    async def position(self, tp: TP) -> int | None:
        """The next offset to fetch."""
        return self._next.get(tp)

    def assignment(self) -> set[TP]:
        """Every partition of the subscription."""
        return set(self._assigned)

    def highwater(self, tp: TP) -> int:
        """The offset the next record will get."""
        return self._folder.logs[tp.topic, tp.partition].end

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """`highwater` of several."""
        return {tp: self.highwater(tp) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """The oldest offsets kept."""
        return {tp: self._folder.logs[tp.topic, tp.partition].start for tp in partitions}

    def topic_partitions(self, topic: str) -> int | None:
        """How many partitions `topic` has."""
        return self._folder.topics.get(topic)

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """The partition of `key`."""
        return self._folder.partition_for(topic, key) if partition is None else partition


class Producer(base.Producer):
    """Appends to the log; waits where a topic runs too far ahead of its consumer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        transport: Any = self.transport
        self._folder: LogFolder = transport.folder

    async def send(  # noqa: PLR0917 (Faust's)
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> asyncio.Future[RecordMetadata]:
        """Append a record; raises DataFolderError where it cannot be written."""
        assert not headers
        assert transactional_id is None
        if partition is None:
            partition = self._folder.partition_for(topic, key)
        else:
            self._folder.create(topic)
        while self._folder.backlog_bytes(topic, partition) > BACKLOG_BYTES:
            self._folder.room.clear()
            await self._folder.room.wait()
        offset = self._folder.append(topic, partition, key, value, timestamp or 0.0)
        done: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        done.set_result(RecordMetadata(topic, partition, TP(topic, partition), offset, timestamp, 0))
        return done

    async def send_and_wait(self, *args: Any, **kwargs: Any) -> RecordMetadata:
        """Append a record and give its place."""
        return await (await self.send(*args, **kwargs))

    async def flush(self) -> None:
        """Put everything sent on disk: outputs must be there before what they came from is committed."""
        await self._folder.sync()

    async def create_topic(self, topic: str, partitions: int, *_options: Any, **_more: Any) -> None:
        """Make the topic unless it is there."""
        self._folder.create(topic, partitions)

    def key_partition(self, topic: str, key: bytes) -> TP:
        """The partition of `key`."""
        return TP(topic, self._folder.partition_for(topic, key))

    def supports_headers(self) -> bool:
        """Records carry no headers of Faust's."""
        return False


class Transport(base.Transport):
    """The driver behind `local://`."""

    Consumer: ClassVar[type[Consumer]] = Consumer
    Producer: ClassVar[type[Producer]] = Producer
    default_port = 0
    driver_version = "citywall-local=1"

    def __init__(self, url: list[Any], app: Any, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(url, app, loop)
        self.folder = LogFolder(Path(url[0].path), app.conf.topic_partitions)


drivers.TRANSPORTS.aliases["local"] = "stream.local.transport:Transport"
