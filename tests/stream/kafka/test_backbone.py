from __future__ import annotations

import asyncio

from citywall.settings import load
from stream.board import Board, Status
from stream.codecs import Tally
from stream.kafka.backbone import KafkaBackbone
from stream.kafka.cards import card_of, follow
from stream.kafka.cluster import Cluster
from stream.stages import Role, Station


def never(_: int):
    raise AssertionError("nothing is made here")


CAST = [Role("numbers", ("capture",), ("odd", "even"), never, 2), Role("keep", ("odd", "even"), (), never)]
TOPICS = {"capture": 2, "odd": 1, "even": 1}


async def gone(cluster: Cluster, prefix: str) -> list[str]:
    """Wait until no topic begins so: a busy broker lists them a little longer. Those that are left."""
    admin = await cluster.reach()
    async with asyncio.timeout(30):
        names = await admin.list_topics()
        while any(name.startswith(prefix) for name in names):
            await asyncio.sleep(0.05)
            names = await admin.list_topics()
    await admin.close()
    return list(names)


def test_processes_of_a_run_hear_each_other_and_its_end(cluster: Cluster, standins):
    runs: dict[str, object] = {}
    statuses: list[Status] = []
    told: list[tuple[str, str, Tally]] = []
    retired: list[str] = []

    async def finished(stage: str, session: str, tally: Tally) -> None:
        told.append((stage, session, tally))

    async def until(condition) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.02)

    async def work() -> None:
        owner = KafkaBackbone(
            cluster, "r1", CAST, card=card_of("r1", load(None, {}, [])), retired=retired.append
        )
        worker = KafkaBackbone(cluster, "r1", CAST)
        following = asyncio.ensure_future(follow(cluster, lambda found: (runs.clear(), runs.update(found))))
        await owner.open(TOPICS)
        await worker.open(TOPICS)
        await until(lambda: "r1" in runs)
        board, moved = Board(), asyncio.Event()
        board.watch(Station(standins.Numbers(), 1))
        hearing = asyncio.ensure_future(owner.listen(statuses.append, finished))
        telling = asyncio.ensure_future(worker.tell(board, moved))
        moved.set()
        await worker.done("keep", "s", Tally(packets=7))
        await owner.done("keep", "s", Tally())  # one's own voice is not heard
        await until(lambda: statuses and told)
        assert [(s.stage, s.partition) for s in statuses] == [("numbers", 1)]
        assert told == [("keep", "s", Tally(packets=7))]
        for task in (hearing, telling):
            task.cancel()
            await asyncio.wait([task])
        await worker.close()
        await owner.close()
        await owner.retire()
        await until(lambda: not runs)
        following.cancel()
        await asyncio.wait([following])
        await gone(cluster, f"{owner.group}.")

    asyncio.run(work())
    assert retired == ["r1"]


def test_what_an_abandoned_run_left_goes_when_the_next_begins(cluster: Cluster):
    retired: list[str] = []

    async def work() -> None:
        first = KafkaBackbone(cluster, "r1", CAST, card=card_of("r1", load(None, {}, [])))
        await first.open(TOPICS)
        await first.close()
        second = KafkaBackbone(
            cluster, "r2", CAST, card=card_of("r2", load(None, {}, [])), abandoned=("r1",),
            retired=retired.append,
        )  # fmt: skip
        await second.open(TOPICS)
        names = await gone(cluster, f"{first.group}.")
        assert [name for name in names if name.startswith(f"{second.group}.")]
        await second.close()
        await second.retire()

    asyncio.run(work())
    assert retired == ["r1", "r2"]
