"""Kafka under the Faust application: Faust's own producer, and a consumer in the application's loop.

Faust's own consumer runs in a thread, hands records on whether or not there is room for them, and assigns
topics by their number of partitions. This one takes what the streams have room for, and its assignor knows
what belongs together. Offsets are committed by the desks, behind their checkpoints, never by Faust.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalStateError,
    MessageSizeTooLargeError,
)
from aiokafka.structs import OffsetAndMetadata
from faust.assignor.client_assignment import ClientAssignment
from faust.exceptions import ProducerSendError
from faust.transport import drivers
from faust.transport.consumer import Consumer as BaseConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, RecordMetadata

from citywall.errors import StreamError
from stream.kafka.ahead import Ahead
from stream.kafka.cluster import let_go
from stream.kafka.link import Link
from stream.kafka.seals import check, seal
from stream.local.transport import NothingRead

log = logging.getLogger(__name__)

#: Records taken from one partition at a time.
FETCH_RECORDS = 4
_POLL_MS = 50
_FULL_S = 0.005


def _backbone(app: Any) -> Any:
    """The run's backbone, which the application carries."""
    return app.citywall


class _Listener(ConsumerRebalanceListener):
    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._consumer.app.on_rebalance_start()
        await self._consumer.on_partitions_revoked({TP(*tp) for tp in revoked})

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        # The client gives no sign of life before this returns, and to restore may take longer than a session:
        # the member would be taken for dead, join anew, and restore again without end.
        self._consumer.member._coordinator._start_heartbeat_task()  # noqa: SLF001 (it has no public twin)
        await self._consumer.given({TP(*tp) for tp in assigned})


class Consumer(BaseConsumer):
    """A member of the run's group."""

    consumer_stopped_errors: ClassVar[tuple[type[BaseException], ...]] = (ConsumerStoppedError,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._backbone: Any = _backbone(self.app)
        self._link: Link = self._backbone.cluster.link
        self._member: AIOKafkaConsumer | None = None
        self._generation = 0
        self._ahead = Ahead()
        self._read_offset = NothingRead()

    @property
    def member(self) -> AIOKafkaConsumer:
        """The client, once it has subscribed."""
        if self._member is None:
            raise StreamError("the consumer has not subscribed yet")
        return self._member

    async def create_topic(self, topic: str, partitions: int, *_options: Any, **_more: Any) -> None:
        """Every topic is there before anything starts."""

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Join the group for `topics`."""
        if self._member is None:
            member = self._backbone.join()
            await self._link(member.start)
            self._member = member
        self._member.subscribe(sorted(topics), listener=_Listener(self))

    async def given(self, assigned: set[TP]) -> None:
        """These partitions are ours from now on."""
        app = self.app
        assignor: Any = app.assignor
        actives: dict[str, list[int]] = {}
        for tp in sorted(assigned):
            actives.setdefault(tp.topic, []).append(tp.partition)
        assignor._active_tps = assigned  # noqa: SLF001 (its own never ran)
        assignor._standby_tps = set()  # noqa: SLF001
        assignor._assignment = ClientAssignment(actives=actives, standbys={})  # noqa: SLF001
        assignor._topic_groups = dict.fromkeys(actives, 0)  # noqa: SLF001
        self._generation += 1
        self._ahead.clear()
        app.consumer_generation_id = self._generation
        await self.on_partitions_assigned(assigned, self._generation)

    async def on_stop(self) -> None:
        """Leave the group."""
        await super().on_stop()
        if self._member is not None:
            await let_go(self._member)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Any]]:  # noqa: ARG002, ASYNC109
        active = sorted(active_partitions or ())
        member = self._member
        if not active or member is None:
            await asyncio.sleep(_FULL_S)
            return {}
        hungry = self._ahead.hungry(TopicPartition(*tp) for tp in active)
        for place in hungry:
            found = await member.getmany(place, timeout_ms=0, max_records=FETCH_RECORDS)
            self._ahead.add(found, self._generation)
        room = self._room(active)
        if not (taken := self._ahead.take(room)):
            if hungry and room:
                found = await member.getmany(*hungry, timeout_ms=_POLL_MS, max_records=1)
                self._ahead.add(found, self._generation)
                taken = self._ahead.take(room)
            else:
                await asyncio.sleep(_FULL_S)
        return {TP(*place): records for place, records in taken.items()}

    def _room(self, active: list[TP]) -> dict[TopicPartition, int]:
        """How many records the stream behind each partition can take; those without room are left out."""
        conductor: Any = self.app.topics
        queues = {tp: [c.queue for c in conductor._tp_index.get(tp, ())] for tp in active}  # noqa: SLF001
        sharers = Counter(id(queue) for found in queues.values() for queue in found)
        room = {}
        for tp, found in queues.items():
            free = min((-(-(q.maxsize - q.qsize()) // sharers[id(q)]) for q in found), default=0)
            if free > 0:
                room[TopicPartition(*tp)] = free
        return room

    def _to_message(self, tp: TP, record: tuple[int, Any]) -> ConsumerMessage:
        generation, r = record
        check(r)
        return ConsumerMessage(
            r.topic, r.partition, r.offset, r.timestamp / 1000.0, r.timestamp_type, [], r.key, r.value,
            r.checksum, r.serialized_key_size, r.serialized_value_size, tp, generation_id=generation,
        )  # fmt: skip

    async def _commit(self, offsets: Mapping[TP, int], mark: str = "") -> bool:
        """Commit, with the mark of the checkpoint behind it; False where partitions are no longer ours."""
        wanted = {TopicPartition(*tp): OffsetAndMetadata(offset, mark) for tp, offset in offsets.items()}
        try:
            await self.member.commit(wanted)
        except (CommitFailedError, IllegalStateError) as e:
            log.warning("offsets were refused: %s", type(e).__name__)
            return False
        return True

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to what was committed, else to the beginning."""
        found: dict[TP, int] = {}
        for tp in self.assignment():
            place = TopicPartition(*tp)
            try:
                offset = await self._link(partial(self.member.committed, place))
                if offset is None:
                    offset = (await self.earliest_offsets(tp))[tp]
                self._go_to(place, offset)
            except IllegalStateError:  # taken away again meanwhile
                continue
            found[tp] = offset
        return found

    async def _seek(self, partition: TP, offset: int) -> None:
        self._go_to(TopicPartition(*partition), offset)

    def _go_to(self, place: TopicPartition, offset: int) -> None:
        self._ahead.drop([place])
        self.member.seek(place, offset)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to given offsets."""
        for tp, offset in partitions.items():
            await self._seek(tp, offset)

    async def seek_to_beginning(self, *partitions: TP) -> None:
        """Go to the oldest records kept."""
        await self.seek_wait(await self.earliest_offsets(*partitions))

    async def position(self, tp: TP) -> int | None:
        """The next offset to fetch."""
        position: int = await self.member.position(TopicPartition(*tp))
        return position

    def assignment(self) -> set[TP]:
        """The partitions that are ours."""
        return set() if self._member is None else {TP(*tp) for tp in self._member.assignment()}

    def highwater(self, tp: TP) -> int:
        """The offset the next record will get, as far as known."""
        try:
            return self.member.highwater(TopicPartition(*tp)) or 0
        except IllegalStateError:
            return 0

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """The ends of partitions, from the broker."""
        places = [TopicPartition(*tp) for tp in partitions]
        found = await self._link(partial(self.member.end_offsets, places))
        return {TP(*tp): n for tp, n in found.items()}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """The oldest offsets kept."""
        places = [TopicPartition(*tp) for tp in partitions]
        found = await self._link(partial(self.member.beginning_offsets, places))
        return {TP(*tp): n for tp, n in found.items()}

    def topic_partitions(self, topic: str) -> int | None:
        """How many partitions `topic` has."""
        partitions: int | None = self._backbone.partitions.get(topic)
        return partitions

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:  # noqa: ARG002
        """Partitions are always given."""
        return partition


class Producer(driver.Producer):
    """Faust's own, with our limits and security; it retries as long as it lives."""

    def _settings_default(self) -> Mapping[str, Any]:
        settings: Mapping[str, Any] = _backbone(self.app).cluster.producer_settings()
        return settings

    def _settings_auth(self) -> Mapping[str, Any]:
        return {}

    def _settings_extra(self) -> Mapping[str, Any]:
        return {}

    async def on_start(self) -> None:
        """Start the client, when its cluster answers."""
        await _backbone(self.app).cluster.link(super().on_start)

    async def send(self, topic: str, key: Any, value: Any, *args: Any, **more: Any) -> Any:
        """Hand a message to the client, which delivers it, in order, as long as it lives.

        Waits while the client has no room. Raises StreamError where the message is refused.
        """

        async def hand() -> Any:
            try:
                return await hand_over(topic, key, value, *args, **(more | {"headers": seal(value)}))
            except ProducerSendError as e:
                if isinstance(e.__cause__, MessageSizeTooLargeError):
                    raise StreamError(
                        f"a message of {len(value or b'')} bytes for {topic} is above kafka.message_bytes"
                    ) from e
                raise e.__cause__ or e from e

        hand_over = super().send
        return await _backbone(self.app).cluster.link(hand)

    async def send_and_wait(self, *args: Any, **more: Any) -> RecordMetadata:
        """Send, and wait until it is there."""
        sent: RecordMetadata = await (await self.send(*args, **more))
        return sent


class Transport(driver.Transport):
    """The driver behind `citywall-kafka://`. The application's `citywall` is the backbone."""

    Consumer: ClassVar[type[BaseConsumer]] = Consumer
    Producer: ClassVar[type[Any]] = Producer


drivers.TRANSPORTS.aliases["citywall-kafka"] = "stream.kafka.transport:Transport"
