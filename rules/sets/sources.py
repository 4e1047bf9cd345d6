"""What an update brings: a file, a folder or an archive, sorted by what each file in it is."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from citywall.errors import InputError
from rules.indicators import reading
from rules.sets.folder import INDICATORS, SIGMA, SIGNATURES

#: Bounds of what is taken in: bytes of all files, and files.
LARGEST = 1 << 30
MOST_FILES = 100_000
_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
#: Files that come with rules and are none.
_ASIDE = frozenset({"sid-msg.map", "classification.config", "reference.config", "gen-msg.map", "license",
                    "readme", "changelog", "threshold.config", "suricata.yaml", "version"})  # fmt: skip


def contents(path: Path) -> dict[str, bytes]:
    """Files of an update by their name in a version; raises InputError."""
    found: dict[str, bytes] = {}
    size = 0
    try:
        for name, data in _files(path):
            kind = kind_of(name)
            size += len(data)
            if size > LARGEST or len(found) >= MOST_FILES:
                raise InputError(str(path), f"more than {LARGEST >> 20} MiB or {MOST_FILES} files of rules")
            if kind:
                found[f"{kind}/{_safe(name)}"] = data
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as e:
        raise InputError(str(path), f"cannot be read: {e}") from e
    if not found:
        raise InputError(str(path), "there are no rules in it (.rules, .yml, lists of indicators)")
    return found


def kind_of(name: str) -> str:
    """Which kind of rules a file holds, by its name; empty for others."""
    pure = PurePosixPath(name)
    if pure.name.startswith(".") or pure.name.lower() in _ASIDE or pure.stem.lower() in _ASIDE:
        return ""
    if pure.suffix == ".rules":
        return SIGNATURES
    if pure.suffix in {".yml", ".yaml"}:
        return SIGMA
    return INDICATORS if pure.suffix.lower() in reading.SUFFIXES else ""


def _safe(name: str) -> str:
    """A name below our folder, whatever an archive says; the folders of Sigma rules stay."""
    parts = [part for part in PurePosixPath(name).parts if part not in {"/", "..", "."}]
    return "/".join(parts) if kind_of(name) == SIGMA else parts[-1]


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    name = path.name.lower()
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if kind_of(file.name) and file.is_file():
                yield file.relative_to(path).as_posix(), file.read_bytes()
    elif name.endswith(_TARS):
        yield from _tar(path.read_bytes())
    elif name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.is_dir() and entry.file_size <= LARGEST and kind_of(entry.filename):
                    yield entry.filename, archive.read(entry)
    elif name.endswith(".gz"):
        with gzip.open(path) as packed:
            yield path.name[:-3], packed.read(LARGEST + 1)
    else:
        yield path.name, path.read_bytes()


def _tar(data: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for entry in archive:
            if entry.isfile() and entry.size <= LARGEST and kind_of(entry.name):
                file = archive.extractfile(entry)
                assert file is not None
                yield entry.name, file.read()
