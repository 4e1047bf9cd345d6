"""Cuts a mapped capture into block references, and gets past what is corrupt."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from citywall.watermarks import BEGINNING
from ingest.capture import kernels
from ingest.capture.headers import parse_interface, section_order
from ingest.decode.blocks import BlockRef, Interface, Section, fill_interface
from ingest.decode.kernels import INTERFACE

#: Interfaces of one pcapng section that are kept.
MAX_INTERFACES = 4096
#: Places of errors that are kept for messages, per file.
MAX_PLACES = 8
# Bytes that may be searched for a resumption close in time after a far one was found, per file.
_LOOK_AHEAD = 64 << 20
_WORD = (1 << 64) - 1
# Bytes of a section or interface block that are looked at.
_MAX_HEADER = 65536
# Names of the counters of `kernels.walk_pcapng`.
_COUNTED = ("captured_length_wrong", "packet_block_short", "unknown_block", "interface_limit_reached")


class Walk:
    """One walk over a capture: where it is, what it met, the block it is gathering."""

    def __init__(
        self,
        buffer: NDArray[np.uint8],
        section: Section,
        *,
        path: str,
        session: str,
        max_record: int,
        errors: Mapping[str, int],
    ) -> None:
        self._buffer = buffer
        self._path = path
        self._session = session
        self._section = section
        self._max_record = max_record
        self._index = 0
        self._frame = 1
        self._errors = dict(errors)
        self._skipped = 0
        self._places: list[tuple[str, int]] = [(name, len(buffer)) for name in errors]
        self._told = 0
        self._lanes = np.zeros(kernels.LANES, kernels.LANE)
        self._touched = 0
        self._start, self._packets, self._newest, self._digest = 0, 0, BEGINNING, 0

    def blocks(self, begin: int, block_bytes: int) -> Iterator[BlockRef]:
        """References to blocks of about `block_bytes` from offset `begin` to the end of the file."""
        walk = self._pcap if self._section.format == "pcap" else self._pcapng
        self._clear(begin)
        yield from walk(begin, block_bytes)
        if self._errors or self._skipped:
            yield self._cut(len(self._buffer), empty=True)

    def _pcap(self, at: int, block_bytes: int) -> Iterator[BlockRef]:
        big, unit = self._section.big_endian, self._section.interfaces[0].multiply
        limit = 1_000_000_000 // unit
        end = len(self._buffer)
        seconds, budget, calm = -1, _LOOK_AHEAD, True
        while at < end:
            self._touch(at + block_bytes)
            status, at, packets, newest, digest, seconds = kernels.walk_pcap(
                self._buffer, at, at + block_bytes, end, big, unit, limit, self._max_record,
                seconds, self._lanes if calm else self._lanes[:0],
            )  # fmt: skip
            calm = status == kernels.DONE
            self._gather(packets, newest, digest)
            if self._packets:
                yield self._cut(at)
            if status != kernels.DONE:
                found, budget = kernels.find_pcap(
                    self._buffer, at + 1, end, big, limit, self._max_record, seconds, budget
                )
                at = self._leap(at, found, status)

    def _pcapng(self, at: int, block_bytes: int) -> Iterator[BlockRef]:
        end = len(self._buffer)
        self._table = np.zeros(16, INTERFACE)
        self._interfaces: list[Interface] = []
        counters = np.zeros(kernels.COUNTERS, np.int64)
        calm = False
        while at < end:
            big = self._section.big_endian
            self._touch(self._start + block_bytes)
            status, at, packets, newest, digest = kernels.walk_pcapng(
                self._buffer, at, self._start + block_bytes, end, big, self._max_record,
                self._table, len(self._interfaces), MAX_INTERFACES, counters,
                self._lanes if calm else self._lanes[:0],
            )  # fmt: skip
            calm = status == kernels.DONE
            self._gather(packets, newest, digest)
            if counters.any():
                self._count_blocks(counters)
            if status == kernels.INTERFACE_FOUND:
                at = self._interface(at, big)
                continue
            if self._packets:
                yield self._cut(at)
            if status == kernels.SECTION and (entered := self._enter(at)) is not None:
                at = entered
            elif status != kernels.DONE:
                found = kernels.find_pcapng(self._buffer, at + 1, end, big, self._max_record)
                at = self._leap(at, found, status)
            self._clear(at)

    def _touch(self, end: int) -> None:
        """Have every page up to offset `end` in memory, asked for in order.

        A walk looks at several places at once. The system would take that for leaps and read the file in
        small pieces, which cost more to read and, as they stay in its cache, to map at every later run.
        """
        if end > self._touched:
            self._buffer[self._touched : end : mmap.PAGESIZE].max(initial=0)
            self._touched = -(-end // mmap.PAGESIZE) * mmap.PAGESIZE

    def _interface(self, at: int, big: bool) -> int:
        """Take in the whole interface block at `at`; the offset after it."""
        block, length = self._block(at, big)
        interface, sound = parse_interface(block, at, big)
        if not sound:
            self._note("interface_block_wrong", at)
        if len(self._interfaces) == len(self._table):
            self._table = np.concatenate([self._table, np.zeros(len(self._table), INTERFACE)])
        fill_interface(self._table, len(self._interfaces), interface)
        self._interfaces.append(interface)
        return at + length

    def _enter(self, at: int) -> int | None:
        """Begin the section at `at`; the offset after its header, or None where that is malformed."""
        big = section_order(self._buffer[at : at + 28].tobytes())
        if big is None:
            return None
        block, length = self._block(at, big)
        trailer = self._buffer[at + length - 4 : at + length].tobytes()
        if length & 3 or trailer != block[4:8]:
            return None
        self._section = Section("pcapng", big, ())  # its interfaces are filled in when a block is cut
        self._interfaces = []
        return at + length

    def _block(self, at: int, big: bool) -> tuple[bytes, int]:
        """The block at `at`, or as much as its options may reasonably need, and its whole length."""
        length = int.from_bytes(self._buffer[at + 4 : at + 8].tobytes(), "big" if big else "little")
        return self._buffer[at : at + min(length, _MAX_HEADER)].tobytes(), length

    def _count_blocks(self, counters: NDArray[np.int64]) -> None:
        for i, name in enumerate(_COUNTED):
            if counters[i]:
                self._note(name, int(counters[kernels.PLACES + i]), int(counters[i]))
        counters[:] = 0

    def _leap(self, at: int, found: int, status: int) -> int:
        """Note the bad record at `at`, to be resumed at `found` (-1: nowhere); where to go on."""
        end = len(self._buffer)
        if found < 0 and status == kernels.SHORT:
            self._note("record_truncated", at)
        elif status == kernels.SECTION:
            self._note("section_header_wrong", at)
        else:
            self._note("corrupt_record_length", at)
        to = end if found < 0 else found
        self._skipped += to - at
        self._clear(to)
        return to

    def _note(self, name: str, offset: int, count: int = 1) -> None:
        self._errors[name] = self._errors.get(name, 0) + count
        if len(self._places) < MAX_PLACES:
            self._places.append((name, offset))

    def _gather(self, packets: int, newest: int, digest: int) -> None:
        self._packets += packets
        self._newest = max(self._newest, newest)
        self._digest = (self._digest + int(digest)) & _WORD

    def _clear(self, start: int) -> None:
        self._start = start
        self._packets, self._newest, self._digest = 0, BEGINNING, 0

    def _cut(self, at: int, empty: bool = False) -> BlockRef:
        """The reference to what was gathered up to `at`; gathering begins anew."""
        section = self._section
        if section.format == "pcapng" and len(section.interfaces) != len(self._interfaces):
            section = self._section = Section("pcapng", section.big_endian, tuple(self._interfaces))
        start = at if empty else self._start
        ref = BlockRef(
            session=self._session, path=self._path, index=self._index, offset=start, length=at - start,
            packets=self._packets, first_frame=self._frame, digest=self._digest, newest=self._newest,
            section=section, errors=self._errors, skipped=self._skipped,
            places=tuple(self._places[self._told :]),
        )  # fmt: skip
        self._index += 1
        self._frame += self._packets
        self._errors, self._skipped, self._told = {}, 0, len(self._places)
        self._clear(at)
        return ref
