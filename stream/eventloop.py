"""The event loop of a run or a worker: signals that ask to stop, and an end that leaves nothing."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import uvloop

#: Seconds that what is left in the loop gets to stop.
_PATIENCE = 10.0


def run_loop(work: Coroutine[Any, Any, None], interrupt: Callable[[int], None]) -> None:
    """Run `work` in a loop of its own; `interrupt` gets the signals that ask to stop."""
    loop = uvloop.new_event_loop()  # asyncio's own costs a fifth of the run
    asyncio.set_event_loop(loop)
    try:
        with _signals(loop, interrupt):
            loop.run_until_complete(work)
    finally:
        _close_loop(loop)


async def unless(
    stop: asyncio.Event, work: Coroutine[Any, Any, None], patience_s: float | None = 0.0
) -> bool:
    """Await `work`, but not for more than `patience_s` once `stop` is set; whether it came to its end.

    Raises what it raises.
    """
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait({task}, timeout=patience_s)
    for each in (task, stopping):
        each.cancel()
    await asyncio.wait({task, stopping})
    if task.cancelled():
        return False
    task.result()
    return True


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Until a loop takes signals, SIGTERM unwinds and is an end in good order: nothing is under way yet."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop, handle: Callable[[int], None]) -> Iterator[None]:
    """Hand SIGINT and SIGTERM to `handle`, where that is ours to do; put things back after."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        loop.add_signal_handler(number, handle, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


def _close_loop(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=_PATIENCE))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()
