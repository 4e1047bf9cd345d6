"""Rule files read once: what came of them is kept under a digest of all that it depends on."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from citywall import __version__
from citywall.errors import InputError, NotSaved
from citywall.kernelcache import base_folder
from rules import saved
from rules.language.parser import Parser, RuleSet
from rules.sets.choices import Choice
from rules.sets.loading import load

log = logging.getLogger(__name__)
_DIGEST = 32
#: Sets that are kept; the ones used longest ago go.
_MOST = 16


def read(
    files: Sequence[Path],
    addresses: Mapping[str, str],
    ports: Mapping[str, str],
    classes: Mapping[str, int],
    folder: Path | None = None,
    *,
    names: Sequence[str] | None = None,
    choices: Sequence[Choice] = (),
) -> RuleSet:
    """The rules of files, kept or read anew; raises InputError for a file that cannot be read.

    `names` are those that the files are told under, `choices` what is switched on and off of them.

    What is kept is used only where its own digest is right; it is msgpack, so the worst that a changed file
    can do is not to be rules.
    """
    folder = folder or base_folder() / "rules"
    named = list(zip(map(str, files) if names is None else names, files, strict=True))
    path = folder / f"{_key(named, addresses, ports, classes, choices)}.rules"
    try:
        return _kept(path)
    except (OSError, NotSaved) as e:
        log.debug("%s: %s", path, e)
    found = load(Parser(addresses, ports, classes), named, choices)
    try:
        _keep(path, saved.pack(found))
    except (OSError, NotSaved) as e:
        log.debug("%s: not kept: %s", path, e)
    return found


def _key(
    files: Sequence[tuple[str, Path]], addresses: Mapping[str, str], ports: Mapping[str, str],
    classes: Mapping[str, int], choices: Sequence[Choice],
) -> str:  # fmt: skip
    digest = hashlib.sha256(__version__.encode())
    digest.update(saved.digest_of_sources())
    digest.update(msgspec.msgpack.encode([sorted(m.items()) for m in (addresses, ports, classes)]))
    digest.update(msgspec.msgpack.encode(choices))
    for name, file in files:
        try:
            data = file.read_bytes()
        except OSError as e:
            raise InputError(str(file), e.strerror or str(e)) from e
        digest.update(msgspec.msgpack.encode([name, hashlib.sha256(data).digest()]))
    return digest.hexdigest()


def _kept(path: Path) -> RuleSet:
    raw = path.read_bytes()
    data = raw[_DIGEST:]
    if hashlib.sha256(data).digest() != raw[:_DIGEST]:
        raise NotSaved("the digest is wrong")
    found = saved.unpack(data)
    path.touch()
    return found


def _keep(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(hashlib.sha256(data).digest() + data)
    part.replace(path)
    known = sorted(path.parent.glob("*.rules"), key=lambda kept: kept.stat().st_mtime)
    for old in known[:-_MOST]:
        old.unlink(missing_ok=True)
