"""Messages on their way: futures of what was handed to a transport, in order, and never too many."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, NamedTuple

#: Messages, and bytes of them, that nobody has waited for yet, by default.
MOST, MOST_BYTES = 64, 64 << 20


class _Message(NamedTuple):
    future: asyncio.Future[Any]
    size: int


class Sending:
    """What one sender has under way. One task at a time adds and waits."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._under_way: deque[_Message] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        """How many may not be there yet."""
        return len(self._under_way)

    async def add(self, future: asyncio.Future[Any], size: int) -> None:
        """Remember a message of `size` bytes; waits while there are too many.

        Raises what became of earlier ones.
        """
        self._under_way.append(_Message(future, size))
        self._bytes += size
        while self._under_way and (self._full or self._under_way[0].future.done()):
            await self._next()

    async def arrived(self) -> None:
        """Wait until all that was sent is there; raises where some of it is not."""
        while self._under_way:
            await self._next()

    @property
    def _full(self) -> bool:
        return len(self._under_way) > self._most or self._bytes > self._most_bytes

    async def _next(self) -> None:
        """Wait for the oldest, which stays where we are told to wait no longer."""
        message = self._under_way[0]
        if not message.future.done():
            await asyncio.wait([message.future])
        self._under_way.popleft()
        self._bytes -= message.size
        message.future.result()
