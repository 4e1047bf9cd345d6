"""Handing over without the disk. That nothing is lost by it is tested by kills in `test_runner`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from stream.handover import BULK, Handover
from stream.local.folder import LogFolder
from stream.stages import Role, Stage

GROUP = "g"


def never(_: int) -> Stage:
    raise AssertionError("nobody plays here")


WRITER = Role("writer", ("in",), ("flows", "findings"), never)
READER = Role("reader", ("flows",), (), never)
OTHER = Role("other", ("closed",), (), never)


class Desk:
    """One that plays `role`, as far as others know it."""

    def __init__(self, house: House, role: Role) -> None:
        self.house = house
        self.role = role

    async def catch_up(self) -> bool:
        await self.house.save(self.role)
        return not self.house.fails


class House:
    """A log with a handover on it; readers save what was worked, unless they `fail`."""

    def __init__(self, root: Path) -> None:
        self.log = LogFolder(root)
        for topic in ("in", "flows", "closed", "said", "findings"):
            self.log.create(topic)
        self.handover = Handover(self.log, GROUP)
        self.saved: list[str] = []
        self.at: dict[str, int] = {}
        self.fails = False
        for role in (WRITER, READER, OTHER):
            self.handover.join(Desk(self, role))

    async def save(self, role: Role) -> None:
        self.saved.append(role.name)
        if not self.fails:
            await self.log.commit(GROUP, {(t, 0): self.at[t] for t in role.inputs if t in self.at})

    def put(self, topic: str, messages: int) -> None:
        for _ in range(messages):
            self.log.append(topic, 0, None, b"x", 0.0)

    def work(self, topic: str, offset: int) -> None:
        self.at[topic] = offset
        self.handover.worked({topic: {0: offset}})


def test_a_writer_is_covered_when_its_readers_have_committed_what_was_not_written(tmp_path: Path):
    house = House(tmp_path)
    house.put("flows", 5)
    assert house.handover.covered(WRITER)  # nothing is gone yet
    house.work("flows", 3)
    assert not house.handover.covered(WRITER)
    assert asyncio.run(house.handover.cover(WRITER))
    assert house.saved == ["reader"]
    flows = house.log.logs["flows", 0]
    assert (flows.forgone, flows.written) == (3, 5)
    assert house.log.committed(GROUP, "flows", 0) == 3
    house.saved.clear()
    assert asyncio.run(house.handover.cover(WRITER))  # nobody needs to save again
    assert house.saved == []
    house.log.close()


def test_where_a_reader_cannot_save_its_writer_is_not_covered(tmp_path: Path):
    house = House(tmp_path)
    house.put("flows", 2)
    house.work("flows", 2)
    house.fails = True
    assert not asyncio.run(house.handover.cover(WRITER))
    house.log.close()


def test_only_bulk_stays_in_memory(tmp_path: Path):
    house = House(tmp_path)
    for topic in ("in", "findings", *BULK):
        house.put(topic, 1)
    asyncio.run(house.log.sync())
    written = {topic: log.written for (topic, _), log in house.log.logs.items()}
    assert written == {"in": 1, "findings": 1, "flows": 0, "closed": 0, "said": 0}
    assert asyncio.run(house.handover.cover(READER))  # it writes none
    house.log.close()
