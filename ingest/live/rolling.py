"""Captures that roll within a budget: their head, and which of them go."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

#: Of a pcap file with nanoseconds, little endian.
MAGIC = 0xA1B2_3C4D
HEADER = 24
_SNAP = 262_144
_HEAD = struct.Struct("<IHHiIII")


def head(link: int) -> bytes:
    """The head of a capture file of one link type."""
    return _HEAD.pack(MAGIC, 2, 4, 0, 0, _SNAP, link)


class Budget:
    """Bytes that the files of several writers may take together; the one changed longest ago goes first.

    `files` lists them, those that no writer of this process left too. Threads may share it.
    """

    def __init__(self, most: int, files: Callable[[], Iterable[Path]]) -> None:
        self.removed = 0  # files that went
        self._most = most
        self._files = files
        self._open: dict[Path, int] = {}  # being written, never removed: bytes they may come to
        self._changing = threading.Lock()

    def begin(self, path: Path, size: int) -> None:
        """Make room for a file that may come to `size` bytes. Raises OSError."""
        with self._changing:
            self._open[path] = size
            self._make_room()

    def end(self, path: Path) -> None:
        """A file is written no more."""
        with self._changing:
            self._open.pop(path, None)

    def _make_room(self) -> None:
        found = []
        for path in self._files():
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            if path not in self._open:
                found.append((facts.st_mtime_ns, str(path), path, facts.st_size))
        surplus = sum(size for *_, size in found) + sum(self._open.values()) - self._most
        for _, _, path, size in sorted(found):
            if surplus <= 0:
                break
            path.unlink(missing_ok=True)
            surplus -= size
            self.removed += 1
