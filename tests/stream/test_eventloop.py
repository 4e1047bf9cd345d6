from __future__ import annotations

import asyncio
import os
import signal

import pytest

from stream.eventloop import run_loop, stoppable, unless


async def _nothing(
    stop: asyncio.Event, seen: list[bool], work: float, patience_s: float | None = 0.0
) -> None:
    seen.append(await unless(stop, asyncio.sleep(work), patience_s))


def test_work_comes_to_its_end_unless_told_to_stop():
    async def both() -> None:
        stop = asyncio.Event()
        await _nothing(stop, seen, 0.0)
        asyncio.get_running_loop().call_soon(stop.set)
        await _nothing(stop, seen, 3600.0)
        await _nothing(stop, seen, 0.01, None)  # which may take as long as it will

    seen: list[bool] = []
    run_loop(both(), lambda _: None)
    assert seen == [True, False, True]


def test_what_work_raises_is_raised():
    async def fails() -> None:
        raise OSError("no")

    async def whole() -> None:
        await unless(asyncio.Event(), fails())

    with pytest.raises(OSError, match="no"):
        run_loop(whole(), lambda _: None)


def test_signals_go_to_who_asked_and_are_put_back():
    seen: list[int] = []
    before = signal.getsignal(signal.SIGTERM)

    async def whole() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        while not seen:
            await asyncio.sleep(0.001)

    run_loop(whole(), seen.append)
    assert seen == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before


def test_tasks_that_are_left_are_ended():
    ended: list[str] = []

    async def stays() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("stays")

    async def whole() -> None:
        task = asyncio.ensure_future(stays())
        await asyncio.sleep(0)
        assert not task.done()

    run_loop(whole(), lambda _: None)
    assert ended == ["stays"]


def test_a_service_that_only_begins_ends_in_good_order():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, stoppable():
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 0
    assert signal.getsignal(signal.SIGTERM) is before
