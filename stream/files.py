"""Capture files that are open in this process, shared by who feeds them and who decodes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.capture import CaptureFile


class CaptureFiles:
    """Opens each capture once: inflating a compressed one is dear."""

    def __init__(self) -> None:
        self._open: dict[str, CaptureFile] = {}

    def get(self, path: str) -> CaptureFile:
        """The open file; raises InputError where it cannot be read."""
        if path not in self._open:
            from ingest.capture import open_capture

            self._open[path] = open_capture(Path(path))
        return self._open[path]

    def close(self, path: str) -> None:
        """Let go of one."""
        if (capture := self._open.pop(path, None)) is not None:
            capture.close()

    def close_all(self) -> None:
        """Let go of all."""
        for path in list(self._open):
            self.close(path)
