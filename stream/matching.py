"""Packets in, pieces matched: decode, streams and application layers beneath the rules of an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.applicationsettings import ApplicationSettings
from citywall.batches import PACKET
from citywall.fragmentsettings import FragmentSettings
from citywall.rows import fill
from citywall.scratch import Scratch
from ingest.anomalies.finding import anomalies, of_fragments
from ingest.anomalies.names import NAMES as DECODER_EVENTS
from ingest.applications.analysis import Analyser
from ingest.applications.tables import ANOMALIES, FIELDS, KINDS, PROTOCOLS, UNITS, Tables
from ingest.applications.wanted import ALL, Wanted
from ingest.capture import open_capture
from ingest.decode import decode_block
from ingest.decode.blocks import BlockRef
from ingest.decode.layers import chosen, of_rebuilt, with_layers
from ingest.fragments.assembler import Assembler
from rules.match.engine import Alert, Engine
from rules.match.scene import Names, Scene

Rows = NDArray[np.void]
Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Told = tuple[Scene, list[Alert]]

NAMES = Names(PROTOCOLS, KINDS, FIELDS, ANOMALIES, UNITS, DECODER_EVENTS)
_ETHERNET = np.ones(1, np.int64)
_BLOCK = 8 << 20
_BATCH = 4096
#: Packets of a piece.
PIECE = 16_384


class Matching:
    """Rules over packets as they come: batches in, pieces matched, each in bounded memory.

    A piece is matched once it has `piece` packets, and what is left at the end; the alerts are the same
    whatever a piece's size.
    """

    def __init__(
        self,
        engine: Engine,
        settings: ApplicationSettings | None = None,
        fragments: FragmentSettings | None = None,
        piece: int = PIECE,
        *,
        renew: Callable[[Engine], Engine] | None = None,
        wanted: Callable[[Engine], Wanted] | None = None,
    ) -> None:
        """`renew` is given the engine before each piece, and gives the one that goes on.

        `wanted` says what is to be read of application layers for an engine; else what its rules can see.
        Connections whose protocol nobody asked for when they began stay unread.
        """
        settings = settings or ApplicationSettings()
        if engine.units:
            settings = msgspec.structs.replace(settings, units=True)
        self._engine, self._renew = engine, renew
        self._asked = engine.decoders
        self._wanted = wanted or for_rules
        self._analyser = Analyser(settings, growing=True, wanted=self._wanted(engine))
        self._assembler = Assembler(fragments or FragmentSettings())
        self._most = piece
        self._layers = 1  # the number of the next packet, those around others counted too
        self._seen = _Seen()

    def add(self, packets: Rows, frame: int, buffer: Bytes, links: Numbers = _ETHERNET) -> Iterator[Told]:
        """Take decoded packets, of which the first is `frame`; what was found in pieces that are full.

        What is in a tunnel is looked at, and then what is around it, each as a packet of that frame; `links`
        are the link types that packets may have.
        """
        at = 0
        while at < len(packets):
            some = packets[at : at + self._most - self._seen.count]
            layers, of = with_layers(some, buffer, links)
            made = self._assembler.add(layers, self._layers, buffer)
            rows, held = made.readable(buffer)
            rows, within = of_rebuilt(rows, held, layers["vlan"]) if len(made.tail) else (rows, None)
            frames = chosen(chosen(np.arange(frame + at, frame + at + len(some)), of), within)
            self._analyser.add(rows, frames, held)
            if self._asked:
                self._seen.odd(anomalies(rows, held, int(links[0])))
                odd, kinds = of_fragments(made.events, layers, self._layers)
                self._seen.odd((odd if within is None else np.searchsorted(within, odd), kinds))
            self._seen.add(rows, held, chosen(layers["offset"], within), frames)
            self._layers += len(layers)
            at += len(some)
            if self._seen.count >= self._most:
                yield self._match(last=False)

    def flush(self) -> Iterator[Told]:
        """Nothing waits for a piece to be full: what was found in what there is."""
        if self._seen.count:
            yield self._match(last=False)

    def end(self) -> Iterator[Told]:
        """There are no more packets."""
        yield from self.flush()
        self._analyser.end()
        yield self._match(last=True)

    def renew(self) -> None:
        """Let other rules count from here on, where there are some."""
        if self._renew is not None:
            before, self._engine = self._engine, self._renew(self._engine)
            if self._engine is not before:
                self._analyser.want(self._wanted(self._engine))

    def _match(self, *, last: bool) -> Told:
        self.renew()
        scene = self._seen.scene(self._engine, self._analyser.tables(), last=last)
        scene.checksums, scene.countries = self._engine.checksums, self._engine.countries
        return scene, self._engine.match(scene)


def for_rules(engine: Engine) -> Wanted:
    """What the rules of an engine can see."""
    return Wanted(*engine.interest(PROTOCOLS))


def everything(_engine: Engine) -> Wanted:
    """All that application layers say."""
    return ALL


class _Seen:
    """The packets of a piece as rules see them, with a copy of their bytes, in memory that pieces share."""

    def __init__(self) -> None:
        self.count = 0
        self._size = 0
        self._rows, self._arena = Scratch(PACKET), Scratch(np.uint8)
        self._frames, self._places = Scratch(np.int64), Scratch(np.int64)
        self._odd: list[tuple[Numbers, Numbers]] = []

    def odd(self, found: tuple[Numbers, Numbers]) -> None:
        """Take what is odd about the packets that are added next: rows among them, and what it is."""
        rows, kinds = found
        if len(rows):
            self._odd.append((rows + self.count, kinds))

    def add(self, rows: Rows, buffer: Bytes, places: Numbers, frames: Numbers) -> None:
        """Take packets that are to be read, their bytes in `buffer`; in the capture they are at `places`."""
        begin, end = self.count, self.count + len(rows)
        low = int(rows["offset"].min())
        high = int((rows["offset"] + rows["captured"]).max())
        size = self._size + high - low
        mine = self._rows.take(end, begin)[begin:]
        fill(mine, [rows])
        mine["offset"] += self._size - low
        self._frames.take(end, begin)[begin:] = frames
        self._places.take(end, begin)[begin:] = places
        self._arena.take(size, self._size)[self._size :] = buffer[low:high]
        self.count, self._size = end, size

    def scene(self, engine: Engine, tables: Tables, *, last: bool) -> Scene:
        """All of it; what is added next is another piece's."""
        n = self.count
        scene = engine.carry.scene(
            self._rows.take(n, n), self._frames.take(n, n), self._places.take(n, n), self._arena, self._size,
            tables, NAMES, last=last,
        )  # fmt: skip
        none = np.zeros(0, np.int64)
        rows, kinds = (np.concatenate([none, *(pair[i] for pair in self._odd)]) for i in (0, 1))
        scene.decoded = rows + scene.carried, kinds
        self.count = self._size = 0
        self._odd.clear()
        return scene


def matched(
    path: Path,
    engine: Engine,
    settings: ApplicationSettings | None = None,
    fragments: FragmentSettings | None = None,
    piece: int = PIECE,
    *,
    renew: Callable[[Engine], Engine] | None = None,
    wanted: Callable[[Engine], Wanted] | None = None,
) -> Iterator[Told]:
    """What rules find in a capture, piece by piece. Raises InputError."""
    yield from over(path, Matching(engine, settings, fragments, piece, renew=renew, wanted=wanted))


def over(path: Path, matching: Matching, *, until_damage: bool = False) -> Iterator[Told]:
    """What rules find in the packets of a capture. Raises InputError.

    `until_damage` ends where the file is damaged, as libpcap does; else what is behind that is read, too.
    """
    with open_capture(path) as capture:
        for ref in capture.blocks(_BLOCK):
            if until_damage and ref.skipped:
                break
            yield from over_block(matching, ref, capture.buffer)
    yield from matching.end()


def over_block(matching: Matching, ref: BlockRef, buffer: Bytes) -> Iterator[Told]:
    """What rules find in the packets of a block, in `buffer` (u1, the whole file). Raises InputError."""
    frame = ref.first_frame
    links = np.array(list(dict.fromkeys(each.link for each in ref.section.interfaces)) or [0], np.int64)
    for packets in decode_block(ref, buffer, _BATCH):
        yield from matching.add(packets, frame, buffer, links)
        frame += len(packets)


def over_capture(
    path: Path,
    engine: Engine,
    settings: ApplicationSettings | None = None,
    fragments: FragmentSettings | None = None,
    piece: int = PIECE,
    *,
    wanted: Callable[[Engine], Wanted] | None = None,
    until_damage: bool = False,
) -> list[Alert]:
    """Alerts of one capture, read as `over` says. Raises InputError."""
    matching = Matching(engine, settings, fragments, piece, wanted=wanted)
    found = over(path, matching, until_damage=until_damage)
    return [alert for _, alerts in found for alert in alerts]
