"""The folder of rules: versions side by side, of which one counts.

`versions/N/` holds what version N is made of: `signatures/*.rules`, `indicators/*`, `sigma/**.yml` and
`version.json`. Files that did not change from one version to the next are one file with two names. `current`
names the version that counts; it is replaced at once, so that a reader sees the old one or the new one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from citywall.errors import DataFolderError, UsageError
from citywall.rulesettings import CURRENT
from rules.sets.choices import Choice

SIGNATURES, INDICATORS, SIGMA = "signatures", "indicators", "sigma"
KINDS = (SIGNATURES, INDICATORS, SIGMA)
_NOTE = "version.json"
T = TypeVar("T")
#: Versions that are kept.
KEPT = 10


class Version(msgspec.Struct, frozen=True):
    """A version: what it came from, its files with their SHA-256, and what is switched on and off."""

    number: int
    origin: str
    files: dict[str, str]
    choices: tuple[Choice, ...] = ()

    @property
    def digest(self) -> str:
        """Of everything in it."""
        body = msgspec.json.encode((sorted(self.files.items()), self.choices))
        return hashlib.sha256(body).hexdigest()


class Current(msgspec.Struct, frozen=True):
    """What `current` says. `audited`: the number of the audit record that was written before it counted."""

    number: int
    digest: str
    audited: int = 0


class RuleFolder:
    """A folder of rules; `path` need not be there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __bool__(self) -> bool:
        return (self.path / CURRENT).is_file()

    def stamp(self) -> tuple[int, int]:
        """Changes whenever another version counts; cheap."""
        try:
            told = (self.path / CURRENT).stat()
        except OSError:
            return 0, 0
        return told.st_mtime_ns, told.st_ino

    def current(self) -> Version:
        """The version that counts; raises UsageError for none, DataFolderError for a broken one."""
        if not self:
            raise UsageError(f"{self.path} holds no rules yet: `citywall rules update FROM` puts some there")
        return self.version(self._read(self.path / CURRENT, Current).number)

    def version(self, number: int) -> Version:
        """One version, as the folder has it."""
        return self._read(self.home(number) / _NOTE, Version)

    def numbers(self) -> list[int]:
        """The versions that are kept, the oldest first."""
        folder = self.path / "versions"
        return sorted(int(p.name) for p in folder.glob("*") if p.name.isdigit()) if folder.is_dir() else []

    def home(self, number: int) -> Path:
        """Where the files of a version are."""
        return self.path / "versions" / str(number)

    def files(self, version: Version, kind: str) -> list[Path]:
        """The files of one kind, in order."""
        names = sorted(name for name in version.files if name.startswith(f"{kind}/"))
        return [self.home(version.number) / name for name in names]

    def put(self, contents: Mapping[str, bytes], origin: str, *, keep: bool = True) -> Version:
        """A new version with other files, and the choices there are; it does not count yet (`use`).

        With `keep` files that are not in `contents` stay; else only those of kinds that are not in it.
        """
        if not self:
            return self._make(contents, origin, ())
        known = self.current()
        kinds = {name.partition("/")[0] for name in contents}
        stay = [name for name in known.files if keep or name.partition("/")[0] not in kinds]
        return self._make({**dict.fromkeys(stay), **contents}, origin, known.choices)

    def choose(self, choices: tuple[Choice, ...], origin: str) -> Version:
        """A new version of the same files with other choices; it does not count yet."""
        known = self.current()
        return self._make(dict.fromkeys(known.files), origin, choices)

    def _make(
        self, contents: Mapping[str, bytes | None], origin: str, choices: tuple[Choice, ...]
    ) -> Version:
        before = self.current() if self else None
        number = max(self.numbers(), default=0) + 1
        home = self.home(number)
        digests: dict[str, str] = {}
        try:
            home.mkdir(parents=True)
        except (
            OSError
        ) as e:  # also where somebody else makes a version just now: theirs is not ours to remove
            raise DataFolderError(f"{self.path}: rules cannot be written: {e.strerror or e}") from e
        try:
            for name, data in sorted(contents.items()):
                digests[name] = self._write(home / name, name, data, before)
            version = Version(number, origin, digests, choices)
            _durably(home / _NOTE, lambda path: path.write_bytes(msgspec.json.encode(version)))
        except OSError as e:
            shutil.rmtree(home, ignore_errors=True)
            raise DataFolderError(f"{self.path}: rules cannot be written: {e.strerror or e}") from e
        return version

    def _write(self, path: Path, name: str, data: bytes | None, before: Version | None) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        known = before.files.get(name, "") if before is not None else ""
        digest = known if data is None else hashlib.sha256(data).hexdigest()
        if before is not None and known == digest:
            try:
                path.hardlink_to(self.home(before.number) / name)
            except OSError:  # a file system without second names
                shutil.copyfile(self.home(before.number) / name, path)
        elif data is not None:
            path.write_bytes(data)
        return digest

    def use(self, version: Version, audited: int = 0) -> None:
        """From now on this version counts; the oldest ones beyond KEPT go."""
        told = msgspec.json.encode(Current(version.number, version.digest, audited))
        try:
            _durably(self.path / CURRENT, lambda path: path.write_bytes(told))
        except OSError as e:
            raise DataFolderError(f"{self.path}: rules cannot be written: {e.strerror or e}") from e
        for number in [n for n in self.numbers() if n != version.number][: -(KEPT - 1)]:
            shutil.rmtree(self.home(number), ignore_errors=True)

    def drop(self, version: Version) -> None:
        """Take back a version that never counted."""
        shutil.rmtree(self.home(version.number), ignore_errors=True)

    def _read(self, path: Path, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except OSError as e:
            raise DataFolderError(f"{path}: {e.strerror or e}") from e
        except (msgspec.MsgspecError, UnicodeDecodeError) as e:
            raise DataFolderError(f"{path} was changed: {e}") from e


def _durably(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file so that it is there whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    write(part)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
