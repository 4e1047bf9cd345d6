"""A backup is read: tried, or put where a data folder is to be."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from citywall.errors import DataFolderError, InputError
from trust import chain
from trust.backup.making import Hashed
from trust.backup.manifest import FORM, MAX_BYTES, NAME, Manifest, Piece, safe
from trust.verify import verify

_CHUNK = 1 << 20
_APPLICATION = b"SQLite format 3\0"


class Told(msgspec.Struct, frozen=True):
    """What a backup was found to be: its manifest, databases that were checked, records of the audit log.

    `sha256` is the whole file's.
    """

    manifest: Manifest
    databases: int
    records: int
    sha256: str


def restore(source: Path, data: Path) -> Told:
    """Put what a backup holds where `data` is to be: a folder that is not there yet, or empty.

    It is there whole, or not at all. Raises InputError where the backup is not sound, DataFolderError where
    the folder cannot be used.
    """
    try:
        if data.exists() and any(data.iterdir()):
            raise DataFolderError(
                f"{data}: is not empty: a backup is restored beside what is there, never over it"
            )
        data.parent.mkdir(parents=True, exist_ok=True)
        with _beside(data.parent) as folder:
            told = _read(source, folder)
            if data.exists():
                data.rmdir()
            folder.rename(data)
    except OSError as e:
        raise DataFolderError(f"{data}: cannot be restored: {e.strerror or e}") from e
    return told


def attempt(source: Path, at: Path) -> Told:
    """Restore a backup into a folder below `at` that goes away again. Raises as `restore`."""
    try:
        with _beside(at) as folder:
            return _read(source, folder)
    except OSError as e:
        raise DataFolderError(f"{at}: cannot be restored into: {e.strerror or e}") from e


@contextmanager
def _beside(parent: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=".citywall-restore-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(source: Path, folder: Path) -> Told:
    try:
        with source.open("rb") as file:
            hashed = Hashed(file)
            manifest = _unpacked(source, hashed, folder)
            while hashed.read(_CHUNK):
                pass
    except OSError as e:
        if e.filename != str(source):
            raise
        raise InputError(str(source), e.strerror or str(e)) from e
    databases = sum(_sound(source, folder / piece.name) for piece in manifest.pieces)
    records = 0
    if (folder / chain.FOLDER).is_dir():
        report = verify(folder)
        if report.problem is not None:
            raise InputError(str(source), f"its audit log: {report.problem.reason}", line=report.problem.line)
        records = report.records
    return Told(manifest, databases, records, hashed.digest)


def _unpacked(source: Path, file: Hashed, folder: Path) -> Manifest:
    """Every member is written below `folder`; what was written is what the manifest at the end says."""
    found: dict[str, Piece] = {}
    manifest: Manifest | None = None
    try:
        # A stream: the file is read once, from its beginning to its end.
        with tarfile.open(fileobj=file, mode="r|*") as tar:
            for member in tar:
                if manifest is not None:
                    raise InputError(str(source), f"{member.name!r} stands behind the manifest")
                if not member.isreg() or not safe(member.name) or member.name in found:
                    raise InputError(
                        str(source), f"{member.name!r} is not the name of a file that a backup has"
                    )
                content = tar.extractfile(member)
                assert content is not None  # it is a regular file
                if member.name == NAME:
                    manifest = _manifest(source, content.read(MAX_BYTES + 1))
                else:
                    found[member.name] = _write(content, folder, member)
    except (tarfile.TarError, EOFError, zlib.error) as e:
        raise InputError(str(source), f"is no backup, or is damaged or cut short ({e})") from e
    if manifest is None:
        raise InputError(str(source), "is cut short: it has no manifest at its end")
    for piece in manifest.pieces:
        if found.pop(piece.name, None) != piece:
            raise InputError(str(source), f"{piece.name!r} is not as it was backed up")
    if found:
        raise InputError(str(source), f"{next(iter(found))!r} is not in the manifest")
    return manifest


def _manifest(source: Path, data: bytes) -> Manifest:
    if len(data) > MAX_BYTES:
        raise InputError(str(source), "its manifest is too long")
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as e:
        raise InputError(str(source), f"its manifest cannot be read ({e})") from e
    if manifest.form != FORM:
        raise InputError(str(source), f"is of form {manifest.form}, this version of Citywall reads {FORM}")
    return manifest


def _write(content: IO[bytes], folder: Path, member: tarfile.TarInfo) -> Piece:
    path = folder / member.name
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        while data := content.read(_CHUNK):
            digest.update(data)
            size += len(data)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return Piece(member.name, size, digest.hexdigest())


def _sound(source: Path, path: Path) -> bool:
    """Whether it is a database, and a sound one; raises InputError where it is damaged."""
    with path.open("rb") as file:
        if file.read(len(_APPLICATION)) != _APPLICATION:
            return False
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as e:
        said = str(e)
    if said != "ok":
        raise InputError(str(source), f"{path.name}: the database is damaged ({said})")
    return True
