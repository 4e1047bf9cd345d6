"""Datagrams of exporters, many at once: out of captures, out of files that hold them bare, off sockets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citywall.scratch import Scratch
from ingest.collectors.placing import kernels
from ingest.decode.blocks import BlockRef
from ingest.decode.counts import DecodeCounts
from ingest.decode.reading import decode_block

#: Why a datagram, or some of it, was refused. Index 0 is "none"; the order is that of the kernels.
REASONS = (
    "none",
    "datagram_too_short",
    "export_version_unknown",
    "record_count_wrong",
    "message_length_wrong",
    "set_length_wrong",
    "sample_length_wrong",
    "variable_length_wrong",
)
#: The largest datagram.
LARGEST = 65_535
_BATCH = 4096


@dataclass(frozen=True)
class Datagrams:
    """`buffer[starts[i]:ends[i]]`, from the exporter at (`hi[i]`, `lo[i]`), received at `times[i]` (ns).

    They lie one behind the other.
    """

    buffer: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]
    times: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def span(self) -> int:
        """Bytes from the first to the last, as many as they have or more."""
        return int(self.ends[-1] - self.starts[0]) if len(self.starts) else 0

    def raw(self, i: int) -> bytes:
        """The bytes of one."""
        data: bytes = self.buffer[self.starts[i] : self.ends[i]].tobytes()
        return data

    def part(self, first: int, stop: int) -> Datagrams:
        """Those from `first` up to `stop`."""
        s = slice(first, stop)
        return Datagrams(self.buffer, self.starts[s], self.ends[s], self.hi[s], self.lo[s], self.times[s])


def bare(payloads: Sequence[bytes], time: int = 0) -> Datagrams:
    """Datagrams of nobody in particular."""
    buffer = np.frombuffer(b"".join(payloads), np.uint8)
    ends = np.cumsum([len(raw) for raw in payloads], dtype=np.int64)
    starts = ends - np.array([len(raw) for raw in payloads], np.int64)
    nobody = np.zeros(len(payloads), np.uint64)
    return Datagrams(buffer, starts, ends, nobody, nobody, np.full(len(payloads), time, np.int64))


def split_file(raw: bytes) -> list[bytes]:
    """The datagrams of a file that holds nothing else.

    IPFIX messages follow each other (RFC 5655); the others do not say how long they are, and are one.
    """
    messages = []
    at = 0
    while raw[at : at + 2] == b"\0\x0a" and at + 16 <= len(raw):
        length = int.from_bytes(raw[at + 2 : at + 4], "big")
        if length < 16 or at + length > len(raw):
            break
        messages.append(raw[at : at + length])
        at += length
    if at < len(raw):
        messages.append(raw[at : at + LARGEST])
    return messages


def of_block(
    ref: BlockRef, buffer: NDArray[np.uint8], counts: DecodeCounts, room: Scratch
) -> Iterator[Datagrams]:
    """UDP datagrams in a block of a capture; raises InputError as `decode_block` does.

    Cut ones are taken as far as they go. `counts` takes what decoding met, `room` (of PACKET) the packets.
    """
    for packets in decode_block(ref, buffer, _BATCH, counts, room):
        n = len(packets)
        starts, ends, times = (np.empty(n, np.int64) for _ in range(3))
        hi, lo = np.empty(n, np.uint64), np.empty(n, np.uint64)
        n = kernels.exported(packets, starts, ends, hi, lo, times)
        if n:
            yield Datagrams(buffer, starts[:n], ends[:n], hi[:n], lo[:n], times[:n])
