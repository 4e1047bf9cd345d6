"""When each alert of a drill was first there, by the wall clock: lines of a file that survive a crash.

One line an alert, `{"alert": ID, "at": NS}`, on disk before the next is taken. A line that a crash cut short
is dropped when the journal is opened again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from citywall.errors import DataFolderError
from stream.local.folder import replace_file

NAME = "seen.jsonl"


class Seen(msgspec.Struct, frozen=True):
    """An alert, and when it was first there (ns)."""

    alert: str
    at: int


class Journal:
    """The journal of a drill's folder, open for more; raises DataFolderError."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._known = read(folder)
        replace_file(self._path, b"".join(_line(alert, at) for alert, at in self._known.items()))
        try:
            self._file = self._path.open("ab")
        except OSError as e:
            raise DataFolderError(f"{self._path}: cannot be written: {e.strerror or e}") from e

    def note(self, alerts: Iterable[str], now: int) -> int:
        """Note those that are new as there at `now` (ns), and how many they were."""
        fresh = [alert for alert in dict.fromkeys(alerts) if alert and alert not in self._known]
        if fresh:
            try:
                self._file.write(b"".join(_line(alert, now) for alert in fresh))
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as e:
                raise DataFolderError(f"{self._path}: cannot be written: {e.strerror or e}") from e
            self._known.update(dict.fromkeys(fresh, now))
        return len(fresh)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read(folder: Path) -> dict[str, int]:
    """When each alert was first there (ns), by id; a line cut short, or what follows one, is left out."""
    try:
        data = (folder / NAME).read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as e:
        raise DataFolderError(f"{folder / NAME}: cannot be read: {e.strerror or e}") from e
    found: dict[str, int] = {}
    for line in data.split(b"\n")[:-1]:
        try:
            seen = msgspec.json.decode(line, type=Seen)
        except msgspec.DecodeError:
            break
        found.setdefault(seen.alert, seen.at)
    return found


def _line(alert: str, at: int) -> bytes:
    return msgspec.json.encode(Seen(alert, at)) + b"\n"
