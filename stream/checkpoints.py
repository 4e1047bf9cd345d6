"""Checkpoints: a stage's state in one file, with the input offsets it stands for.

Layout: magic, the bytes of every part one after another, a directory (MessagePack), its length and XXH3
(64 bits), magic again. Parts are written straight from the stage's arrays in chunks, so that a checkpoint
needs no second copy in memory; each has its XXH3. A file is complete or not there: it is written aside,
synced, and renamed.
"""

from __future__ import annotations

import ast
import asyncio
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

from citywall.batches import SCHEMA_VERSION
from citywall.errors import DataFolderError, StreamError
from citywall.state import Parts

MAGIC = b"CWCHECK1"
_TAIL = struct.Struct("<QQ8s")
#: Bytes of a part that are written at a time.
CHUNK = 4 << 20


Offsets = dict[str, dict[int, int]]  # topic, partition: next offset


class Keeper(Protocol):
    """Where checkpoints are kept."""

    async def save(self, stage: str, partition: int, offsets: Offsets, parts: Parts) -> str:
        """Keep a checkpoint; it stands when this returns.

        Returns what is to be committed beside its offsets; `counts` is told when it is.
        """
        ...

    async def counts(self, stage: str, partition: int) -> None:
        """The last checkpoint was committed: those before can go. Nobody relies on it before this returns."""
        ...

    async def load(self, stage: str, partition: int) -> tuple[Offsets, Parts] | None:
        """The last checkpoint, None where there is none. Raises StreamError where it cannot be used."""
        ...

    async def ours(self, stage: str, partition: int) -> bool:
        """Whether the last checkpoint was saved by this keeper, and nobody else's stands behind it."""
        ...


class _Part(msgspec.Struct, array_like=True):
    name: str
    dtype: str  # as NumPy's .npy format writes it; "" for bytes
    shape: tuple[int, ...]
    at: int
    size: int
    checksum: int


class _Directory(msgspec.Struct, array_like=True):
    schema: int
    stage: str
    partition: int
    offsets: dict[str, dict[int, int]]
    parts: list[_Part]


def path_of(folder: Path, stage: str, partition: int) -> Path:
    """Where the checkpoint of a stage's partition stands."""
    return folder / f"{stage}-{partition}.checkpoint"


def save(folder: Path, stage: str, partition: int, offsets: dict[str, dict[int, int]], parts: Parts) -> int:
    """Write a checkpoint in place of the last one; returns its bytes. Raises DataFolderError."""
    path = path_of(folder, stage, partition)
    temporary = path.with_suffix(".tmp")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb", buffering=0) as f:
            _write_all(f, MAGIC)
            written = [_write_part(f, name, part) for name, part in parts.items()]
            directory = msgspec.msgpack.encode(_Directory(SCHEMA_VERSION, stage, partition, offsets, written))
            _write_all(f, directory + _TAIL.pack(len(directory), xxhash.xxh3_64_intdigest(directory), MAGIC))
            size = f.tell()
            os.fsync(f.fileno())
        temporary.replace(path)
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as e:
        raise DataFolderError(f"{path}: cannot be written: {e.strerror or e}") from e
    return size


def _write_all(f: BinaryIO, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[f.write(view) :]


def _write_part(f: BinaryIO, name: str, part: NDArray[Any] | bytes) -> _Part:
    at, checksum = f.tell(), xxhash.xxh3_64()
    for chunk in chunks(part):
        checksum.update(chunk)
        _write_all(f, chunk)
    dtype, shape = layout(part)
    return _Part(name, dtype, shape, at, f.tell() - at, checksum.intdigest())


#: Before the dtype of rows laid out as a compiler would, which .npy does not say.
_ALIGNED = "aligned "


def layout(part: NDArray[Any] | bytes) -> tuple[str, tuple[int, ...]]:
    """A part's dtype as NumPy's .npy format writes it, "" for bytes, and its shape; see `rebuilt`."""
    if isinstance(part, np.ndarray):
        said = repr(np.lib.format.dtype_to_descr(part.dtype))
        return (_ALIGNED + said if part.dtype.isalignedstruct else said), part.shape
    return "", (len(part),)


def rebuilt(raw: NDArray[np.uint8], dtype: str, shape: tuple[int, ...]) -> NDArray[Any] | bytes:
    """The part of a `layout` whose bytes are `raw`: a view of them, or bytes."""
    if not dtype:
        return raw.tobytes()
    kind = np.lib.format.descr_to_dtype(ast.literal_eval(dtype.removeprefix(_ALIGNED)))
    if dtype.startswith(_ALIGNED):
        # Else Numba takes the rows for others than it has kernels for, and compiles for a minute.
        fields: Any = kind.fields
        names = list(fields)
        kind = np.dtype(
            {"names": names, "formats": [fields[n][0] for n in names],
             "offsets": [fields[n][1] for n in names],
             "itemsize": kind.itemsize}, align=True,
        )  # fmt: skip
    return raw.view(kind).reshape(shape) if raw.size else np.empty(shape, kind)


def chunks(part: NDArray[Any] | bytes) -> Iterator[memoryview]:
    """The bytes of a part, a few MiB at a time; raises StreamError where it holds objects."""
    if not isinstance(part, np.ndarray):
        yield memoryview(part)
        return
    if part.dtype.hasobject:
        raise StreamError("a checkpoint cannot hold Python objects")
    if not part.flags.c_contiguous:
        if part.ndim != 1:
            part = np.ascontiguousarray(part)
        else:
            rows = max(1, CHUNK // part.itemsize)
            for i in range(0, len(part), rows):
                yield from chunks(np.ascontiguousarray(part[i : i + rows]))
            return
    if part.size:
        flat = part.reshape(-1).view(np.uint8).data
        for i in range(0, len(flat), CHUNK):
            yield flat[i : i + CHUNK]


def load(folder: Path, stage: str, partition: int) -> tuple[dict[str, dict[int, int]], Parts] | None:
    """The offsets and parts of the last checkpoint, None where there is none.

    Raises StreamError where it is damaged or of another schema version.
    """
    path = path_of(folder, stage, partition)
    try:
        f = path.open("rb", buffering=0)
    except FileNotFoundError:
        return None
    except OSError as e:
        raise DataFolderError(f"{path}: cannot be read: {e.strerror or e}") from e
    with f:
        directory = _directory(path, f)
        if directory.schema != SCHEMA_VERSION:
            raise StreamError(f"{path}: of schema {directory.schema}; this version reads {SCHEMA_VERSION}")
        return directory.offsets, {p.name: _read_part(path, f, p) for p in directory.parts}


def stands_for(folder: Path) -> dict[tuple[str, int], int]:
    """The next offset of every topic and partition that the checkpoints of a folder stand for.

    Raises as `load` does.
    """
    known: dict[tuple[str, int], int] = {}
    for path in sorted(folder.glob("*.checkpoint")):
        try:
            with path.open("rb", buffering=0) as f:
                offsets = _directory(path, f).offsets
        except OSError as e:
            raise DataFolderError(f"{path}: cannot be read: {e.strerror or e}") from e
        for topic, partitions in offsets.items():
            for partition, offset in partitions.items():
                known[topic, partition] = max(offset, known.get((topic, partition), 0))
    return known


def _directory(path: Path, f: BinaryIO) -> _Directory:
    size = f.seek(0, os.SEEK_END)
    f.seek(0)
    if f.read(len(MAGIC)) == MAGIC and size >= len(MAGIC) + _TAIL.size:
        f.seek(size - _TAIL.size)
        length, checksum, magic = _TAIL.unpack(f.read(_TAIL.size))
        if magic == MAGIC and length <= size - _TAIL.size - len(MAGIC):
            f.seek(size - _TAIL.size - length)
            data = f.read(length)
            if len(data) == length and xxhash.xxh3_64_intdigest(data) == checksum:
                return msgspec.msgpack.decode(data, type=_Directory)
    raise StreamError(f"{path}: damaged: its directory cannot be read")


def _read_part(path: Path, f: BinaryIO, part: _Part) -> NDArray[Any] | bytes:
    raw = np.empty(part.size, np.uint8)
    view, at, checksum = raw.data, 0, xxhash.xxh3_64()
    f.seek(part.at)
    while at < part.size:
        got = f.readinto(view[at : at + CHUNK])  # type: ignore[attr-defined]
        if not got:
            break
        checksum.update(view[at : at + got])
        at += got
    if at != part.size or checksum.intdigest() != part.checksum:
        raise StreamError(f"{path} at byte {part.at}: damaged: part {part.name!r}")
    return rebuilt(raw, part.dtype, part.shape)


class FolderKeeper:
    """Checkpoints as files of a folder, one a station."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def save(self, stage: str, partition: int, offsets: Offsets, parts: Parts) -> str:
        """Write and sync the file in a thread. Raises DataFolderError."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, save, self.folder, stage, partition, offsets, parts)
        return ""

    async def counts(self, stage: str, partition: int) -> None:
        """It was put in place of the one before."""

    async def load(self, stage: str, partition: int) -> tuple[Offsets, Parts] | None:
        """Read it. Raises DataFolderError, StreamError."""
        return load(self.folder, stage, partition)

    async def ours(self, stage: str, partition: int) -> bool:  # noqa: ARG002 (a folder has one owner)
        """Nobody else writes here."""
        return True


class Schedule:
    """When the next checkpoint is due.

    After the longer of `interval_s` and `cost_factor` times what the last one cost.
    """

    def __init__(self, interval_s: float, cost_factor: float, now: float) -> None:
        self._interval = interval_s
        self._factor = cost_factor
        self._cost = 0.0
        self._last = now

    def due(self, now: float, *, session_ended: bool = False) -> bool:
        """Whether to save now; at the end of a session only the cost counts."""
        wait = self._factor * self._cost
        return now - self._last >= (wait if session_ended else max(self._interval, wait))

    def done(self, began: float, now: float) -> None:
        """A checkpoint was saved between the two moments."""
        self._cost = now - began
        self._last = now
