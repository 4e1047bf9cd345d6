"""Capture files that are open in this process, shared by who feeds them and who decodes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.capture import CaptureFile


class CaptureFiles:
    """Opens each capture once: inflating a compressed one is dear. Its last user's leave closes it."""

    def __init__(self) -> None:
        self._open: dict[str, CaptureFile] = {}
        self._users: dict[str, set[str]] = {}

    def get(self, path: str, user: str = "") -> CaptureFile:
        """The open file, for `user` to let go of; raises InputError where it cannot be read."""
        if path not in self._open:
            from ingest.capture import open_capture

            self._open[path] = open_capture(Path(path))
        self._users.setdefault(path, set()).add(user)
        return self._open[path]

    def close(self, path: str, user: str = "") -> None:
        """Let go of one."""
        users = self._users.get(path, set())
        users.discard(user)
        if not users and (capture := self._open.pop(path, None)) is not None:
            capture.close()

    def close_all(self) -> None:
        """Let go of all, whoever uses them."""
        self._users.clear()
        for path in list(self._open):
            self.close(path)
