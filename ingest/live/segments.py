"""Rolling pcap files in a folder, within a budget: what was received, kept as evidence.

Files are written as blocks come, so that a process that is killed leaves at most one that ends within a
record. They are numbered, or named by the time of their first packet.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import IO

from citywall.errors import InputError
from ingest.live.reserving import Reserved
from ingest.live.rolling import HEADER, Budget, head

_TIME = struct.Struct("<II")
_SUFFIX = ".pcap"


class Segments:
    """Appends capture records to `NAME-000001.pcap` and so on; without a name to `<first packet, ns>.pcap`.

    `path` is the file being written and `at` the offset of the next record in it. What an earlier writer
    left is kept, and counted: in a `budget` shared with others, or in `budget_bytes` of its own. Where
    `durable`, a file is on disk when the next is begun. Raises InputError where the folder cannot be written.
    """

    def __init__(
        self, folder: Path, name: str = "", *, link: int, segment_bytes: int,
        budget_bytes: int = 0, budget: Budget | None = None, durable: bool = True,
    ) -> None:  # fmt: skip
        self._folder, self._name, self._link, self._durable = folder, name, link, durable
        self._segment_bytes = max(segment_bytes, HEADER + 1)
        self._budget = budget or Budget(budget_bytes, self.files)
        self._file: IO[bytes] | None = None
        self._reserved: Reserved | None = None
        self.path, self.at = folder, HEADER
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not os.access(folder, os.W_OK):
                raise PermissionError(0, "cannot be written")
            known = self.files()
        except OSError as e:
            raise InputError(str(folder), e.strerror or str(e)) from e
        self._number = int(known[-1].stem.rpartition("-")[2]) if known else 0

    @property
    def removed(self) -> int:
        """Files that went for the budget."""
        return self._budget.removed

    def files(self) -> list[Path]:
        """The files there are, oldest first."""
        if self._name:
            return sorted(self._folder.glob(f"{self._name}-{'[0-9]' * 6}{_SUFFIX}"))
        return [path for _, path in timed(self._folder)]

    def room(self, size: int) -> None:
        """Make sure that `size` bytes go into one file: begin another where they would not."""
        if self.at > HEADER and self.at + size > self._segment_bytes:
            self._seal()
            self.at = HEADER

    def append(self, records: bytes | memoryview) -> int:
        """Write records made for offset `at`; gives that offset. They can be read when it returns.

        The last may go on in what is written next.
        """
        at = self.at
        try:
            file = self._file or self._begin(records)
            if self._reserved is not None:
                self._reserved.reach(at + len(records))
            file.write(records)
            file.flush()
        except OSError as e:
            raise InputError(str(self.path), e.strerror or str(e)) from e
        self.at += len(records)
        return at

    def _begin(self, records: bytes | memoryview) -> IO[bytes]:
        if self._name:
            self._number += 1
            self.path = self._folder / f"{self._name}-{self._number:06d}{_SUFFIX}"
        else:
            seconds, fraction = _TIME.unpack_from(records)
            first = seconds * 1_000_000_000 + fraction
            while (path := self._folder / f"{first:020d}{_SUFFIX}").exists():
                first += 1
            self.path = path
        self._budget.begin(self.path, self._segment_bytes)
        self._file = self.path.open("xb")
        self._file.write(head(self._link))
        self._reserved = Reserved(self._file.fileno(), 0, self._segment_bytes)
        return self._file

    def _seal(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            self._budget.end(self.path)
            file.flush()
            if self._reserved is not None:
                self._reserved.release()
            if self._durable:
                os.fsync(file.fileno())
            file.close()

    def close(self) -> None:
        """Seal the last file."""
        try:
            self._seal()
        except OSError as e:
            raise InputError(str(self.path), e.strerror or str(e)) from e


def between(folder: Path, since: int, until: int) -> list[Path]:
    """Files named by time that may hold packets from `since` to before `until` (ns), oldest first."""
    found = timed(folder)
    ends = [*(first for first, _ in found[1:]), max(until, since)] if found else []
    # A block's packets are in order, but for what several processors stamped at once.
    slack = 1_000_000_000
    return [
        path
        for (first, path), end in zip(found, ends, strict=True)
        if first - slack < until and end + slack >= since
    ]


def timed(folder: Path) -> list[tuple[int, Path]]:
    """Files of a folder that are named by the time of their first packet, by it."""
    try:
        names = [path for path in folder.iterdir() if path.suffix == _SUFFIX and path.stem.isdecimal()]
    except FileNotFoundError:
        return []
    return sorted((int(path.stem), path) for path in names)
