"""Which files of a data folder a backup takes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from citywall.errors import DataFolderError

#: What the run under way works with. A restored folder reads an unfinished input anew.
WORKING = ("log", "checkpoints", "logs", "status.json")
#: Rolling evidence of live traffic, as much as its disk budget allows: taken only where it is asked for.
PACKETS = "packets"
_BESIDE = ("-wal", "-shm", "-journal", ".tmp")


class Chosen(NamedTuple):
    """Names below the data folder: databases of its root, others; files of the audit log, others."""

    root: list[str]
    databases: list[str]
    audit: list[str]
    files: list[str]
    left_out: list[str]


def choose(data: Path, audit: str, *, packets: bool) -> Chosen:
    """Look through a data folder. `audit` is the folder of the audit log. Raises DataFolderError."""
    chosen = Chosen([], [], [], [], [])
    try:
        for name, mode in _walk(data, "", packets=packets, left_out=chosen.left_out):
            if not stat.S_ISREG(mode):
                if not stat.S_ISSOCK(mode):
                    chosen.left_out.append(name)
            elif name.rpartition("/")[2] != "LOCK" and not name.endswith(_BESIDE):
                _kind(chosen, name, audit).append(name)
    except OSError as e:
        raise DataFolderError(f"{e.filename or data}: cannot be read: {e.strerror or e}") from e
    return chosen


def _kind(chosen: Chosen, name: str, audit: str) -> list[str]:
    if name.endswith(".sqlite"):
        return chosen.databases if "/" in name else chosen.root
    return chosen.audit if name.startswith(f"{audit}/") else chosen.files


def _walk(data: Path, below: str, *, packets: bool, left_out: list[str]) -> Iterator[tuple[str, int]]:
    with os.scandir(data / below) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        name = f"{below}{entry.name}"
        if name in WORKING or (name == PACKETS and not packets):
            left_out.append(name)
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(data, f"{name}/", packets=packets, left_out=left_out)
        else:
            yield name, entry.stat(follow_symlinks=False).st_mode
