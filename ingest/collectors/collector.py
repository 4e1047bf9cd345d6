"""The UDP collector: datagrams of exporters that may send, into segments on disk, told of as references.

What it received is on disk, as a capture, before anybody hears of it: whoever reads the references may be
slow, or killed and begun again, and `citywall run` over the segments reads the same.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.addresses import to_words
from citywall.collectorsettings import CollectorSettings
from citywall.errors import InputError
from citywall.watermarks import BEGINNING
from ingest.collectors.framing import kernels
from ingest.collectors.sockets import BATCH, SLOT, Received, Sockets
from ingest.decode.blocks import BlockRef, Interface, Section
from ingest.live.segments import Segments

#: Link type of packets that begin with their IP header.
_RAW = 101
_SECTION = Section("pcap", big_endian=False, interfaces=(Interface(link=_RAW, multiply=1),))
#: Bytes of a reference at most, and seconds after which one is made of what there is.
BLOCK_BYTES = 1 << 20
SEAL_S = 0.5
#: Seconds between two looks, so that datagrams are taken many at a time: more where the kernel has room.
_GATHER_S, _GATHER_SMALL_S, _LARGE = 0.1, 0.01, 8 << 20
#: Bytes that a record adds to a datagram at most: its header, IPv6, UDP.
_AROUND = 16 + 40 + 8
_JOURNAL = "references.jsonl"
#: What references count as errors.
DROPPED, FOREIGN = "datagrams_dropped", "datagrams_from_others"


def compile_framing() -> None:
    """Compile the kernel, where that has to be."""
    nothing, words, places = np.zeros(0, np.uint8), np.zeros(0, np.uint64), np.zeros(0, np.int64)
    kernels.controls(np.zeros((0, 64), np.uint8), places, places)
    kernels.take_apart(places, places, places, places, places)
    kernels.frame_datagrams(
        nothing, places, places, words, words, np.zeros(0, np.uint16), np.zeros(0, np.bool_),
        0, 0, 0, nothing, 0, 0, np.uint64(0), 0,
    )  # fmt: skip


class Collector:
    """Receives from now on, for one session. Raises what `Sockets` and `Segments` do.

    `folder` is the session's own. `datagrams` and `bytes` count what was kept, `dropped` what the kernel
    had to drop, `foreign` what came from nobody in `exporters`. Where the folder holds references of the same
    session already, `earlier` are these, and the next goes on behind them.
    """

    def __init__(self, settings: CollectorSettings, folder: Path, session: str) -> None:
        self.datagrams = self.bytes = self.dropped = self.foreign = 0
        self._session = session
        self._networks = _networks(settings.exporters)
        self._segments = Segments(
            folder, "exports", link=_RAW, segment_bytes=settings.segment_mib << 20,
            budget_bytes=int(settings.disk_budget_gib * (1 << 30)),
        )  # fmt: skip
        self._journal = folder / _JOURNAL
        self.earlier = references(folder)
        self._index = len(self.earlier)
        self._frame = self.earlier[-1].first_frame + self.earlier[-1].packets if self.earlier else 1
        self._out = np.empty(BLOCK_BYTES + SLOT + _AROUND, np.uint8)
        self._clear()
        compile_framing()  # before datagrams come
        self._told_dropped = self._told_foreign = 0
        self._sockets = Sockets(settings.listen, settings.receive_mib << 20)
        self._gather_s = _GATHER_S if self._sockets.room >= _LARGE else _GATHER_SMALL_S

    @property
    def ports(self) -> tuple[int, ...]:
        """Ports listened on."""
        return self._sockets.ports

    def _clear(self) -> None:
        self._filled = self._gathered = 0
        self._newest, self._digest = BEGINNING, np.uint64(0)

    def blocks(self, stop: threading.Event) -> Iterator[BlockRef]:
        """References until `stop` is set; what had come by then is the last of them."""
        sealed = time.monotonic()
        while True:
            stopping = stop.is_set()
            for number in self._sockets.receive(0 if stopping else min(SEAL_S, 0.1)):
                while (received := self._sockets.take(number)) is not None:
                    yield from self._keep(received)
                    if received.messages < BATCH:
                        break
            now = time.monotonic()
            if self._gathered and (now - sealed >= SEAL_S or stopping):
                yield self._seal()
                sealed = now
            if stopping:
                if self._untold:
                    yield self._seal()
                return
            stop.wait(self._gather_s)

    @property
    def _untold(self) -> bool:
        return self._sockets.dropped > self._told_dropped or self.foreign > self._told_foreign

    def _keep(self, received: Received) -> Iterator[BlockRef]:
        """Put datagrams of exporters behind those gathered, sealing where there are enough."""
        allowed = self._allowed(received)
        self.foreign += int(np.count_nonzero(~allowed))
        clock, i = time.time_ns(), 0
        while i < len(allowed):
            if self._filled == 0:
                self._segments.room(BLOCK_BYTES)
            i, self._filled, kept, size, digest = kernels.frame_datagrams(
                received.buffer, received.starts, received.lengths, received.hi, received.lo,
                received.sender_ports, allowed, received.port, clock, i, self._out, self._filled,
                self._segments.at, self._digest, BLOCK_BYTES,
            )  # fmt: skip
            self._digest = np.uint64(digest)
            self._filled = int(self._filled)
            self._gathered += int(kept)
            self.datagrams += int(kept)
            self.bytes += int(size)
            self._newest = clock if kept else self._newest
            if self._filled >= BLOCK_BYTES:
                yield self._seal()

    def _allowed(self, received: Received) -> NDArray[np.bool_]:
        allowed = np.zeros(len(received.lengths), np.bool_)
        for hi, lo, mask_hi, mask_lo in self._networks:
            allowed |= (received.hi & mask_hi == hi) & (received.lo & mask_lo == lo)
        return allowed

    def _seal(self) -> BlockRef:
        """Write what was gathered; its reference is in the journal when this returns."""
        at = self._segments.append(self._out[: self._filled].data)
        errors: dict[str, int] = {}
        self.dropped = self._sockets.dropped
        for name, now, told in (
            (DROPPED, self.dropped, self._told_dropped),
            (FOREIGN, self.foreign, self._told_foreign),
        ):
            if now > told:
                errors[name] = now - told
        self._told_dropped, self._told_foreign = self.dropped, self.foreign
        ref = BlockRef(
            session=self._session, path=str(self._segments.path), index=self._index, offset=at,
            length=self._filled, packets=self._gathered, first_frame=self._frame, digest=int(self._digest),
            newest=self._newest, section=_SECTION, errors=errors,
        )  # fmt: skip
        try:
            with self._journal.open("ab") as journal:
                journal.write(msgspec.json.encode(ref) + b"\n")
        except OSError as e:
            raise InputError(str(self._journal), e.strerror or str(e)) from e
        self._index += 1
        self._frame += self._gathered
        self._clear()
        return ref

    def close(self) -> None:
        """Stop listening and seal the last segment."""
        self._sockets.close()
        self._segments.close()


def references(folder: Path) -> list[BlockRef]:
    """The references that were made in a folder, in order; what a killed collector wrote half is left out."""
    try:
        lines = (folder / _JOURNAL).read_bytes().split(b"\n")
    except OSError:
        return []
    found: list[BlockRef] = []
    for line in lines[:-1]:
        try:
            ref = msgspec.json.decode(line, type=BlockRef)
        except msgspec.DecodeError:
            break
        if ref.index != len(found):
            break
        found.append(ref)
    return found


def _networks(exporters: tuple[str, ...]) -> list[tuple[np.uint64, ...]]:
    """(address, mask) of networks as words."""
    out: list[tuple[np.uint64, ...]] = []
    for text in exporters:
        network = ipaddress.ip_network(text, strict=False)
        length = network.prefixlen + (96 if network.version == 4 else 0)
        mask = ((1 << length) - 1) << (128 - length) if length else 0
        hi, lo = to_words(str(network.network_address))
        out.append((np.uint64(hi), np.uint64(lo), np.uint64(mask >> 64), np.uint64(mask & (1 << 64) - 1)))
    return out
