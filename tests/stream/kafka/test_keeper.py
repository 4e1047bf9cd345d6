from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from aiokafka import TopicPartition

from citywall.errors import StreamError
from citywall.state import Parts
from stream.kafka import keeper as module
from stream.kafka.cluster import Cluster
from stream.kafka.keeper import TopicKeeper
from stream.kafka.topics import Wanted, drop, have

PLACES = {("a", 0): 0, ("b", 0): 1}
ROWS = np.dtype([("time", "i8"), ("n", "u4"), ("rest", "u4")])


def state(n: int, rows: int = 1000) -> Parts:
    table = np.zeros(rows, ROWS)
    table["n"] = np.arange(rows) + n
    return {"table": table, "pairs": np.arange(6, dtype=np.int64).reshape(2, 3), "none": np.zeros(0, ROWS),
            "name": f"state {n}".encode(), "empty": b""}  # fmt: skip


class Kept:
    """A topic of checkpoints, and keepers on it as several processes would have."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.topic = f"{cluster.settings.prefix}.checkpoints"
        self.marks: dict[tuple[str, int], str] = {}  # what was committed

    async def _committed(self, stage: str, partition: int) -> str:
        return self.marks.get((stage, partition), "")

    async def save(self, keeper: TopicKeeper, offset: int, parts: Parts) -> None:
        """Save and commit."""
        self.marks["a", 0] = await keeper.save("a", 0, {"in": {0: offset}}, parts)
        await keeper.counts("a", 0)

    async def keeper(self) -> TopicKeeper:
        producer, reader = self.cluster.producer(), self.cluster.reader()
        await producer.start()
        await reader.start()
        self.clients += [producer, reader]
        return TopicKeeper(
            self.topic, PLACES, link=self.cluster.link, producer=producer, reader=reader, admin=self.admin,
            committed=self._committed,
        )  # fmt: skip

    async def run(self, work: Callable[[Kept], Awaitable[None]]) -> None:
        self.admin = await self.cluster.reach()
        self.clients = []
        try:
            await have(self.admin, [Wanted(self.topic, len(PLACES), kept=True)], self.cluster.settings)
            await work(self)
            await drop(self.admin, self.topic)
        finally:
            for client in self.clients:
                await client.stop()
            await self.admin.close()


def same(a: Parts, b: Parts) -> bool:
    return a.keys() == b.keys() and all(
        np.array_equal(x, y) and x.dtype == y.dtype if isinstance(x, np.ndarray) else x == y
        for x, y in ((a[name], b[name]) for name in a)
    )


def test_what_is_saved_here_is_restored_there(cluster: Cluster):
    async def work(kept: Kept) -> None:
        mine, other = await kept.keeper(), await kept.keeper()
        assert await mine.load("a", 0) is None
        assert await mine.ours("a", 0)
        await kept.save(mine, 5, state(1))
        await kept.save(mine, 9, state(2))
        assert await mine.ours("a", 0)
        assert not await other.ours("a", 0)
        found = await other.load("a", 0)
        assert found is not None
        assert found[0] == {"in": {0: 9}}
        assert same(found[1], state(2))
        table = found[1]["table"]
        assert isinstance(table, np.ndarray)
        assert table.flags.writeable
        assert await other.ours("a", 0)
        assert await other.load("b", 0) is None

    asyncio.run(Kept(cluster).run(work))


def test_old_checkpoints_are_deleted_and_large_ones_go_in_chunks(cluster: Cluster):
    async def work(kept: Kept) -> None:
        mine = await kept.keeper()
        rows = 1 << 20  # 16 MiB: four chunks
        for n in range(4):
            await kept.save(mine, n, state(n, rows))
        tp = TopicPartition(kept.topic, 0)
        reader = kept.clients[1]
        begin, end = (await reader.beginning_offsets([tp]))[tp], (await reader.end_offsets([tp]))[tp]
        assert end - begin <= 2 * 9  # the last two
        found = await (await kept.keeper()).load("a", 0)
        assert found is not None
        assert same(found[1], state(3, rows))

    asyncio.run(Kept(cluster).run(work))


def test_only_the_checkpoint_that_was_committed_counts(cluster: Cluster):
    async def work(kept: Kept) -> None:
        mine, zombie = await kept.keeper(), await kept.keeper()
        await zombie.save("a", 0, {"in": {0: 40}}, state(0))  # killed before it could commit
        assert await mine.load("a", 0) is None
        await kept.save(mine, 50, state(1))
        await zombie.save("a", 0, {"in": {0: 60}}, state(2))  # it lost the partition long ago
        tp = TopicPartition(kept.topic, 0)
        await kept.clients[0].send_and_wait(tp.topic, b"half a state", b"\0" * 16, tp.partition)  # then died
        found = await (await kept.keeper()).load("a", 0)
        assert found is not None
        assert found[0]["in"] == {0: 50}
        assert same(found[1], state(1))
        assert not await mine.ours("a", 0)
        for n in range(2):  # refused, and tried again: what counts must stay
            await mine.save("a", 0, {"in": {0: 70 + n}}, state(3))
        found = await (await kept.keeper()).load("a", 0)
        assert found is not None
        assert found[0]["in"] == {0: 50}
        kept.marks["a", 0] = "00" * 16
        with pytest.raises(StreamError, match="the checkpoint that was committed is not there any more"):
            await mine.load("a", 0)

    asyncio.run(Kept(cluster).run(work))


def test_a_run_goes_on_after_its_brokers_have_forgotten_what_it_committed(cluster: Cluster):
    async def work(kept: Kept) -> None:
        mine = await kept.keeper()
        await mine.save("a", 0, {"in": {0: 1}}, state(9))  # killed before it could commit
        kept.marks.clear()
        assert await mine.load("a", 0) is None  # it may never have been committed
        for n in range(3):
            await kept.save(mine, 50 + n, state(n))
        late = await kept.keeper()
        assert await late.load("a", 0) is not None
        await late.save("a", 0, {"in": {0: 60}}, state(4))
        kept.marks.clear()
        found = await (await kept.keeper()).load("a", 0)
        assert found is not None
        assert found[0]["in"] == {0: 52}
        assert same(found[1], state(2))
        await late.counts("a", 0)  # it was committed, and this is said late
        await kept.save(late, 61, state(5))
        last = kept.marks["a", 0]
        kept.marks.clear()
        late._marks["a", 0] = mine._marks["a", 0]  # one more is late, of a checkpoint long replaced
        await late.counts("a", 0)
        next_ = await kept.keeper()
        found = await next_.load("a", 0)
        assert found is not None
        assert found[0]["in"] == {0: 61}
        kept.marks["a", 0] = last
        again = await next_.load("a", 0)
        assert again is not None
        assert same(again[1], found[1])

    asyncio.run(Kept(cluster).run(work))


def test_chunks_travel_pressed():
    chunk = memoryview(bytes(1000) + b"end")
    crc, body = module._press(chunk, 0)
    assert len(body) < 100
    assert crc == zlib.crc32(chunk)
    assert module._loose(body) == chunk
    for broken in (b"", body[:4], body[:-3], struct.pack("<I", 1 << 30) + body[4:], b"\1\0\0\0" + body[4:]):
        with pytest.raises(StreamError, match=r"(of|in) a checkpoint"):
            module._loose(broken)


def test_another_schema_is_refused(cluster: Cluster, monkeypatch):
    async def work(kept: Kept) -> None:
        mine = await kept.keeper()
        await kept.save(mine, 5, state(1))
        monkeypatch.setattr(module, "SCHEMA_VERSION", 77)
        with pytest.raises(StreamError, match=r"the checkpoint of a is of schema \d+, not 77"):
            await mine.load("a", 0)

    asyncio.run(Kept(cluster).run(work))
