"""What was backed up, and which backups were tried: the evidence that there are any (容灾备份)."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from citywall.errors import DataFolderError
from trust.backup.manifest import JOURNAL, Entry


def note(data: Path, entry: Entry) -> None:
    """Add a line and wait until it is on disk. Raises DataFolderError."""
    path = data / JOURNAL
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")
            file.flush()
            os.fsync(fd)
    except OSError as e:
        raise DataFolderError(f"{path}: cannot be written: {e.strerror or e}") from e


def read(data: Path) -> list[Entry]:
    """All lines, oldest first; one that was cut short is left out. Raises DataFolderError."""
    path = data / JOURNAL
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as e:
        raise DataFolderError(f"{path}: cannot be read: {e.strerror or e}") from e
    found = []
    for i, line in enumerate(lines):
        try:
            found.append(msgspec.json.decode(line, type=Entry))
        except msgspec.DecodeError as e:
            if i + 1 < len(lines):
                raise DataFolderError(f"{path}, line {i + 1}: is damaged ({e})") from e
    return found
