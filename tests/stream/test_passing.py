"""Handing over on a shared transport. That nothing is lost by it is tested by kills, see `test_kafka`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from citywall.errors import Interrupted
from stream.passing import INBOX_BYTES, Inbox, Passing, Place
from stream.stages import HANDED, Role, Stage

FLOWS = ("flows", 0)


def never(_: int) -> Stage:
    raise AssertionError("nobody plays here")


class Station:
    def __init__(self) -> None:
        self.offsets: dict[str, dict[int, int]] = {}


class Work:
    """A station under way."""

    def __init__(self) -> None:
        self.station: Any = Station()
        self.inbox = Inbox()
        self.places: dict[tuple[str, int], Place] = {}

    def took(self, offset: int) -> None:
        """From the transport."""
        self.station.offsets["flows"] = {0: offset + 1}


class Reader:
    """Works partition 0 of `flows`; `saves` says whether it can save."""

    role = Role("reader", ("flows", "findings"), (), never)

    def __init__(self) -> None:
        self.work = Work()
        self.saved = 0
        self.saves = True

    def working(self, partition: int) -> Work | None:
        return None if partition else self.work

    async def hand(self, taker: Any, topic: str, message: bytes) -> None:
        taker.inbox.put(topic, message)

    async def catch_up(self) -> bool:
        self.work.inbox.take(1000)
        self.saved += self.saves
        return self.saves


class Sent:
    """What the transport says of a message that arrived."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def done(self) -> bool:
        return True

    def result(self) -> Sent:
        return self


class House:
    """A writer and a reader in one process."""

    def __init__(self) -> None:
        self.passing = Passing()
        self.reader = Reader()
        self.passing.join(self.reader)
        self.writer = Work()
        self.log: list[bytes] = []

    async def say(self, message: bytes, topic: str = "flows", partition: int = 0) -> bool:
        """As desks do."""
        if await self.passing.give(self.writer, topic, partition, message):
            return True
        self.passing.sent(self.writer, topic, partition, Sent(len(self.log)))
        self.log.append(message)
        return False

    async def straight(self) -> None:
        """Until it hands over."""
        assert not await self.say(b"first")
        self.reader.work.took(0)
        assert await self.say(b"second")

    def covered(self) -> bool:
        return self.passing.covered(WRITER, self.writer.places)

    async def cover(self) -> bool:
        return await self.passing.cover(WRITER, self.writer.places)


WRITER = Role("writer", ("in",), ("flows", "findings"), never)


def test_messages_are_handed_over_once_the_reader_has_taken_what_was_sent():
    async def work() -> None:
        house = House()
        assert not await house.say(b"a")
        asyncio.get_running_loop().call_later(0.02, house.reader.work.took, 0)
        assert await house.say(b"b")  # it waits for that a little
        assert await house.say(b"c")
        assert house.log == [b"a"]
        assert house.reader.work.inbox.take(9) == [("flows", HANDED, b"b"), ("flows", HANDED, b"c")]

    asyncio.run(work())


def test_a_reader_that_is_behind_or_elsewhere_gets_all_over_the_transport(monkeypatch):
    monkeypatch.setattr("stream.passing._CATCH_UP_S", 0.01)

    async def work() -> None:
        house = House()
        for n in range(4):
            assert not await house.say(str(n).encode())
            house.reader.work.took(n - 1)  # one behind
        for _ in range(2):
            assert not await house.say(b"x", partition=1)  # nobody here works it
            assert not await house.say(b"x", topic="findings")  # they stand on the transport
        assert house.covered()
        assert not len(house.reader.work.inbox)

    asyncio.run(work())


def test_a_writer_saves_behind_its_readers():
    async def work() -> None:
        house = House()
        assert house.covered()
        await house.straight()
        assert not house.covered()
        house.reader.saves = False
        assert not await house.cover()
        house.reader.saves = True
        assert await house.cover()
        assert house.covered()
        assert await house.cover()  # nobody needs to save again
        assert house.reader.saved == 1
        assert await house.say(b"third")  # and it goes on as before
        assert not house.covered()

    asyncio.run(work())


def test_a_reader_that_was_restored_knows_nothing_of_what_was_not_saved():
    async def work(*, save: bool) -> None:
        house = House()
        await house.straight()
        if save:
            assert await house.cover()
        house.reader.work = Work()
        if save:
            assert not await house.say(b"third")  # begun anew, over the transport
            return
        with pytest.raises(Interrupted, match="flows/0 went elsewhere with what was not saved"):
            await house.say(b"third")
        with pytest.raises(Interrupted, match="flows/0 went elsewhere"):
            await house.cover()

    asyncio.run(work(save=True))
    asyncio.run(work(save=False))


def test_an_inbox_is_full_by_the_byte_and_has_room_again():
    async def work() -> None:
        inbox = Inbox()
        for _ in range(3):
            inbox.put("flows", bytes(INBOX_BYTES // 2))
        assert inbox.full
        assert not inbox.room.is_set()
        assert len(inbox.take(2)) == 2
        assert not inbox.full
        assert inbox.room.is_set()
        assert (len(inbox), inbox.handed, inbox.taken) == (1, 3, 2)

    asyncio.run(work())
