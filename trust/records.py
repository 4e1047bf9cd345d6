"""One line of the audit log: a numbered record, chained to the one before by SM3 and SHA-256.

A line is the canonical JSON (:mod:`citywall.canonical`) of a :class:`Record` and a newline. `sm3` and
`sha256` are those of the canonical JSON of all other fields, `previous_…` among them; before the first
record they are zeros. Docs: `docs/audit.md`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from citywall import canonical
from citywall.permissions import Identity

VERSION = 1
#: What the first record has for the hashes of its predecessor.
ZEROS = "0" * 64
#: Longest line, in bytes: what a damaged file can make a reader hold.
MAX_LINE = 1 << 16
MAX_TEXT = 1024

# Records that the log writes about itself.
OPENED = "audit.opened"
MENDED = "audit.mended"
ANCHOR = "audit.anchor"
#: Who is said to have done what the log does by itself.
SYSTEM = Identity("citywall", ("system",))

Outcome = Literal["done", "refused", "failed"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be recorded. `before` and `after` are digests (`sm3:…`) of the object, if there was one.

    `reason` is a code (a refusal's) or a short text. `detail` has a canonical form, and never a secret.
    """

    who: str
    role: str
    via: str = ""
    action: str
    object: str
    outcome: Outcome = "done"
    reason: str = ""
    before: str = ""
    after: str = ""
    detail: dict[str, Any] = {}


class Record(Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry with its number (from 1), time (ISO 8601, UTC, ns) and hashes."""

    v: int = VERSION
    n: int
    time: str
    previous_sm3: str
    previous_sha256: str
    sm3: str
    sha256: str

    @property
    def head(self) -> Head:
        """What the next record is chained to."""
        return Head(self.n, self.sm3, self.sha256)


class Head(msgspec.Struct, frozen=True):
    """The end of a chain: number and hashes of its last record."""

    n: int = 0
    sm3: str = ZEROS
    sha256: str = ZEROS


def chained(entry: Entry, head: Head, now: int) -> tuple[Record, bytes]:
    """The record that follows `head`, and its line. `now` is in ns.

    Texts are cut to `MAX_TEXT`. Raises ValueError where the detail has no canonical form or is too long.
    """
    fields = {name: _tidy(value) for name, value in msgspec.structs.asdict(entry).items()}
    fields |= {
        "v": VERSION, "n": head.n + 1, "time": iso(now),
        "previous_sm3": head.sm3, "previous_sha256": head.sha256,
    }  # fmt: skip
    fields["sm3"], fields["sha256"] = canonical.hashes(canonical.encode(fields))
    line = canonical.encode(fields) + b"\n"
    if len(line) > MAX_LINE:
        raise ValueError(f"the record would take {len(line)} bytes, {MAX_LINE} is most")
    return msgspec.convert(fields, Record), line


def read(line: bytes) -> Record:
    """The record of a line (with or without its newline); raises ValueError(reason) where it is not sound.

    Sound means: written as we write it, byte for byte, and with its own hashes. Its place in the chain is
    not looked at.
    """
    line = line.removesuffix(b"\n")
    try:
        fields = canonical.decode(line)
        record = msgspec.convert(fields, Record)
    except ValueError as e:  # msgspec's errors are ValueErrors
        raise ValueError(f"is no record ({e})") from e
    own = (fields.pop("sm3"), fields.pop("sha256"))
    if canonical.hashes(canonical.encode(fields)) != own:
        raise ValueError("does not have the hashes it states")
    return record


def iso(time: int) -> str:
    """Nanoseconds since the epoch as records write them; texts of this form sort as times do."""
    seconds, rest = divmod(time, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _tidy(value: Any) -> Any:
    if isinstance(value, str):
        text = value.encode("utf-8", "backslashreplace").decode("utf-8")
        return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."
    if isinstance(value, dict):
        return {_tidy(key): _tidy(inner) for key, inner in value.items()}
    return [_tidy(inner) for inner in value] if isinstance(value, list | tuple) else value
