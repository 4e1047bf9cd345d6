"""A backup is made: also while the service works."""

from __future__ import annotations

import hashlib
import io
import os
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple, cast

import msgspec

from citywall import __version__
from citywall.errors import DataFolderError, InputError
from trust import chain
from trust.backup import choosing
from trust.backup.manifest import FORM, NAME, Manifest, Piece
from trust.records import iso

#: How often what belongs together is read anew because people did something meanwhile, and the pause between.
_TRIES = 20
_PAUSE_S = 0.1
_BUSY_S = 30.0


class Made(NamedTuple):
    """A backup: what it says of itself, and the SHA-256 of the whole file."""

    manifest: Manifest
    sha256: str


def make(data: Path, target: Path, *, packets: bool = False, clock: Callable[[], int] = time.time_ns) -> Made:
    """Write a backup of `data` to `target`, which only its owner may read; gzipped for `.gz` and `.tgz`.

    Databases are copied by SQLite itself, so that each is whole. Accounts, cases, runs and the audit log are
    read again until nothing was done meanwhile; else the manifest says so. `target` is there whole, or not at
    all. Raises DataFolderError.
    """
    chosen = choosing.choose(data, chain.FOLDER, packets=packets)
    with (
        _written(target) as file,
        tempfile.TemporaryDirectory(prefix=".citywall-", dir=target.parent) as held,
    ):
        packed = target.name.endswith((".gz", ".tgz"))
        with tarfile.open(
            fileobj=cast("IO[bytes]", file), mode="w:gz" if packed else "w", format=tarfile.PAX_FORMAT
        ) as tar:
            writer = _Writer(tar, data, Path(held))
            settled = writer.together(chosen.root, chosen.audit)
            for name in chosen.databases:
                writer.database(name)
            for name in chosen.files:
                writer.file(name)
            pieces = tuple(sorted(writer.pieces, key=lambda piece: piece.name))
            told = Manifest(FORM, __version__, iso(clock()), settled, pieces, tuple(chosen.left_out))
            writer.text(NAME, msgspec.json.encode(told))
    return Made(told, file.digest)


@contextmanager
def _written(target: Path) -> Iterator[_Hashing]:
    unfinished = target.with_name(f".{target.name}.tmp")
    try:
        fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            yield _Hashing(file)
            file.flush()
            os.fsync(fd)
        unfinished.replace(target)
    except (OSError, tarfile.TarError) as e:
        raise DataFolderError(f"{target}: the backup cannot be written: {e}") from e
    finally:
        unfinished.unlink(missing_ok=True)


class _Writer:
    def __init__(self, tar: tarfile.TarFile, data: Path, held: Path) -> None:
        self._tar = tar
        self._data = data
        self._held = held
        self.pieces: list[Piece] = []

    def together(self, databases: Sequence[str], log: Sequence[str]) -> bool:
        """Databases and the log whose records they know of, as of one moment; False where none was quiet."""
        for _ in range(_TRIES):
            before = _head(self._data)
            copies = [self._copied(name, f"{i}") for i, name in enumerate(databases)]
            after = _head(self._data)
            if before == after:
                break
            time.sleep(_PAUSE_S)
        for name, copy in zip(databases, copies, strict=True):
            self._add(name, copy)
        # The log last: what it has and a database has not is told as undone. The other way it is an alarm.
        for name in log:
            self.lines(name)
        return before == after

    def database(self, name: str) -> None:
        """A database that stands alone."""
        with suppress(FileNotFoundError):
            self._add(name, self._copied(name, "one"))

    def file(self, name: str) -> None:
        """A file as it is; one that is removed meanwhile is not there."""
        with suppress(FileNotFoundError):
            self._add(name, self._data / name)

    def lines(self, name: str) -> None:
        """A file of lines, up to the last whole one."""
        data = (self._data / name).read_bytes()
        self.text(name, data[: data.rfind(b"\n") + 1])

    def text(self, name: str, data: bytes) -> None:
        """A file of these bytes."""
        self._put(name, io.BytesIO(data), len(data), time.time())

    def _add(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            told = os.fstat(file.fileno())
            self._put(name, file, told.st_size, told.st_mtime)

    def _put(self, name: str, file: IO[bytes], size: int, changed: float) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = size, changed, 0o600
        hashed = Hashed(file)
        self._tar.addfile(member, cast("IO[bytes]", hashed))
        if name != NAME:
            self.pieces.append(Piece(name, size, hashed.digest))

    def _copied(self, name: str, to: str) -> Path:
        source, copy = self._data / name, self._held / to
        if not source.exists():
            raise FileNotFoundError(source)
        copy.unlink(missing_ok=True)
        try:
            reading = sqlite3.connect(f"{source.resolve().as_uri()}?mode=rw", uri=True, timeout=_BUSY_S)
            writing = sqlite3.connect(copy)
            try:
                reading.backup(writing)
            finally:
                writing.close()
                reading.close()
        except sqlite3.Error as e:
            raise DataFolderError(f"{source}: cannot be copied: {e}") from e
        return copy


class Hashed(io.BufferedIOBase):
    """Reads a file and hashes what is read."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes."""
        data = self._file.read(-1 if size is None else size)
        self._hash.update(data)
        return data

    @property
    def digest(self) -> str:
        """SHA-256 of what was read."""
        return self._hash.hexdigest()


class _Hashing:
    """Writes a file and hashes what is written: a tar goes forward only."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        """All of `data`."""
        self._hash.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        """Bytes written."""
        return self._file.tell()

    @property
    def digest(self) -> str:
        """SHA-256 of what was written."""
        return self._hash.hexdigest()


def _head(data: Path) -> tuple[str, int]:
    """The last file of the audit log and its size: something was done when they have changed."""
    try:
        files = chain.files_in(data / chain.FOLDER)
        return (files[-1].name, files[-1].stat().st_size) if files else ("", 0)
    except (InputError, OSError):
        return ("", -1)
