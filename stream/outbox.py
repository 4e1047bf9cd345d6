"""Blocks between the thread that captures and the loop that sends: a bounded buffer."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from ingest.decode.blocks import InlineBlock

log = logging.getLogger(__name__)

#: What a block takes beside its bytes, so that many small ones are bounded too.
BESIDE = 4096


class Outbox:
    """Holds at most `most` bytes; `wake` is called, from the capturing thread, when there is something new.

    Where it is full `put` waits: the kernel's ring fills meanwhile, and the kernel drops and counts.
    """

    def __init__(self, most: int, wake: Callable[[], None]) -> None:
        self._most = most
        self._wake = wake
        self._blocks: deque[InlineBlock] = deque()
        self._held = 0
        self._changed = threading.Condition()
        self._closed = self._full = False
        self.finished = False  # nothing more will be put

    def put(self, block: InlineBlock) -> bool:
        """Add a block when there is room; False where nobody will take it. In the capturing thread."""
        size = len(block.data) + BESIDE
        with self._changed:
            if self._blocks and _says_only_the_time(block):
                return not self._closed  # what waits in front says more, and what follows says it later
            if self._blocks and self._held + size > self._most and not self._full:
                self._full = True
                log.warning("the buffer is full (sensor.buffer_mib): the cluster is too slow, or away")
            while self._blocks and self._held + size > self._most and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            self._blocks.append(block)
            self._held += size
        self._wake()
        return True

    def finish(self) -> None:
        """Nothing more will be put. In the capturing thread."""
        self.finished = True
        self._wake()

    def take(self) -> InlineBlock | None:
        """The oldest block; None where there is none."""
        with self._changed:
            if not self._blocks:
                return None
            block = self._blocks.popleft()
            self._held -= len(block.data) + BESIDE
            if self._full and self._held * 2 < self._most:
                self._full = False
                log.warning("the buffer has room again")
            self._changed.notify_all()
            return block

    def close(self) -> None:
        """Take nothing more and drop what is left."""
        with self._changed:
            self._closed = True
            self._blocks.clear()
            self._changed.notify_all()


def _says_only_the_time(block: InlineBlock) -> bool:
    return not block.block.packets and not block.block.errors
