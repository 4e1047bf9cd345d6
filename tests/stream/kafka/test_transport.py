"""The contract of a transport, over Kafka and over the embedded log."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest

from citywall.errors import StreamError
from citywall.settings import Settings, load
from stream.app import Worker, raw_topic
from stream.backbone import LocalBackbone
from stream.data_folder import DataFolder
from stream.kafka.backbone import KafkaBackbone
from stream.kafka.cluster import Cluster
from stream.stages import Role

CAST = [Role("hear", ("in",), (), lambda _: None, 2)]


class Bench:
    """One application on a transport, hearing the topic `in`."""

    def __init__(self, make: Any, restoring_s: float = 0.0) -> None:
        self.make = make
        self.restoring_s = restoring_s
        self.times = 0
        self.heard: list[tuple[int, int, bytes]] = []
        self.assigned: set[tuple[str, int]] = set()

    async def run(self, work: Any) -> None:
        backbone = self.make()
        await backbone.open({"in": 2})
        self.app = app = backbone.app(asyncio.get_running_loop())
        self.topic = raw_topic(app, backbone.full("in"))
        ready = asyncio.Event()

        async def hear(stream: Any) -> None:
            async for event in stream.noack().events():
                m = event.message
                self.heard.append((m.partition, m.offset, m.value))

        async def assigned(_app: Any, tps: Any, **_: Any) -> None:
            self.assigned = {(tp.topic, tp.partition) for tp in tps}
            self.times += 1
            await asyncio.sleep(self.restoring_s)
            ready.set()

        agent = app.agent(raw_topic(app, backbone.full("in")), name="hear", concurrency=1)(hear)
        app.on_partitions_assigned.connect(assigned)
        worker = Worker(app, asyncio.get_running_loop())
        await worker.start()
        await asyncio.wait_for(ready.wait(), 30)
        try:
            await work(self)
        finally:
            await agent.stop()
            await worker.stop()
            await backbone.close()

    async def until(self, n: int) -> None:
        async with asyncio.timeout(30):
            while len(self.heard) < n:
                await asyncio.sleep(0.01)

    async def say(self, partition: int, *values: bytes) -> None:
        sent = [await self.topic.send(value=value, partition=partition) for value in values]
        await self.app.producer.flush()
        for each in sent:
            await each


@pytest.fixture(params=["local", "kafka"])
def maker(request: pytest.FixtureRequest, tmp_path: Path):
    if request.param == "local":
        folders = []

        def local() -> LocalBackbone:
            for folder in folders:
                folder.close()
            folders.append(DataFolder(tmp_path))
            return LocalBackbone(folders[-1])

        yield local
        for folder in folders:
            folder.close()
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        yield lambda: KafkaBackbone(cluster, "run", CAST)


@pytest.mark.services
def test_messages_come_in_order_and_again_behind_what_was_committed(maker):
    async def first(bench: Bench) -> None:
        await bench.say(0, b"a", b"b", b"c")
        await bench.say(1, b"x", b"y")
        await bench.until(5)
        tps = {tp.partition: tp for tp in bench.app.consumer.assignment()}
        assert await bench.app.consumer._commit({tps[0]: 2})

    async def second(bench: Bench) -> None:
        await bench.until(3)

    one, two = Bench(maker), Bench(maker)
    asyncio.run(one.run(first))
    assert sorted(one.heard) == [(0, 0, b"a"), (0, 1, b"b"), (0, 2, b"c"), (1, 0, b"x"), (1, 1, b"y")]
    assert {partition for _, partition in one.assigned} == {0, 1}
    asyncio.run(two.run(second))
    assert sorted(two.heard) == [(0, 2, b"c"), (1, 0, b"x"), (1, 1, b"y")]


@pytest.mark.services
def test_more_than_the_streams_hold_is_taken_bit_by_bit(maker):
    async def work(bench: Bench) -> None:
        await bench.say(0, *(i.to_bytes(4, "big") * 50_000 for i in range(100)))
        await bench.until(100)

    bench = Bench(maker)
    asyncio.run(bench.run(work))
    assert [offset for _, offset, _ in bench.heard] == list(range(100))


def test_a_message_above_the_limit_is_refused_by_name(cluster: Cluster, on_kafka: Settings):
    async def work(bench: Bench) -> None:
        with pytest.raises(
            StreamError, match=r"a message of \d+ bytes for .*\.in is above kafka\.message_bytes"
        ):
            await bench.say(0, bytes(on_kafka.kafka.request_bytes + 1))
        await bench.say(0, bytes(on_kafka.kafka.message_bytes - 1024))
        await bench.until(1)

    asyncio.run(Bench(lambda: KafkaBackbone(cluster, "run", CAST)).run(work))


def test_who_takes_long_to_restore_is_not_taken_for_dead(kafka_url: str):
    async def work(bench: Bench) -> None:
        tps = sorted(bench.app.consumer.assignment())
        assert await bench.app.consumer._commit(dict.fromkeys(tps, 0))
        await asyncio.sleep(1.0)  # it would join again by now

    settings = load(None, {}, [
        f"transport={kafka_url}", f"kafka.prefix=t{uuid.uuid4().hex[:8]}", "kafka.session_timeout_s=1",
        "kafka.heartbeat_s=0.2",
    ])  # fmt: skip
    bench = Bench(lambda: KafkaBackbone(Cluster(settings), "run", CAST), restoring_s=3.0)
    asyncio.run(bench.run(work))
    assert bench.times == 1
