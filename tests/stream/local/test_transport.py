"""The transport under a real Faust application of two topics."""

from __future__ import annotations

import asyncio
from pathlib import Path

import faust
import pytest
from faust.types import TP

from citywall.errors import DataFolderBusy
from stream import app as application
from stream.app import Worker, local_url, log_of, make_app, raw_topic
from stream.local import transport as module


class Harness:
    """An application whose one agent keeps what it gets, and acknowledges what it is told to."""

    def __init__(self, folder: Path, *topics: str, acknowledge: int = 1 << 60) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.app: faust.App = make_app(local_url(folder), self.loop)
        self.log = log_of(self.app)
        for name in topics:
            self.log.create(name)
        self.got: list[tuple[str, bytes]] = []
        self.held: list = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.acknowledge = acknowledge
        self.topic = raw_topic(self.app, *topics)
        self.app.agent(self.topic, name="harness")(self._keep)
        self.worker = Worker(self.app, self.loop)

    async def _keep(self, stream) -> None:
        async for event in stream.noack().events():
            await self.gate.wait()
            self.got.append((event.message.topic, event.value))
            if len(self.got) <= self.acknowledge:
                event.ack()
            else:
                self.held.append(event)

    async def until(self, n: int) -> None:
        for _ in range(1000):
            if len(self.got) >= n:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"{len(self.got)} of {n} messages came")

    def run(self, work) -> None:
        try:
            self.loop.run_until_complete(self._run(work))
        finally:
            self.log.close()
            asyncio.set_event_loop(None)
            self.loop.close()

    async def _run(self, work) -> None:
        await self.worker.start()
        try:
            await work(self)
        finally:
            await self.worker.stop()


async def send(harness: Harness, topic: str, *values: bytes) -> None:
    for value in values:
        await harness.app.producer.send(topic, None, value, 0, None, None)


def test_messages_come_in_order_and_are_not_said_again_once_committed(tmp_path: Path):
    values = [str(i).encode() for i in range(300)]

    async def first(harness: Harness) -> None:
        await send(harness, "t", *values[:200])
        await harness.until(200)
        await harness.app.consumer.commit({"t"})

    async def second(harness: Harness) -> None:
        await send(harness, "t", *values[200:])
        await harness.until(100)

    one = Harness(tmp_path, "t")
    one.run(first)
    assert [v for _, v in one.got] == values[:200]
    two = Harness(tmp_path, "t")
    two.run(second)
    assert [v for _, v in two.got] == values[200:]


def test_what_is_not_acknowledged_comes_again(tmp_path: Path):
    async def work(harness: Harness) -> None:
        await send(harness, "t", b"a", b"b", b"c", b"d")
        await harness.until(4)
        harness.held[1].ack()  # d, while c is still open: the commit stops before c
        await harness.app.consumer.commit({"t"})

    one = Harness(tmp_path, "t", acknowledge=2)
    one.run(work)
    assert one.log.offsets.committed["citywall"] == {"t/0": 2}
    two = Harness(tmp_path, "t")
    two.run(lambda h: h.until(2))
    assert [v for _, v in two.got] == [b"c", b"d"]


def test_nothing_is_committed_over_a_gap_at_the_head(tmp_path: Path):
    async def work(harness: Harness) -> None:
        await send(harness, "t", b"a", b"b", b"c")
        await harness.until(3)
        harness.held[1].ack()
        harness.held[2].ack()
        assert not await harness.app.consumer.commit({"t"})
        harness.held[0].ack()
        assert await harness.app.consumer.commit({"t"})

    one = Harness(tmp_path, "t", acknowledge=0)
    one.run(work)
    assert one.log.offsets.committed["citywall"] == {"t/0": 3}


def test_topics_of_one_stream_share_its_room(tmp_path: Path):
    """A topic full of messages must not keep the other one out."""

    async def work(harness: Harness) -> None:
        await harness.until(200)

    filling = Harness(tmp_path, "a", "b")
    for i in range(100):
        filling.log.append("a", 0, None, str(i).encode(), 0.0)
        filling.log.append("b", 0, None, str(i).encode(), 0.0)
    filling.run(work)
    ahead = lead = 0
    for topic, _ in filling.got:
        ahead += 1 if topic == "a" else -1
        lead = max(lead, abs(ahead))
    assert lead <= application.QUEUE


def test_producers_wait_for_the_consumer(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "BACKLOG_BYTES", 10_000)
    sent: list[int] = []

    async def work(harness: Harness) -> None:
        await harness.app.producer.send("t", None, b"first", 0, None, None)
        await harness.until(1)
        harness.gate.clear()

        async def produce() -> None:
            for i in range(100):
                await harness.app.producer.send("t", None, bytes(1000), 0, None, None)
                sent.append(i)

        harness.worker.add_future(produce())
        await asyncio.sleep(0.3)
        held = len(sent)
        assert 10 <= held < 40  # the queue in front of the agent, and the backlog
        harness.gate.set()
        await harness.until(101)
        assert len(sent) == 100

    Harness(tmp_path, "t").run(work)


def test_topics_nobody_reads_hold_nobody_up(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "BACKLOG_BYTES", 10)

    async def work(harness: Harness) -> None:
        await asyncio.wait_for(send(harness, "other", *[bytes(100)] * 20), 5)
        assert harness.app.consumer.assignment() == {TP("t", 0)}
        assert harness.log.logs["other", 0].end == 20

    Harness(tmp_path, "t").run(work)


def test_the_consumer_can_be_moved(tmp_path: Path):
    async def work(harness: Harness) -> None:
        await send(harness, "t", b"a", b"b", b"c")
        await harness.until(3)
        consumer, tp = harness.app.consumer, TP("t", 0)
        assert await consumer.position(tp) == consumer.highwater(tp) == 3
        assert await consumer.earliest_offsets(tp) == {tp: 0}
        assert await consumer.highwaters(tp) == {tp: 3}
        assert consumer.topic_partitions("t") == 1
        assert consumer.key_partition("t", b"key") == 0
        await consumer.seek(tp, 1)
        await harness.until(5)
        await consumer.seek_to_beginning(tp)
        consumer.wake()
        await harness.until(8)

    harness = Harness(tmp_path, "t")
    harness.run(work)
    assert [v for _, v in harness.got] == [b"a", b"b", b"c", b"b", b"c", b"a", b"b", b"c"]


def test_a_consumer_that_is_moved_while_it_hands_on_reads_again(tmp_path: Path):
    async def work(harness: Harness) -> None:
        consumer = harness.app.consumer
        hand_on = consumer.wait_first

        async def slowly(*given, **more):
            found = await hand_on(*given, **more)
            await asyncio.sleep(0.05)
            return found

        consumer.wait_first = slowly
        await send(harness, "t", b"a", b"b")
        await harness.until(2)
        await consumer.seek(TP("t", 0), 0)
        await harness.until(4)

    harness = Harness(tmp_path, "t")
    harness.run(work)
    assert [v for _, v in harness.got] == [b"a", b"b", b"a", b"b"]


def test_the_folder_is_held(tmp_path: Path):
    harness = Harness(tmp_path, "t")
    with pytest.raises(DataFolderBusy):
        module.LogFolder(tmp_path)
    harness.log.close()
    asyncio.set_event_loop(None)
    harness.loop.close()


def test_names_with_spaces_and_chinese_are_folders_too(tmp_path: Path):
    folder = tmp_path / "数据 folder%20"
    Harness(folder, "t").run(lambda h: send(h, "t", b"x"))
    assert (folder / "topics" / "t" / "0").is_dir()
