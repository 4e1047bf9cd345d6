"""Rolling pcap files in a folder, within a budget: what was received, kept as evidence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from citywall.errors import InputError
from ingest.live.rolling import HEADER, head, shrink


class Segments:
    """Appends capture records to `NAME-000001.pcap` and so on; the oldest go where all take too much.

    `path` is the file being written and `at` the offset of the next record in it. What an earlier writer
    of the same name left is kept, and counted. Raises InputError where the folder cannot be written.
    """

    def __init__(self, folder: Path, name: str, *, link: int, segment_bytes: int, budget_bytes: int) -> None:
        self._folder, self._name, self._link = folder, name, link
        self._segment_bytes, self._budget_bytes = max(segment_bytes, HEADER + 1), budget_bytes
        self._file: IO[bytes] | None = None
        self.removed = 0  # files that went for the budget
        try:
            folder.mkdir(parents=True, exist_ok=True)
            known = self.files()
            self._number = int(known[-1].stem.rpartition("-")[2]) if known else 0
            self._begin()
        except OSError as e:
            raise InputError(str(folder), e.strerror or str(e)) from e

    def files(self) -> list[Path]:
        """The files there are, oldest first."""
        return sorted(self._folder.glob(f"{self._name}-{'[0-9]' * 6}.pcap"))

    def _begin(self) -> None:
        self._number += 1
        self.path = self._folder / f"{self._name}-{self._number:06d}.pcap"
        self._file = self.path.open("xb")
        self._file.write(head(self._link))
        self._file.flush()
        self.at = HEADER

    def room(self, size: int) -> None:
        """Make sure that `size` bytes go into one file: begin another where they would not."""
        if self.at > HEADER and self.at + size > self._segment_bytes:
            self._seal()
            self._begin()
            self._shrink()

    def append(self, records: bytes | memoryview) -> int:
        """Write whole records, made for offset `at`; gives that offset. They can be read when it returns."""
        if self._file is None:
            raise InputError(str(self.path), "the segment is closed")
        at = self.at
        try:
            self._file.write(records)
            self._file.flush()
        except OSError as e:
            raise InputError(str(self.path), e.strerror or str(e)) from e
        self.at += len(records)
        return at

    def _seal(self) -> None:
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def _shrink(self) -> None:
        """Remove the oldest until there is room for the one being written, which is never removed."""
        others = [path for path in self.files() if path != self.path]
        self.removed += shrink(others, self._segment_bytes, self._budget_bytes)

    def close(self) -> None:
        """Seal the last file; one without a record is removed."""
        self._seal()
        if self.at == HEADER:
            self.path.unlink(missing_ok=True)
