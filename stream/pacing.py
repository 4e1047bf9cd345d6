"""Captures by the wall clock: a block is fed when the last of its packets would have come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


class Pace:
    """Event time passes `speed` times as fast as the clock (s); it begins with the first block there is.

    So a run that goes on after it was cut off does not hurry to catch up.
    """

    def __init__(
        self,
        speed: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if not speed > 0:
            raise ValueError("a speed is more than nothing")
        self.speed = speed
        self._clock = clock
        self._sleep = sleep
        self._origin: tuple[int, float] | None = None

    def delay(self, newest: int) -> float:
        """Seconds until a block is due whose newest packet has this time (ns); none for one that is late."""
        now = self._clock()
        if self._origin is None:
            self._origin = newest, now
        began, then = self._origin
        return max(0.0, then + (newest - began) / 1e9 / self.speed - now)

    async def keep(self, newest: int) -> None:
        """Wait until a block is due."""
        delay = self.delay(newest)
        if delay:
            await self._sleep(delay)
