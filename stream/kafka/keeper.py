"""Checkpoints in a topic: chunks, then a manifest that makes them one.

Each station has a partition of its own, so what must be read to restore it is what its last checkpoints
wrote. Older ones are deleted outright (`DeleteRecords`) once a newer one is committed: compaction would keep
them until it gets round to it, and never touches the newest segment, so that a restore would read many
checkpoints to find one. The one that counts is the one whose mark the group committed beside the offsets:
brokers take that from nobody who has lost the partition, so whoever did and saves once more does no harm.

Brokers forget what a group committed when it has been at rest for long. So that a run can go on all the
same, a short record says of each checkpoint that it was committed, before anybody relies on it. Checkpoints
are numbered from one that counts to the next, for such a record may come late: of those that were committed
the one with the highest number is the last.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import uuid
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import numpy as np
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError
from numpy.typing import NDArray

from citywall.batches import SCHEMA_VERSION
from citywall.errors import StreamError
from citywall.state import Parts
from stream.checkpoints import CHUNK, Offsets, chunks, layout, rebuilt
from stream.kafka.link import Link

log = logging.getLogger(__name__)

_MANIFEST, _COUNTS = b"manifest", b"counts"
_Place = tuple[str, int]  # stage, partition
_POLL_MS = 500
_SIZE = struct.Struct("<I")


class Piece(msgspec.Struct, array_like=True):
    """One part of a state. `dtype` is as NumPy's .npy format writes it, "" for bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    chunks: int
    crc: int


class Manifest(msgspec.Struct, array_like=True):
    """What makes chunks a checkpoint.

    `first`: the offset of the first record of it. `number`: of the checkpoint it goes on from, and one.
    """

    schema: int
    stage: str
    partition: int
    offsets: Offsets
    mark: bytes
    first: int
    pieces: list[Piece]
    number: int = 0


_Found = tuple[Manifest, list[bytes]]


class TopicKeeper:
    """Keeps the checkpoints of a run in `topic`; `places` names the partition of each station.

    `committed(stage, partition)` gives the mark that was committed last, "" where brokers know of none.
    """

    def __init__(
        self,
        topic: str,
        places: Mapping[_Place, int],
        *,
        link: Link,
        producer: AIOKafkaProducer,
        reader: AIOKafkaConsumer,
        admin: AIOKafkaAdminClient,
        committed: Callable[[str, int], Awaitable[str]],
    ) -> None:
        self._link = link
        self._committed = committed
        self._topic = topic
        self._places = places
        self._producer = producer
        self._reader = reader
        self._admin = admin
        self._reading = asyncio.Lock()
        self._ends: dict[_Place, int] = {}  # behind our last manifest, or what was there when we restored
        self._firsts: dict[_Place, int] = {}  # of the checkpoint that counts
        self._newest: dict[_Place, int] = {}  # of the one that was saved last
        self._marks: dict[_Place, bytes] = {}  # its mark
        self._numbers: dict[_Place, int] = {}  # of the checkpoint that counts
        self._told = False

    def _tp(self, stage: str, partition: int) -> TopicPartition:
        return TopicPartition(self._topic, self._places[stage, partition])

    async def save(self, stage: str, partition: int, offsets: Offsets, parts: Parts) -> str:
        """Write a checkpoint, which counts once its mark is committed.

        Raises StreamError where it cannot be written.
        """
        place, tp = (stage, partition), self._tp(stage, partition)
        if place in self._firsts:
            await self._forget(tp, self._firsts[place])
        mark = uuid.uuid4().bytes
        pieces: list[Piece] = []
        firsts: list[asyncio.Future[Any]] = []
        try:
            for name, part in parts.items():
                pieces.append(await self._write(tp, mark, name, part, firsts))
            await self._producer.flush()
            sent = [await future for future in firsts]
            first = sent[0].offset if sent else -1
            number = self._numbers.get(place, 0) + 1
            manifest = Manifest(SCHEMA_VERSION, stage, partition, offsets, mark, first, pieces, number)
            body = msgspec.msgpack.encode(manifest)
            sending = await self._link.send(self._producer, tp.topic, body, _MANIFEST, tp.partition)
            last = await sending
        except KafkaError as e:
            raise StreamError(f"{stage}/{partition}: a checkpoint cannot be written: {e}") from e
        self._ends[place] = last.offset + 1
        self._newest[place] = first if first >= 0 else last.offset
        self._marks[place] = mark
        return mark.hex()

    async def counts(self, stage: str, partition: int) -> None:
        """What was saved last was committed: say so. Until then the one before must stay."""
        place, tp = (stage, partition), self._tp(stage, partition)
        try:
            said = await self._link.send(self._producer, tp.topic, self._marks[place], _COUNTS, tp.partition)
            last = await said
        except KafkaError as e:
            raise StreamError(f"{stage}/{partition}: a checkpoint cannot be said to count: {e}") from e
        self._ends[place] = last.offset + 1
        self._firsts[place] = self._newest[place]
        self._numbers[place] = self._numbers.get(place, 0) + 1

    async def _write(
        self, tp: TopicPartition, mark: bytes, name: str, part: NDArray[Any] | bytes, sent: list[Any]
    ) -> Piece:
        n, crc, loop = 0, 0, asyncio.get_running_loop()
        for chunk in chunks(part):
            if not len(chunk):
                continue
            crc, body = await loop.run_in_executor(None, _press, chunk, crc)
            sent.append(await self._link.send(self._producer, tp.topic, body, mark, tp.partition))
            n += 1
        return Piece(name, *layout(part), n, crc)

    async def _forget(self, tp: TopicPartition, before: int) -> None:
        """Delete what a newer checkpoint has replaced."""
        try:
            await self._link(lambda: self._admin.delete_records({tp: RecordsToDelete(before)}))
        except StreamError as e:
            if not self._told:
                log.warning("%s: old checkpoints cannot be deleted (%s): the topic grows", tp.topic, e)
            self._told = True

    async def ours(self, stage: str, partition: int) -> bool:
        """Whether nobody has written here since our last checkpoint."""
        tp = self._tp(stage, partition)
        ends = await self._link(lambda: self._reader.end_offsets([tp]))
        return bool(ends[tp] == self._ends.get((stage, partition), 0))

    async def load(self, stage: str, partition: int) -> tuple[Offsets, Parts] | None:
        """The checkpoint that counts, None where there is none.

        Raises StreamError where it is damaged, gone, or of another schema.
        """
        tp, mark = self._tp(stage, partition), await self._committed(stage, partition)
        async with self._reading:
            found, end = await self._read(tp, bytes.fromhex(mark))
        self._ends[stage, partition] = end
        self._firsts.pop((stage, partition), None)
        self._numbers.pop((stage, partition), None)
        if found is None and mark:
            raise StreamError(f"{stage}/{partition}: the checkpoint that was committed is not there any more")
        if found is None:
            return None
        manifest, held = found
        if manifest.schema != SCHEMA_VERSION:
            raise StreamError(
                f"the checkpoint of {stage} is of schema {manifest.schema}, not {SCHEMA_VERSION}"
            )
        if not mark:
            log.warning(
                "%s/%d: brokers do not know any more what was committed: going on from checkpoint %d",
                stage, partition, manifest.number,
            )  # fmt: skip
        if manifest.first >= 0:
            self._firsts[stage, partition] = manifest.first
        self._numbers[stage, partition] = manifest.number
        return manifest.offsets, _parts(manifest, held)

    async def _read(self, tp: TopicPartition, mark: bytes) -> tuple[_Found | None, int]:
        """The checkpoint of `mark`, without one the last that was said to count; and the topic's end."""
        reader = self._reader
        reader.assign([tp])
        begin = (await self._link(lambda: reader.beginning_offsets([tp])))[tp]
        end: int = (await self._link(lambda: reader.end_offsets([tp])))[tp]
        shelf = _Shelf(mark)
        reader.seek(tp, begin)
        while begin < end:
            for record in (await reader.getmany(tp, timeout_ms=_POLL_MS)).get(tp, ()):
                begin = record.offset + 1
                shelf.put(record.key, record.value)
        return shelf.last(), end


class _Shelf:
    """Checkpoints as they are read: the one of a mark, or, without a mark, all that may count."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._chunks: dict[bytes, list[bytes]] = {}
        self._manifests: dict[bytes, Manifest] = {}
        self._counting = {mark} if mark else set()

    def put(self, key: bytes, value: bytes) -> None:
        """The next record."""
        if key == _COUNTS:
            if not self._mark:
                self._counting.add(value)
        elif key == _MANIFEST:
            manifest = msgspec.msgpack.decode(value, type=Manifest)
            whole = len(self._chunks.get(manifest.mark, ())) == sum(p.chunks for p in manifest.pieces)
            if self._mark in (b"", manifest.mark) and whole:
                self._manifests[manifest.mark] = manifest
        elif self._mark in (b"", key):
            self._chunks.setdefault(key, []).append(value)

    def last(self) -> _Found | None:
        """The last of those that count, whole."""
        found = [m for mark, m in self._manifests.items() if mark in self._counting]
        if not found:
            return None
        manifest = max(found, key=lambda m: m.number)
        return manifest, self._chunks.get(manifest.mark, [])


def _press(chunk: memoryview, crc: int) -> tuple[int, bytes]:
    """The checksum so far and a chunk as it travels: pressed, for brokers cost by the byte."""
    import pyarrow as pa

    body: bytes = pa.compress(chunk, codec="lz4_raw", asbytes=True)
    return zlib.crc32(chunk, crc), _SIZE.pack(len(chunk)) + body


def _loose(body: bytes) -> bytes:
    """What `_press` was given. Raises StreamError where it is no such thing."""
    import pyarrow as pa

    try:
        (size,) = _SIZE.unpack_from(body, 0)
        if size > CHUNK:
            raise StreamError(f"a chunk of {size} bytes in a checkpoint")
        chunk: bytes = pa.decompress(memoryview(body)[_SIZE.size :], size, codec="lz4_raw", asbytes=True)
    except (struct.error, OSError) as e:
        raise StreamError(f"a chunk of a checkpoint cannot be read: {e}") from e
    return chunk


def _parts(manifest: Manifest, held: list[bytes]) -> Parts:
    parts: Parts = {}
    at = 0
    for piece in manifest.pieces:
        mine = [_loose(body) for body in held[at : at + piece.chunks]]
        at += piece.chunks
        crc = 0
        for chunk in mine:
            crc = zlib.crc32(chunk, crc)
        if crc != piece.crc:
            raise StreamError(f"the checkpoint of {manifest.stage} is damaged: part {piece.name!r}")
        raw = np.frombuffer(bytearray().join(mine), np.uint8)  # its own memory, and writable
        parts[piece.name] = rebuilt(raw, piece.dtype, piece.shape)
    return parts
