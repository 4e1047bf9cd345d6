"""Capture files that are open in this process, shared by who feeds them and who decodes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.capture import CaptureFile


@dataclass
class _Shared:
    """A capture and who uses it; there is none until its first user, under `opening`, has opened it."""

    users: set[str] = field(default_factory=set)
    capture: CaptureFile | None = None
    opening: Lock = field(default_factory=Lock)


class CaptureFiles:
    """Opens each capture once: inflating a compressed one is dear. Its last user's leave closes it.

    Stations work in threads of their own: one may come for a file as another leaves it.
    """

    def __init__(self) -> None:
        self._open: dict[str, _Shared] = {}
        self._lock = Lock()  # of all but the opening itself, which may take long

    def get(self, path: str, user: str = "") -> CaptureFile:
        """The open file, for `user` to let go of; raises InputError where it cannot be read."""
        with self._lock:
            shared = self._open.setdefault(path, _Shared())
            shared.users.add(user)
        try:
            with shared.opening:
                if shared.capture is None:
                    from ingest.capture import open_capture

                    shared.capture = open_capture(Path(path))
                return shared.capture
        except BaseException:
            self.close(path, user)
            raise

    def close(self, path: str, user: str = "") -> None:
        """Let go of one."""
        with self._lock:
            shared = self._open.get(path)
            if shared is None:
                return
            shared.users.discard(user)
            if shared.users:
                return
            del self._open[path]
        if shared.capture is not None:
            shared.capture.close()

    def close_all(self) -> None:
        """Let go of all, whoever uses them."""
        with self._lock:
            everyone = list(self._open.values())
            self._open.clear()
        for shared in everyone:
            if shared.capture is not None:
                shared.capture.close()
