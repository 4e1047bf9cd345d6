"""Files that come into a folder: which are there, and whole as far as names and time tell."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

#: How names of files end that somebody is still writing.
UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".crdownload", "~")


class Look(msgspec.Struct, frozen=True):
    """How a file was found: `changed` is its time of modification (ns)."""

    path: Path
    size: int
    changed: int


def look(folder: Path) -> list[Look]:
    """The files in a folder, by name: no folders, no links, none that begins with a dot or is unfinished.

    Raises OSError where the folder cannot be read.
    """
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(UNFINISHED):
                continue
            try:
                if entry.is_file(follow_symlinks=False):
                    facts = entry.stat(follow_symlinks=False)
                    found.append(Look(Path(entry.path), facts.st_size, facts.st_mtime_ns))
            except OSError:  # it went meanwhile
                continue
    return sorted(found, key=lambda each: each.path.name)


class Settling:
    """Tells which files have stood still for `settle_s` seconds, as far as they were looked at."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._seen: dict[Path, tuple[Look, float]] = {}  # as first seen like this, and when (monotonic)

    def whole(self, found: Iterable[Look]) -> list[Look]:
        """Those of the files found that are whole now; one that is not found is forgotten."""
        now = time.monotonic()
        self._seen = {
            look.path: was if (was := self._seen.get(look.path)) and was[0] == look else (look, now)
            for look in found
        }
        still = self._settle_s * 1e9
        return [
            look
            for look, since in self._seen.values()
            if now - since >= self._settle_s or time.time_ns() - look.changed >= still
        ]
