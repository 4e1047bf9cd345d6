"""The writer of the audit log: one at a time, every record on disk before `append` returns.

Whoever changes something appends what it is about to do within its own transaction, before that is
committed: an action whose record could not be written is not done. What a crash left of a last line stays
where it is, and the next writer says so in a record. See `docs/audit.md`.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

from citywall import __version__, canonical
from citywall.errors import DataFolderBusy, DataFolderError, InputError
from citywall.permissions import Identity, Target
from trust import chain, region
from trust.records import ANCHOR, MENDED, OPENED, SYSTEM, Entry, Head, Record, chained, iso

#: Files that one anchor names at most.
_ANCHORED = 100
_DAY = 86_400 * 1_000_000_000
UNCONFIRMED = "audit.unconfirmed"


def entry(
    identity: Identity, action: str, target: Target, *,
    outcome: Literal["done", "refused", "failed"] = "done", **more: Any,
) -> Entry:  # fmt: skip
    """What `identity` did to `target`, or tried to: an entry for the log."""
    return Entry(
        who=identity.user, role=identity.role, via=identity.via,
        action=action, object=str(target), outcome=outcome, **more,
    )  # fmt: skip


class AuditLog:
    """The log in `folder`, open for appending. May be used from several threads.

    Raises DataFolderBusy where another writer has it, DataFolderError where it cannot be used or was
    altered at its end. `clock` gives the wall time in ns.
    """

    def __init__(
        self, folder: Path, *, file_bytes: int = 16 << 20, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.folder = folder
        self._file_bytes = file_bytes
        self._clock = clock
        self._lock = threading.RLock()
        self._head = Head()
        self._path: Path | None = None
        self._fd = -1
        self._broken_at = 0  # number of a record whose writing failed
        self._holding = _hold(folder)
        try:
            self._recover()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def head(self) -> Head:
        """Number and hashes of the last record: who keeps them elsewhere can tell a cut-off log."""
        return self._head

    def append(self, what: Entry) -> Record:
        """Write one record and wait until it is on disk.

        Raises DataFolderError where it cannot be written: then what it records must not be done.
        """
        with self._lock:
            if self._holding < 0:
                raise DataFolderError(f"{self.folder}: the audit log is closed")
            if self._broken_at:
                self._recover()
            if not self._head.n and what.action != OPENED:
                self.append(entry(SYSTEM, OPENED, Target("audit"), detail={"citywall": __version__}))
            try:
                record, line = chained(what, self._head, self._clock())
            except ValueError as e:
                raise DataFolderError(f"{self.folder}: cannot record {what.action}: {e}") from e
            self._rotate(record, len(line))
            self._write(line, record)
            return record

    def retain(self, days: int, by: Identity, now: int) -> list[str]:
        """Remove files whose records are all older than `days`; returns their names, oldest first.

        The newest file stays. An anchor with the hashes at each file's end is written first, so that
        the chain of what is left can be verified.
        """
        with self._lock:
            gone = self._older_than(iso(now - days * _DAY))
            for at in range(0, len(gone), _ANCHORED):
                batch = gone[at : at + _ANCHORED]
                removed = [
                    {"file": path.name, "first": chain.first_of(path), "last": last.n, "until": last.time,
                     "sm3": last.sm3, "sha256": last.sha256}
                    for path, last in batch
                ]  # fmt: skip
                self.append(entry(by, ANCHOR, Target("audit"), detail={"days": days, "removed": removed}))
                for path, _ in batch:
                    self._remove(path)
            return [path.name for path, _ in gone]

    def close(self) -> None:
        """Let go of the log; may be called again."""
        with self._lock:
            for fd in (self._fd, self._holding):
                if fd >= 0:
                    os.close(fd)
            self._fd = self._holding = -1

    def _older_than(self, limit: str) -> list[tuple[Path, Record]]:
        old = []
        for path in chain.files_in(self.folder)[:-1]:
            last = chain.tail_of(path).record
            if last is None:
                raise DataFolderError(f"{path}: holds no record; `citywall audit verify` says more")
            if last.time >= limit:
                break
            old.append((path, last))
        return old

    def _recover(self) -> None:
        """Find the end of the chain; say so where a write was cut short."""
        try:
            files = chain.files_in(self.folder)
            while files and not files[-1].stat().st_size:  # made, and nothing written yet
                self._remove(files.pop())
            tails = [chain.tail_of(path) for path in files[-2:]]
        except (InputError, OSError) as e:
            raise DataFolderError(f"{self.folder}: cannot be read: {e}") from e
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        last = next((tail.record for tail in reversed(tails) if tail.record is not None), None)
        if last is None and files and (len(files) > 1 or chain.first_of(files[0]) != 1):
            raise _altered(files[-1], 0)
        self._head = Head() if last is None else last.head
        self._path = files[-1] if files else None
        failed, self._broken_at = self._broken_at, 0
        if self._path is not None:
            self._fd = self._opened(self._path, os.O_WRONLY | os.O_APPEND)
            if tails[-1].end < tails[-1].size:
                self._mend(self._path, tails[-1])
        if 0 < failed <= self._head.n and last is not None and last.n == failed:
            told = {"record": failed, "reason": "its write failed: what it records was not done"}
            self.append(entry(SYSTEM, UNCONFIRMED, Target("record", str(failed)), detail=told))

    def _mend(self, path: Path, tail: chain.Tail) -> None:
        """Close the line that was cut short, and chain a record to the one before that names it."""
        torn = region.torn_from(path, tail.end)
        if torn is None:
            raise _altered(path, self._head.n)
        closed = torn + region.CLOSING
        sm3, sha256 = canonical.hashes(closed)
        told = {
            "file": path.name, "offset": tail.end, "bytes": len(closed), "sm3": sm3, "sha256": sha256,
            "text": torn.decode("utf-8", "backslashreplace")[:200],
        }  # fmt: skip
        mend = entry(SYSTEM, MENDED, Target("audit"), reason="a write was cut short", detail=told)
        record, line = chained(mend, self._head, self._clock())
        self._write(region.CLOSING + line, record)

    def _rotate(self, record: Record, length: int) -> None:
        """Begin a new file where the present one is full or of an earlier month."""
        if self._path is not None:
            full = os.fstat(self._fd).st_size + length > self._file_bytes
            if not full and record.time[:7] <= chain.month_of(self._path):
                return
        path = self.folder / chain.name_of(record.n, record.time)
        fd = self._opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._path = fd, path
        self._sync_folder()

    def _write(self, data: bytes, record: Record) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
            os.fsync(self._fd)
        except OSError as e:
            self._broken_at = record.n
            raise DataFolderError(
                f"{self._path}: cannot be written: {e.strerror or e}; nothing is done"
            ) from e
        self._head = record.head

    def _opened(self, path: Path, flags: int) -> int:
        try:
            return os.open(path, flags | os.O_CLOEXEC, 0o600)
        except OSError as e:
            raise DataFolderError(f"{path}: cannot be written: {e.strerror or e}") from e

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as e:
            raise DataFolderError(f"{path}: cannot be removed: {e.strerror or e}") from e
        self._sync_folder()

    def _sync_folder(self) -> None:
        fd = self._opened(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        except OSError as e:
            raise DataFolderError(f"{self.folder}: cannot be written: {e.strerror or e}") from e
        finally:
            os.close(fd)


def _hold(folder: Path) -> int:
    """The descriptor of `LOCK`, held until it is closed or the process ends."""
    lock = folder / "LOCK"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as e:
        raise DataFolderError(f"{folder}: cannot be used: {e.strerror or e}") from e
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(fd)
        raise DataFolderBusy(f"{folder}: another Citywall process (pid {holder}) writes the audit log") from e
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _altered(path: Path, n: int) -> DataFolderError:
    return DataFolderError(
        f"{path}: the audit log was altered after record {n}: `citywall audit verify` says where; "
        "move its folder elsewhere, as evidence, and a new log begins"
    )
