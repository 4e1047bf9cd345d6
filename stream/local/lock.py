"""One process at a time: a folder's lock."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from citywall.errors import DataFolderBusy, DataFolderError


class FolderLock:
    """An advisory lock on `folder/LOCK` that dies with its process; the file names the holder's pid.

    Raises DataFolderBusy where another process holds it, DataFolderError where it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "LOCK"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as e:
            raise DataFolderError(f"{folder}: cannot be used: {e.strerror or e}") from e
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise DataFolderBusy(f"{folder}: in use by another Citywall process (pid {holder})") from e
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go; may be called again."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1
