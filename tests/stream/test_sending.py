from __future__ import annotations

import asyncio

import pytest

from stream.sending import Sending


def run(work) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await work()

    asyncio.run(bounded())


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_it_waits_where_too_many_or_too_large_are_under_way():
    async def work() -> None:
        loop = asyncio.get_running_loop()
        for most, most_bytes, size in ((3, 1000, 1), (100, 30, 10)):
            sending = Sending(most, most_bytes)
            futures = [loop.create_future() for _ in range(4)]
            for future in futures[:3]:
                await sending.add(future, size)
            adding = asyncio.ensure_future(sending.add(futures[3], size))
            await turns()
            assert not adding.done()
            futures[1].set_result(None)  # the oldest is waited for: order is kept
            await turns()
            assert not adding.done()
            futures[0].set_result(None)
            await adding
            assert len(sending) == 2
            for future in futures[2:]:
                future.set_result(None)
            await sending.arrived()
            assert len(sending) == 0

    run(work)


def test_one_message_may_be_larger_than_all_that_may_be_under_way():
    async def work() -> None:
        sending, future = Sending(4, 10), asyncio.get_running_loop().create_future()
        adding = asyncio.ensure_future(sending.add(future, 99))
        await turns()
        future.set_result(None)
        await adding
        assert len(sending) == 0

    run(work)


def test_what_became_of_earlier_ones_is_raised():
    async def work() -> None:
        loop = asyncio.get_running_loop()
        sending = Sending()
        refused, later = loop.create_future(), loop.create_future()
        await sending.add(refused, 1)
        refused.set_exception(OSError("refused"))
        with pytest.raises(OSError, match="refused"):
            await sending.add(later, 1)
        assert len(sending) == 1
        later.set_exception(OSError("too"))
        with pytest.raises(OSError, match="too"):
            await sending.arrived()

    run(work)


def test_who_waits_no_longer_loses_and_cancels_nothing():
    async def work() -> None:
        sending, future = Sending(), asyncio.get_running_loop().create_future()
        await sending.add(future, 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await sending.arrived()
        assert not future.cancelled()
        assert len(sending) == 1
        future.set_result(None)
        await sending.arrived()

    run(work)
