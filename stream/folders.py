"""Files that come into a folder: which are there, whole as far as their names tell."""

from __future__ import annotations

import os
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
