"""Every topic of one data folder: logs, committed offsets, retention."""

from __future__ import annotations

import asyncio
import contextlib
import os
import zlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from citywall.errors import DataFolderError, StreamError
from stream.local.lock import FolderLock
from stream.local.partition import SEGMENT_BYTES, PartitionLog, kept_before_gap

_OFFSETS = "offsets.json"


class Offsets(msgspec.Struct):
    """The offsets file.

    `committed`: by group, then `topic/partition`. `durable`: ends of logs known to be on disk.
    """

    committed: dict[str, dict[str, int]] = {}
    durable: dict[str, int] = {}


def read_offsets(root: Path) -> Offsets:
    """The offsets file of a log; raises StreamError where it is damaged."""
    path = root / _OFFSETS
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Offsets()
    text, _, crc = data.rpartition(b"\n")
    if crc != f"{zlib.crc32(text):08x}".encode():
        raise StreamError(f"{path}: damaged")
    return msgspec.json.decode(text, type=Offsets)


def _as_text(offsets: Offsets) -> bytes:
    text = msgspec.json.encode(offsets)
    return text + f"\n{zlib.crc32(text):08x}".encode()


def write_offsets(root: Path, offsets: Offsets) -> None:
    """Replace the offsets file of a log; raises DataFolderError."""
    replace_file(root / _OFFSETS, _as_text(offsets))


def commit_before(root: Path, group: str, offsets: Mapping[tuple[str, int], int]) -> None:
    """Commit what is known to be done, in a log that nobody has open. Raises StreamError, DataFolderError."""
    known = read_offsets(root)
    committed = known.committed.setdefault(group, {})
    ahead = {f"{t}/{p}": n for (t, p), n in offsets.items() if n > committed.get(f"{t}/{p}", 0)}
    if ahead and root.is_dir():
        committed |= ahead
        write_offsets(root, known)


class LogFolder:
    """The log of one process, under its lock.

    What is committed stands on records that are on disk: `commit` syncs every log first and replaces the
    offsets file after. Raises DataFolderBusy, DataFolderError, StreamError (damage).
    """

    def __init__(self, root: Path, partitions: int = 1, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.root = root
        self.default_partitions = partitions
        self.segment_bytes = segment_bytes
        self.lock = FolderLock(root)
        self.wake = asyncio.Event()  # set when a record was appended
        self.room = asyncio.Event()  # set when a record was read
        self._positions: dict[tuple[str, int], int] = {}
        try:
            self.offsets = read_offsets(root)
            self.logs: dict[tuple[str, int], PartitionLog] = {}
            self.topics: dict[str, int] = {}
            folders = sorted((root / "topics").glob("*/[0-9]*"))
            self._expect_less(folders)
            for folder in folders:
                self._open(folder.parent.name, int(folder.name))
        except BaseException:
            self.lock.release()
            raise

    def _expect_less(self, folders: Sequence[Path]) -> None:
        """What is dropped now is not to be missed by a successor, where we are killed before a commit."""
        before = dict(self.offsets.durable)
        for folder in folders:
            name = f"{folder.parent.name}/{folder.name}"
            kept = kept_before_gap(folder, self._all_committed(name))
            if kept is not None and name in self.offsets.durable:
                self.offsets.durable[name] = min(self.offsets.durable[name], kept)
        if self.offsets.durable != before:
            write_offsets(self.root, self.offsets)

    def _all_committed(self, name: str) -> int:
        """What every group has committed of `topic/partition`."""
        return min((g.get(name, 0) for g in self.offsets.committed.values()), default=0)

    def _open(self, topic: str, partition: int) -> None:
        name = f"{topic}/{partition}"
        durable = self.offsets.durable.get(name, 0)
        committed = self._all_committed(name)
        folder = self.root / "topics" / topic / str(partition)
        try:
            self.logs[topic, partition] = PartitionLog(folder, durable, self.segment_bytes, committed)
        except OSError as e:
            raise DataFolderError(f"{folder}: cannot be used: {e.strerror or e}") from e
        if name in self.offsets.durable:  # what stood behind a gap may be gone
            self.offsets.durable[name] = min(durable, self.logs[topic, partition].written)
        self.topics[topic] = max(self.topics.get(topic, 0), partition + 1)

    def create(self, topic: str, partitions: int | None = None) -> int:
        """Make `topic` unless it is there; returns its number of partitions."""
        if topic not in self.topics:
            for partition in range(partitions or self.default_partitions):
                self._open(topic, partition)
        return self.topics[topic]

    def append(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, timestamp: float
    ) -> int:
        """Add a record and wake the consumer; returns its offset."""
        offset = self.logs[topic, partition].append(key, value, timestamp)
        self.wake.set()
        return offset

    def partition_for(self, topic: str, key: bytes | None) -> int:
        """The partition of `key`: its CRC-32 modulo the partitions, 0 without a key."""
        partitions = self.create(topic)
        return zlib.crc32(key) % partitions if key is not None else 0

    def seen(self, topic: str, partition: int, offset: int) -> None:
        """The consumer's next offset is `offset`."""
        self._positions[topic, partition] = offset
        self.room.set()

    def backlog_bytes(self, topic: str, partition: int) -> int:
        """How far the topic is ahead of its consumer, in bytes; 0 where nobody reads it."""
        position = self._positions.get((topic, partition))
        if position is None:
            return 0
        log = self.logs[topic, partition]
        return log.end_bytes - log.position_bytes(position)

    def hold(self, topics: Collection[str]) -> None:
        """Keep records of `topics` in memory until they are released, or synced by name."""
        for (topic, _), log in self.logs.items():
            log.hold |= topic in topics

    def write(self) -> None:
        """Hand everything pending to the operating system, but of topics that are held."""
        for log in self.logs.values():
            if not log.hold:
                log.write()

    async def sync(self, held: Collection[str] = ()) -> None:
        """Put every record appended so far on disk, without holding up the event loop.

        Of topics that are held only those named.
        """
        logs = {f"{t}/{p}": log for (t, p), log in self.logs.items() if not log.hold or t in held}
        fds = [fd for log in logs.values() if (fd := log.dirty()) is not None]
        ends = {name: log.written for name, log in logs.items()}
        if fds:
            await asyncio.get_running_loop().run_in_executor(None, _sync_all, fds)
        for name, end in ends.items():
            self.offsets.durable[name] = max(end, self.offsets.durable.get(name, 0))

    async def commit(self, group: str, offsets: Mapping[tuple[str, int], int]) -> None:
        """Sync, then replace the offsets file, then drop what nobody needs any more."""
        await self.sync()
        committed = self.offsets.committed.setdefault(group, {})
        for (topic, partition), offset in offsets.items():
            committed[f"{topic}/{partition}"] = offset
        path, text = self.root / _OFFSETS, _as_text(self.offsets)
        await asyncio.get_running_loop().run_in_executor(None, replace_file, path, text)
        self.drop_consumed()

    def committed(self, group: str, topic: str, partition: int) -> int | None:
        """The committed offset, never past the end of the log; None where nothing was committed."""
        offset = self.offsets.committed.get(group, {}).get(f"{topic}/{partition}")
        log = self.logs.get((topic, partition))
        return None if offset is None or log is None else min(offset, log.end)

    def drop_consumed(self) -> int:
        """Delete segments that every group has committed past; returns the bytes given back."""
        freed = 0
        for (topic, partition), log in self.logs.items():
            name = f"{topic}/{partition}"
            marks = [g[name] for g in self.offsets.committed.values() if name in g]
            if marks:
                freed += log.drop_before(min(marks))
        return freed

    def close(self) -> None:
        """Close every log and let go of the folder."""
        for log in self.logs.values():
            with contextlib.suppress(DataFolderError):  # already reported where it happened
                log.close()
        self.logs.clear()
        self.lock.release()


def _sync_all(fds: list[int]) -> None:
    try:
        for fd in fds:
            os.fdatasync(fd)
    except OSError as e:
        raise DataFolderError(f"the log cannot be synced: {e.strerror or e}") from e
    finally:
        for fd in fds:
            os.close(fd)


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` beside `path`, sync it and put it in its place; raises DataFolderError."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as e:
        raise DataFolderError(f"{path}: cannot be written: {e.strerror or e}") from e
