"""One run on a Kafka cluster.

A run has topics of its own, `<prefix>.<run>.<topic>`, and a consumer group of that name. So it never sees
what an abandoned run left behind, ends with its topics deleted instead of waiting for retention, and two runs
share a cluster without knowing of each other; a service that never ends is a run that never ends. Workers
find runs in the topic `<prefix>.runs`. What stations tell each other beside the stream (how far they are,
that a session is over) goes over the run's topic `control`.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from citywall import allocator
from citywall.errors import StreamError
from stream import codecs
from stream.backbone import Finished
from stream.board import Board, Status
from stream.codecs import Tally
from stream.kafka.assignor import Assignor, Unit
from stream.kafka.cards import RUNS, RunCard
from stream.kafka.cluster import Cluster, let_go
from stream.kafka.keeper import TopicKeeper
from stream.kafka.topics import Wanted, drop, have
from stream.kafka.watchdog import watch
from stream.passing import Passing
from stream.sending import Sending
from stream.stages import DEAD_LETTERS, DeadLetter, Role

log = logging.getLogger(__name__)

CONTROL, CHECKPOINTS = "control", "checkpoints"
_TELL_S = 0.05
_LEAVE_S = 15.0
_ENDS_S = 2.0
#: How much work a role's partition is, beside the others.
_WEIGHTS = {"detect": 3, "capture": 2}


class _Told(msgspec.Struct, array_like=True):
    """A message of the control topic."""

    sender: bytes
    statuses: list[Status] = []
    stage: str = ""  # with session and tally: this sink is done with it
    session: str = ""
    tally: Tally | None = None
    sensor: str = ""  # with session: this sensor feeds it


class KafkaBackbone:
    """A run's topics and group. `card` is announced by the process that owns the run; workers have none.

    `abandoned` are earlier runs of the owner that were never ended; `retired(run)` is called when one went.
    """

    shared = True

    def __init__(
        self,
        cluster: Cluster,
        run: str,
        cast: Sequence[Role],
        *,
        card: RunCard | None = None,
        abandoned: Sequence[str] = (),
        retired: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.cluster = cluster
        self.run = run
        self.partitions: dict[str, int] = {}  # of every topic of ours, by full name
        self._cast = cast
        self._card = card
        self._abandoned = abandoned
        self._retired = retired
        self._me = uuid.uuid4().bytes
        self._link = cluster.link
        self._sending = Sending()
        self._admin: AIOKafkaAdminClient | None = None
        self._producer: AIOKafkaProducer | None = None
        self._readers: list[AIOKafkaConsumer] = []
        self._letters: AIOKafkaConsumer | None = None
        self._asking: AIOKafkaConsumer | None = None
        self._keeper: TopicKeeper | None = None
        self._member: AIOKafkaConsumer | None = None

    @property
    def keeper(self) -> TopicKeeper:
        """Where checkpoints are kept, once the backbone is open."""
        assert self._keeper is not None
        return self._keeper

    @property
    def group(self) -> str:
        """The run's consumer group."""
        return f"{self.cluster.settings.prefix}.{self.run}"

    def full(self, topic: str) -> str:
        """The name of a topic on the cluster."""
        return f"{self.group}.{topic}"

    @property
    def runs_topic(self) -> str:
        """Where runs are announced."""
        return f"{self.cluster.settings.prefix}.{RUNS}"

    async def open(self, topics: dict[str, int]) -> None:
        """Reach the cluster and have every topic; raises StreamError, and SettingsError where refused."""
        admin = self._admin = await self.cluster.reach()
        places = {(r.name, p): 0 for r in self._cast for p in range(r.partitions)}
        places = {place: i for i, place in enumerate(sorted(places))}
        wanted = [Wanted(self.full(name), partitions) for name, partitions in topics.items()]
        wanted += [
            Wanted(self.full(CONTROL)),
            Wanted(self.full(CHECKPOINTS), len(places), kept=True),
            Wanted(self.runs_topic, compacted=True),
        ]
        self.partitions = {topic.name: topic.partitions for topic in wanted}
        await self._link(lambda: have(admin, wanted, self.cluster.settings))
        await self.attach()
        assert self._producer is not None
        self._asking = await self._reader()
        self._keeper = TopicKeeper(
            self.full(CHECKPOINTS), places, link=self._link, producer=self._producer,
            reader=await self._reader(), admin=admin, committed=self._committed,
        )  # fmt: skip
        if self._card is not None:
            for run in self._abandoned:
                await self._end(run)
            await self._announce(self.run, codecs.pack(self._card))

    async def _reader(self) -> AIOKafkaConsumer:
        reader = self.cluster.reader()
        self._readers.append(reader)
        await self._link(reader.start)
        return reader

    async def _announce(self, run: str, body: bytes | None) -> None:
        await (await self._put(self.runs_topic, body, run.encode()))

    async def _put(
        self, topic: str, body: bytes | None, key: bytes | None = None, partition: int = 0
    ) -> asyncio.Future[Any]:
        assert self._producer is not None
        return await self._link.send(self._producer, topic, body, key, partition)

    def join(self) -> AIOKafkaConsumer:
        """A member of the run's group, not started."""
        units = [
            Unit(tuple(self.full(name) for name in role.inputs), role.partitions, _WEIGHTS.get(role.name, 1))
            for role in self._cast
        ]
        self._member = self.cluster.member(self.group, Assignor(units))
        return self._member

    async def _committed(self, stage: str, partition: int) -> str:
        """What was committed last beside the offsets of a station; "" where nothing was."""
        assert self._member is not None
        role = next(role for role in self._cast if role.name == stage)
        tp = TopicPartition(self.full(role.inputs[0]), partition)
        coordinator = self._member._coordinator  # noqa: SLF001 (`committed` leaves the metadata out)
        found = await self._link(lambda: coordinator.fetch_committed_offsets([tp]))
        return found[tp].metadata if tp in found else ""

    def app(self, loop: asyncio.AbstractEventLoop) -> Any:
        """The application in the run's group."""
        import stream.kafka.transport  # noqa: F401 (registers its scheme)
        from stream.app import make_app

        app: Any = make_app(
            ";".join(f"citywall-kafka://{server}" for server in self.cluster.servers), loop, self.group
        )
        app.citywall = self
        return app

    def handover(self) -> Passing:
        """Who reads in this process what is said here need not wait for the cluster."""
        return Passing()

    def write(self) -> None:
        """What arrived is on the cluster."""

    async def listen(
        self,
        note: Callable[[Status], None],
        finished: Finished,
        sensed: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        """Read the control topic from its beginning on. `sensed(sensor, session)`: one begins to feed."""
        tp = TopicPartition(self.full(CONTROL), 0)
        reader = await self._reader()
        reader.assign([tp])
        await reader.seek_to_beginning(tp)
        while True:
            for record in (await reader.getmany(tp, timeout_ms=1000)).get(tp, ()):
                told = codecs.unpack(record.value, _Told)
                if told.sender == self._me:
                    continue
                for status in told.statuses:
                    note(status)
                if told.sensor:
                    sensed(told.sensor, told.session)
                if told.tally is not None:
                    await finished(told.stage, told.session, told.tally)

    async def tell(self, board: Board, moved: asyncio.Event) -> None:
        """Write to the control topic what our stations have done, soon after they `moved`."""
        known: dict[tuple[str, int], Status] = {}
        while True:
            await moved.wait()
            await asyncio.sleep(_TELL_S)  # several move at about the same time
            moved.clear()
            fresh = {(s.stage, s.partition): s for s in board.here()}
            changed = [s for place, s in fresh.items() if known.get(place) != s]
            if changed:
                await self._say(_Told(self._me, changed))
            known = fresh

    async def done(self, stage: str, session: str, tally: Tally) -> None:
        """Tell the owner of the run that a sink is done with a session."""
        await self._say(_Told(self._me, [], stage, session, tally))

    async def attach(self) -> None:
        """Be able to write into a run that others opened; what comes next is only `send` and `sense`."""
        allocator.keep()
        self._producer = self.cluster.producer()
        await self._link(self._producer.start)

    async def sense(self, sensor: str, session: str) -> None:
        """Tell the owner of the run which session a sensor feeds."""
        await self._say(_Told(self._me, sensor=sensor, session=session))

    async def send(self, topic: str, message: bytes, partitions: int) -> None:
        """Put a message into each partition of a topic, behind earlier ones; `arrived` waits for them all.

        Waits while much is under way. Raises StreamError where it is refused, or one before was.
        """
        try:
            for partition in range(partitions):
                sent = await self._put(self.full(topic), message, None, partition)
                await self._sending.add(sent, len(message))
        except KafkaError as e:
            raise StreamError(f"{self.full(topic)} cannot be written: {e}") from e

    async def arrived(self) -> None:
        """Wait until all that was sent is there; raises StreamError where some of it was refused."""
        try:
            await self._sending.arrived()
        except KafkaError as e:
            raise StreamError(f"{self.group} cannot be written: {e}") from e

    async def _say(self, told: _Told) -> None:
        await (await self._put(self.full(CONTROL), codecs.pack(told)))

    async def watch(self, waiting: Callable[[], dict[tuple[str, int], int]]) -> None:
        """See that what waits is taken; raises Interrupted where it is not."""
        assert self._asking is not None
        await watch(self._link, self._asking, self.cluster.settings.stuck_s, waiting)

    async def ends(self) -> dict[tuple[str, int], int]:
        """As the brokers know; nothing while they do not answer."""
        assert self._asking is not None
        names = {self.full(name): name for name in {t for role in self._cast for t in role.inputs}}
        places = [TopicPartition(f, p) for f in names for p in range(self.partitions.get(f, 0))]
        try:
            async with asyncio.timeout(_ENDS_S):
                found = await self._asking.end_offsets(places)
        except (KafkaError, TimeoutError):
            return {}
        return {(names[tp.topic], tp.partition): end for tp, end in found.items()}

    async def letters(self) -> list[DeadLetter]:
        """Read on in the topic of dead letters; waits for a cluster that is away."""
        tp = TopicPartition(self.full(DEAD_LETTERS), 0)
        reader = self._letters
        if reader is None:
            reader = await self._reader()
            reader.assign([tp])
            await reader.seek_to_beginning(tp)
            self._letters = reader
        end = (await self._link(lambda: reader.end_offsets([tp])))[tp]
        while await reader.position(tp) < end:
            if found := (await reader.getmany(tp, timeout_ms=1000)).get(tp):
                return [codecs.unpack(record.value, DeadLetter) for record in found]
        return []

    async def close(self) -> None:
        """Let go of every client."""
        producer, self._producer = self._producer, None
        clients = [*self._readers, *([producer] if producer else [])]
        self._readers.clear()
        self._letters = self._asking = None
        await asyncio.gather(*(let_go(client) for client in clients))
        if self._admin is not None:
            await self._admin.close()
            self._admin = None

    async def retire(self) -> None:
        """End the run: workers are told, and its topics deleted when they have left.

        The run is done: where the cluster is away it is not waited for without end.
        """
        try:
            async with asyncio.timeout(self.cluster.settings.patience_s + _LEAVE_S):
                self._admin = await self.cluster.reach()
                await self.attach()
                await self._end(self.run)
        except (StreamError, TimeoutError) as e:
            self._left(self.run, e)
        finally:
            await self.close()

    async def _end(self, run: str) -> None:
        assert self._admin is not None
        await self._announce(run, None)
        group = f"{self.cluster.settings.prefix}.{run}"
        deadline = time.monotonic() + _LEAVE_S
        try:
            while time.monotonic() < deadline and await self._members(group):  # noqa: ASYNC110 (the broker knows)
                await asyncio.sleep(0.1)
            gone = await drop(self._admin, f"{group}.")
        except (KafkaError, StreamError) as e:
            self._left(run, e)
            return
        log.info("run %s is over: %d topics deleted", run, len(gone))
        self._retired(run)

    @staticmethod
    def _left(run: str, error: BaseException) -> None:
        why = str(error) or type(error).__name__
        log.warning("what run %s left on the cluster stays there until another run: %s", run, why)

    async def _members(self, group: str) -> int:
        assert self._admin is not None
        try:
            found = await self._admin.describe_consumer_groups([group])
        except KafkaError as e:  # a coordinator that is just being found, most often
            log.debug("the members of %s are not known: %s", group, e)
            return 1
        return sum(len(g[5]) for response in found for g in response.groups)
