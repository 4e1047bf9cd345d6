"""One partition of the embedded log: append-only segments in a folder of their own."""

from __future__ import annotations

import errno
import itertools
import os
from collections import deque
from pathlib import Path

from citywall.errors import DataFolderError, StreamError
from stream.local import records
from stream.local.records import HEADER, Record

SEGMENT_BYTES = 64 << 20
_BUFFER_BYTES = 256 << 10
_BUFFER_RECORDS = 256  # below a third of IOV_MAX: a record has up to three pieces
#: Newest records kept in memory: who reads close behind needs neither the file nor the checksum.
_TAIL_BYTES = 8 << 20
#: Records that a log with `hold` keeps in memory alone, until they are released.
_HELD_BYTES = 48 << 20


def kept_before_gap(folder: Path, committed: int) -> int | None:
    """Where the last segment begins that stays, if anything behind a gap is dropped when a log is opened."""
    gaps = {int(p.stem) for p in folder.glob("*.gap")}
    segments = sorted({int(p.stem) for p in folder.glob("*.log")} | gaps)
    if (stranded := _stranded(gaps, committed)) is None:
        return None
    return max((s for s in segments if s < stranded), default=segments[0])


def _stranded(gaps: set[int], committed: int) -> int | None:
    """The first gap that the reader has not passed."""
    return min((gap for gap in gaps if gap > committed), default=None)


class PartitionLog:
    """Segments named by the offset of their first record.

    `end` is the offset the next record gets; `start` that of the oldest kept. A tail that was torn by a
    crash is cut off when the log is opened; damage below `durable` (what was once known to be on disk)
    raises StreamError instead, for that is not a crash. All calls but `os.fdatasync` on what `dirty`
    gives belong to one thread.

    With `hold`, records are written only when somebody asks for that (`write`, `dirty`) or there are too many
    of them; those `release`d before that never are. What is written behind such a gap begins a segment of
    its own kind (`.gap`). Whoever lets records be forgone sees to it that their reader commits behind them
    before their writer does: where that did not come to pass, what stands behind a gap that the reader has
    not `committed` past is dropped when the log is opened, for the writer says it again.
    """

    def __init__(
        self, folder: Path, durable: int = 0, segment_bytes: int = SEGMENT_BYTES, committed: int = 0
    ) -> None:
        self.folder = folder
        self.segment_bytes = segment_bytes
        self.hold = False
        self.forgone = 0  # behind the last record that was released without being written
        folder.mkdir(parents=True, exist_ok=True)
        self._gaps = {int(p.stem) for p in folder.glob("*.gap")}  # segments behind one
        self._segments = sorted({int(p.stem) for p in folder.glob("*.log")} | self._gaps)
        if not self._segments:
            self._segments = [0]
            self._file(0).touch()
        self._index: dict[int, list[tuple[int, int]]] = {s: [(s, 0)] for s in self._segments}
        self.mended = 0  # bytes of torn tail cut off at open
        self._written = self._mend(self._segments[-1], durable)
        self._drop_stranded(committed)
        self.end = max(self._written, committed)
        sizes = [self._file(s).stat().st_size for s in self._segments]
        self._bases = {s: sum(sizes[:i]) for i, s in enumerate(self._segments)}
        self._fd = os.open(self._file(self._segments[-1]), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._size = sizes[-1]  # bytes of the last segment
        self._bytes = sum(sizes)  # ever appended
        self._dirty = False
        self._readers: dict[int, int] = {}
        self._cursor: tuple[int, int, int] | None = None  # (offset, segment, position) after the last read
        self._failed: str | None = None
        self._tail: deque[Record] = deque()  # newest records, those not yet written among them
        self._tail_bytes = self._waiting_bytes = self._waiting = 0

    def _drop_stranded(self, committed: int) -> None:
        """Drop what stands behind a gap that the reader has not passed."""
        stranded = _stranded(self._gaps, committed)
        if stranded is None:
            return
        while self._segments[-1] >= stranded and len(self._segments) > 1:
            gone = self._segments.pop()
            self._file(gone).unlink()
            self._gaps.discard(gone)
            del self._index[gone]
        self._written = self._mend(self._segments[-1], 0)

    @property
    def start(self) -> int:
        """Offset of the oldest record kept."""
        return self._segments[0]

    def _file(self, segment: int) -> Path:
        kind = "gap" if segment in self._gaps else "log"
        return self.folder / f"{segment:020d}.{kind}"

    def _mend(self, segment: int, durable: int) -> int:
        path = self._file(segment)
        with path.open("r+b") as f:
            data = f.read()
            offset, at = segment, 0
            while (record := records.decode(data, at, offset)) is not None:
                self._note(segment, offset, at)
                at += record.size
                offset += 1
            if offset < durable:
                raise StreamError(f"{path} at byte {at}: damaged below what was known to be written")
            if at < len(data):
                self.mended = len(data) - at
                f.truncate(at)
                f.flush()
                os.fsync(f.fileno())
        return offset

    def _note(self, segment: int, offset: int, at: int) -> None:
        index = self._index[segment]
        if at - index[-1][1] >= 1 << 16:
            index.append((offset, at))

    def append(self, key: bytes | None, value: bytes | None, timestamp: float) -> int:
        """Add a record; returns its offset. It is on disk only after a sync."""
        if self._failed:
            raise DataFolderError(self._failed)
        record = Record(self.end, timestamp, key, value, records.size_of(key, value))
        self.end += 1
        self._bytes += record.size
        self._tail.append(record)
        self._tail_bytes += record.size
        self._waiting_bytes += record.size
        self._waiting += 1
        most = _HELD_BYTES if self.hold else _BUFFER_BYTES
        if self._waiting_bytes >= most or (self._waiting >= _BUFFER_RECORDS and not self.hold):
            self.write()
        return record.offset

    def release(self, offset: int) -> None:
        """Who reads has done with the records before `offset`: those not written yet need not be."""
        while self.hold and self._tail and self._tail[0].offset < offset:
            self._forget()

    def _forget(self) -> None:
        """Let the oldest record in memory go."""
        record = self._tail.popleft()
        self._tail_bytes -= record.size
        if record.offset >= self._written:
            self._waiting_bytes -= record.size
            self._waiting -= 1
            self.forgone = record.offset + 1

    def write(self) -> None:
        """Hand waiting records to the operating system; raises DataFolderError where it has no room."""
        at = self._bytes - self._waiting_bytes
        waiting = list(itertools.islice(self._tail, len(self._tail) - self._waiting, None))
        some: list[Record] = []
        for record in waiting:
            leap = record.offset > self._written and not some
            full = self._size + record.size > self.segment_bytes and record.offset > self._segments[-1]
            if leap or full:
                self._put(some)
                some = []
                self._roll(record.offset, at, leap=leap)
            some.append(record)
            self._note(self._segments[-1], record.offset, self._size)
            self._size += record.size
            at += record.size
            if len(some) == _BUFFER_RECORDS:
                self._put(some)
                some = []
        self._put(some)
        while self._tail_bytes > _TAIL_BYTES and len(self._tail) > 1:
            self._forget()

    def _put(self, some: list[Record]) -> None:
        """Write records that follow what is written."""
        pieces = [piece for r in some for piece in records.encode(r.offset, r.timestamp, r.key, r.value)]
        while pieces:
            left = sum(map(len, pieces))
            try:
                written = os.writev(self._fd, pieces)
            except OSError as e:
                self._fail(e)
            self._dirty = True
            pieces = [b"".join(pieces)[written:]] if written < left else []
        if some:
            self._written = some[-1].offset + 1
            self._waiting -= len(some)
            self._waiting_bytes -= sum(record.size for record in some)

    def _fail(self, error: OSError) -> None:
        path = self._file(self._segments[-1])
        word = "no space left" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror
        self._failed = f"{path}: cannot be written: {word}"
        raise DataFolderError(self._failed) from error

    @property
    def written(self) -> int:
        """The offset behind the last record that was handed to the operating system."""
        return self._written

    def dirty(self) -> int | None:
        """Write what is pending; a duplicate descriptor to `fdatasync` and close, or None if all is synced.

        The caller may sync in another thread while this one goes on appending.
        """
        self.write()
        if not self._dirty:
            return None
        self._dirty = False
        return os.dup(self._fd)

    def _roll(self, offset: int, base: int, *, leap: bool) -> None:
        """Begin the segment of the record at `offset`, with `base` bytes before it."""
        if self._dirty:
            os.fdatasync(self._fd)
            self._dirty = False
        os.close(self._fd)
        if leap:
            self._gaps.add(offset)
        self._segments.append(offset)
        self._bases[offset] = base
        self._index[offset] = [(offset, 0)]
        self._size = 0
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            self._fd = os.open(self._file(offset), flags, 0o644)
            folder = os.open(self.folder, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        except OSError as e:
            self._fail(e)

    def drop_before(self, offset: int) -> int:
        """Retention: delete segments wholly below `offset`; returns the bytes given back."""
        freed = 0
        while len(self._segments) > 1 and self._segments[1] <= offset:
            old = self._segments.pop(0)
            if (fd := self._readers.pop(old, None)) is not None:
                os.close(fd)
            freed += self._bases[self._segments[0]] - self._bases.pop(old)
            del self._index[old]
            self._file(old).unlink()
            self._gaps.discard(old)
        return freed

    def _locate(self, offset: int) -> tuple[int, int]:
        segment = max((s for s in self._segments if s <= offset), default=self._segments[0])
        at = max(p for o, p in self._index[segment] if o <= max(offset, segment))
        return segment, at

    def position_bytes(self, offset: int) -> int:
        """Bytes of the log before the record at `offset`, exact at the reading cursor, else an estimate."""
        if offset >= self.end:
            return self.end_bytes
        if self._tail and offset >= self._tail[0].offset:
            newer = itertools.takewhile(lambda record: record.offset >= offset, reversed(self._tail))
            return self._bytes - sum(record.size for record in newer)
        if self._cursor and self._cursor[0] == offset:
            return self._bases[self._cursor[1]] + self._cursor[2]
        segment, at = self._locate(offset)
        return self._bases[segment] + at

    @property
    def end_bytes(self) -> int:
        """Bytes ever appended, deleted segments of this run included."""
        return self._bytes

    @property
    def kept_bytes(self) -> int:
        """Bytes on disk or on their way there."""
        return self.end_bytes - self._bases[self._segments[0]]

    def read(self, offset: int, most: int, most_bytes: int) -> list[Record]:
        """Up to `most` records from `offset` on, about `most_bytes` at most; raises StreamError on damage."""
        offset = max(offset, self.start)
        if offset >= self.end:
            return []
        if self._tail and offset >= self._tail[0].offset:
            return self._from_tail(offset, most, most_bytes)
        if self._cursor and self._cursor[0] == offset:
            segment, at = self._cursor[1], self._cursor[2]
        else:
            segment, at = self._locate(offset)
        found: list[Record] = []
        taken = 0
        next_offset = self._offset_at(segment, at)
        while len(found) < most and taken < most_bytes and next_offset < self._written:
            following = self._segments.index(segment) + 1
            if following < len(self._segments) and next_offset >= self._segments[following]:
                segment, at = self._segments[following], 0
            record = self._record(segment, at, next_offset)
            at += record.size
            next_offset += 1
            if record.offset >= offset:
                found.append(record)
                taken += record.size
        self._cursor = (next_offset, segment, at)
        if self._tail and self._tail[0].offset <= next_offset == self._written:
            found += self._from_tail(next_offset, most - len(found), most_bytes - taken)
        return found

    def _from_tail(self, offset: int, most: int, most_bytes: int) -> list[Record]:
        found: list[Record] = []
        for record in itertools.islice(self._tail, offset - self._tail[0].offset, None):
            if len(found) >= most or most_bytes <= 0:
                break
            found.append(record)
            most_bytes -= record.size
        return found

    def _offset_at(self, segment: int, at: int) -> int:
        if self._cursor and self._cursor[1:] == (segment, at):
            return self._cursor[0]
        return next(o for o, p in self._index[segment] if p == at)

    def _record(self, segment: int, at: int, offset: int) -> Record:
        fd = self._readers.get(segment)
        if fd is None:
            fd = self._readers[segment] = os.open(self._file(segment), os.O_RDONLY | os.O_CLOEXEC)
        head = os.pread(fd, HEADER, at)
        size = records.length_at(head, 0) if len(head) == HEADER else 0
        record = records.decode(os.pread(fd, size, at), 0, offset) if size else None
        if record is None:
            raise StreamError(f"{self._file(segment)} at byte {at}: record {offset} is damaged")
        return record

    def close(self) -> None:
        """Write what waits (unless writing failed, or it is held) and close every file."""
        if not self._failed and not self.hold:
            self.write()
        os.close(self._fd)
        for fd in self._readers.values():
            os.close(fd)
        self._readers.clear()
