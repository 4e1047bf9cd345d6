"""The UDP collector: datagrams of exporters that may send, into segments on disk, told of as references.

What it received is on disk, as a capture, before anybody hears of it: whoever reads the references may be
slow, or killed and begun again, and `citywall run` over the segments reads the same.
"""

from __future__ import annotations

import contextlib
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
from citywall.errors import InputError, UnsupportedInput
from citywall.watermarks import BEGINNING
from ingest.collectors.sockets import Gathered, Sockets
from ingest.decode.blocks import BlockRef, Interface, Section
from ingest.live.segments import Segments

#: Link type of packets that begin with their IP header.
_RAW = 101
_SECTION = Section("pcap", big_endian=False, interfaces=(Interface(link=_RAW, multiply=1),))
#: Bytes that make a reference, and seconds after which one is made of what there is.
BLOCK_BYTES = 4 << 20
SEAL_S = 0.5
#: Bytes that are written at a time, from one multiple of it to the next.
_PIECE = 1 << 19
#: Seconds between two looks at most, so that datagrams are taken many at a time; and bytes a second that the
#: kernel is to have room for meanwhile.
_GATHER_S, _FASTEST = 0.25, 1 << 28
_JOURNAL = "references.jsonl"
#: What references count as errors.
DROPPED, FOREIGN = "datagrams_dropped", "datagrams_from_others"


def compile_framing() -> None:
    """Compile the kernels, where that has to be."""
    with contextlib.suppress(UnsupportedInput):
        sockets = Sockets(("127.0.0.1:0",), 1 << 12)
        for number in sockets.numbers:
            sockets.take(number, Gathered(1))
        sockets.close()


class Collector:
    """Receives from now on, for one session. Raises what `Sockets` and `Segments` do.

    `folder` is the session's own. `datagrams` and `bytes` count what was kept, `dropped` what the kernel
    had to drop, `foreign` what came from nobody in `exporters`, as of the last reference. Where the folder
    holds references of the same session already, `earlier` are these, and the next goes on behind them.
    """

    def __init__(self, settings: CollectorSettings, folder: Path, session: str) -> None:
        self.datagrams = self.bytes = self.dropped = self.foreign = 0
        self._session = session
        self._segments = Segments(
            folder, "exports", link=_RAW, segment_bytes=settings.segment_mib << 20,
            budget_bytes=int(settings.disk_budget_gib * (1 << 30)),
        )  # fmt: skip
        self._journal = folder / _JOURNAL
        self.earlier = references(folder)
        self._index = len(self.earlier)
        self._frame = self.earlier[-1].first_frame + self.earlier[-1].packets if self.earlier else 1
        self._full = min(BLOCK_BYTES, settings.segment_mib << 20)
        self._some = Gathered(_PIECE)
        self._clear()
        compile_framing()  # before datagrams come
        self._told_dropped = self._told_foreign = 0
        self._sockets = Sockets(settings.listen, settings.receive_mib << 20, _networks(settings.exporters))
        self._gather_s = min(_GATHER_S, self._sockets.room / _FASTEST)

    @property
    def ports(self) -> tuple[int, ...]:
        """Ports listened on."""
        return self._sockets.ports

    def _clear(self) -> None:
        self._some.begin()
        self._at = self._segments.at
        self._gathered = 0  # bytes written
        self._newest = BEGINNING

    def blocks(self, stop: threading.Event) -> Iterator[BlockRef]:
        """References until `stop` is set; what had come by then is the last of them."""
        sealed = time.monotonic()
        while True:
            stopping = stop.is_set()
            for number in self._sockets.receive(0 if stopping else min(SEAL_S, 0.1)):
                while self._filled_from(number):
                    if self._gathered + self._some.filled >= self._full:
                        yield self._seal()
                        sealed = time.monotonic()
            now = time.monotonic()
            if self._some.datagrams and (now - sealed >= SEAL_S or stopping):
                yield self._seal()
                sealed = now
            if stopping:
                if self._untold:
                    yield self._seal()
                return
            stop.wait(self._gather_s)

    @property
    def _untold(self) -> bool:
        return self._sockets.dropped > self._told_dropped or self._sockets.foreign > self._told_foreign

    def _filled_from(self, number: int) -> bool:
        """Put what came to a socket behind what was gathered; whether that is enough for a reference."""
        some = self._some
        if not self._gathered and not some.filled:
            self._segments.room(self._full)
            self._at = self._segments.at
            some.place(self._at)
        before, clock = some.datagrams, time.time_ns()
        self._sockets.take(number, some)
        if some.datagrams > before:
            self._newest = clock
        if again := some.filled >= some.full:
            self._write(some.whole)
        return again

    def _write(self, size: int) -> None:
        """While it is still in a near cache."""
        some = self._some
        self._segments.append(some.out[:size].data)
        self._gathered += size
        some.written(size)

    def _seal(self) -> BlockRef:
        """Write what was gathered; its reference is in the journal when this returns."""
        some = self._some
        self._write(some.filled)
        errors: dict[str, int] = {}
        self.dropped, self.foreign = self._sockets.dropped, self._sockets.foreign
        for name, now, told in (
            (DROPPED, self.dropped, self._told_dropped),
            (FOREIGN, self.foreign, self._told_foreign),
        ):
            if now > told:
                errors[name] = now - told
        self._told_dropped, self._told_foreign = self.dropped, self.foreign
        ref = BlockRef(
            session=self._session, path=str(self._segments.path), index=self._index, offset=self._at,
            length=self._gathered, packets=some.datagrams, first_frame=self._frame, digest=int(some.digest),
            newest=self._newest, section=_SECTION, errors=errors,
        )  # fmt: skip
        try:
            with self._journal.open("ab") as journal:
                journal.write(msgspec.json.encode(ref) + b"\n")
        except OSError as e:
            raise InputError(str(self._journal), e.strerror or str(e)) from e
        self._index += 1
        self._frame += some.datagrams
        self.datagrams += some.datagrams
        self.bytes += some.payload
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


def _networks(exporters: tuple[str, ...]) -> NDArray[np.uint64]:
    """Address and mask of networks, as two words each."""
    out = np.zeros((len(exporters), 4), np.uint64)
    for i, text in enumerate(exporters):
        network = ipaddress.ip_network(text, strict=False)
        length = network.prefixlen + (96 if network.version == 4 else 0)
        mask = ((1 << length) - 1) << (128 - length) if length else 0
        out[i] = (*to_words(str(network.network_address)), mask >> 64, mask & (1 << 64) - 1)
    return out
