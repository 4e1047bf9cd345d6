"""What a backup says of itself, in its last member."""

from __future__ import annotations

from pathlib import PurePosixPath

import msgspec

#: The form of the file: a tar of the pieces, then the manifest.
FORM = 1
NAME = "citywall-backup.json"
#: What was backed up and what was tried, a line each, in the data folder.
JOURNAL = "backups.jsonl"
#: A manifest larger than this is none of ours.
MAX_BYTES = 1 << 28


class Piece(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the data folder: its name there, its size in bytes, its SHA-256."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is in a backup.

    `made` is its time (ISO 8601, UTC). `settled`: nothing was done by people while accounts, cases, runs and
    the audit log were read, so that they speak of one moment. `left_out` are files and folders that were
    there and are not in it.
    """

    form: int
    version: str
    made: str
    settled: bool
    pieces: tuple[Piece, ...]
    left_out: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all pieces."""
        return sum(piece.size for piece in self.pieces)


class Entry(msgspec.Struct, frozen=True):
    """A line of the journal: when, what was done (`made`, `tried`, `restored`), with which file, how much.

    `sound`: of one moment (`made`), or as it was backed up.
    """

    time: str
    what: str
    file: str
    sha256: str
    files: int
    bytes: int
    sound: bool


def safe(name: str) -> bool:
    """Whether a name stays within the folder it is put into."""
    parts = PurePosixPath(name).parts
    return (
        bool(parts)
        and not name.startswith("/")
        and "\0" not in name
        and ".." not in parts
        and name == "/".join(parts)
    )
