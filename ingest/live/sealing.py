"""Live packets sealed into blocks, as though a capture file were being written that nobody ends.

A block is sealed when it is full or its first packet is about half a second old. Where a link is quiet a
block without packets tells the time, so that what follows sees windows close. A block's time is
one that nothing still in the ring lies before, but for packets whose stamps the kernel gave out of order.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import numpy as np

from citywall.errors import InputError
from citywall.sensors import SensorSettings
from citywall.watermarks import BEGINNING
from ingest.capture.headers import PCAP_HEADER
from ingest.decode.blocks import BlockRef, InlineBlock, Interface, Section
from ingest.live import kernels
from ingest.live.ring import RETIRE_MS, PacketRing

log = logging.getLogger(__name__)

#: Bytes of a block. No packet is larger.
BLOCK_BYTES = 1 << 20
#: Seconds that a packet waits for its block to fill, and between two words of a quiet link.
SEAL_S = 0.5
#: Seconds that packets still hidden in a block of the ring are younger than: handing over takes the kernel up
#: to two of its periods, rounded up to its clock's ticks.
_HIDDEN_S = 4 * RETIRE_MS / 1000
_REOPEN_S = 1.0
#: What `LiveCapture` counts as errors.
DROPPED, DOWN = "packets_dropped", "interface_down"
_ALL = 1 << 62


def compile_copy() -> None:
    """Compile the kernel, where that has to be."""
    ring, out = np.zeros(0, np.uint8), np.zeros(0, np.uint8)
    ring.flags.writeable = False
    kernels.copy_packets(ring, 0, 0, 0, 0, out, 0, 0, np.uint64(0))


class LiveCapture:
    """The packets of an interface, from now on. Raises what `PacketRing` does.

    `packets` and `dropped` count what was taken and what the kernel had to drop. `path` and `session` go
    into the references; `most` packets are taken.
    """

    def __init__(
        self, interface: str, settings: SensorSettings, *, path: str, session: str, most: int | None = None
    ) -> None:
        self.packets = self.dropped = 0
        self._path = path
        self._session = session
        self._snap = settings.snaplen
        self._left = _ALL if most is None else most
        self._out = np.empty(BLOCK_BYTES, np.uint8)
        self._clear()
        compile_copy()  # before packets come
        self._ring = PacketRing(
            interface,
            ring_bytes=settings.ring_mib << 20,
            snaplen=self._snap,
            promiscuous=settings.promiscuous,
            wanted=settings.filter,
        )
        unit = Interface(link=self._ring.link, multiply=1)
        self.link = self._ring.link
        self._section = Section("pcap", big_endian=False, interfaces=(unit,))
        self._index = 0
        self._offset = PCAP_HEADER  # where the block being filled begins
        self._errors: dict[str, int] = {}
        self._retry_at: float | None = None  # when to look again for an interface that is down
        self._sealed = time.monotonic()

    def _clear(self) -> None:
        self._filled = 0
        self._gathered, self._newest, self._digest = 0, BEGINNING, np.uint64(0)

    def blocks(self, stop: threading.Event) -> Iterator[InlineBlock]:
        """Sealed blocks until `stop` is set (what had come by then is the last of them), or enough packets.

        Raises InputError where the kernel's ring holds what it cannot.
        """
        last: float | None = None
        while self._left:
            now = time.monotonic()
            if stop.is_set() and last is None:
                last = now + _HIDDEN_S
            clock = time.time_ns()
            filled = self._ring.filled()
            if filled is not None:
                yield from self._take(filled.first, filled.end, filled.packets)
                self._ring.give_back()
            due = self._sealed + SEAL_S
            if now >= due:
                yield self._seal(BEGINNING if filled else clock - int(_HIDDEN_S * 1e9))
            elif filled is None:
                self._wait(min(due, last or due) - now)
            if last is not None and now >= last:
                break
        yield self._seal(BEGINNING)

    def _take(self, at: int, end: int, left: int) -> Iterator[InlineBlock]:
        """Copy the packets of a block of the ring, sealing where ours is full."""
        why = kernels.FULL
        while why == kernels.FULL and self._left:
            most = min(left, self._left)
            why, at, still, self._filled, newest, digest = kernels.copy_packets(
                self._ring.ring,
                at,
                end,
                most,
                self._snap,
                self._out,
                self._filled,
                self._offset,
                self._digest,
            )
            self._newest = max(self._newest, int(newest))
            self._digest = np.uint64(digest)
            taken, left = most - still, left - (most - still)
            self._gathered += taken
            self.packets += taken
            self._left -= taken
            if why == kernels.FULL:
                yield self._seal(BEGINNING)
            elif why == kernels.MALFORMED:
                raise InputError(self._ring.interface, "a malformed block in the kernel's ring", offset=at)

    def _wait(self, seconds: float) -> None:
        if self._retry_at is None:
            if self._ring.wait(seconds):
                return
            log.warning("%s: the interface is down; waiting for it", self._ring.interface)
            self._errors[DOWN] = self._errors.get(DOWN, 0) + 1
            self._retry_at = 0.0
        time.sleep(max(seconds, 0.0))
        now = time.monotonic()
        if now >= self._retry_at:
            self._retry_at = now + _REOPEN_S
            if self._ring.reopen():
                log.warning("%s: the interface is up again", self._ring.interface)
                self._retry_at = None

    def _seal(self, clock: int) -> InlineBlock:
        """What was gathered, and the time that it says: `clock`, where no packet is newer."""
        dropped = self._ring.dropped()
        if dropped:
            self.dropped += dropped
            self._errors[DROPPED] = self._errors.get(DROPPED, 0) + dropped
            log.warning("%s: the kernel dropped %d packets", self._ring.interface, dropped)
        ref = BlockRef(
            session=self._session, path=self._path, index=self._index, offset=self._offset,
            length=self._filled, packets=self._gathered, first_frame=self.packets - self._gathered + 1,
            digest=int(self._digest), newest=max(self._newest, clock), section=self._section,
            errors=self._errors,
        )  # fmt: skip
        block = InlineBlock(ref, memoryview(self._out[: self._filled].tobytes()))
        self._index += 1
        self._offset += self._filled
        self._errors = {}
        self._sealed = time.monotonic()
        self._clear()
        return block

    def close(self) -> None:
        """Let go of the interface."""
        self._ring.close()
