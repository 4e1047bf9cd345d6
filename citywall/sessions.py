"""Sessions: one input, its settings, its identity.

A run over files is a session a file; live capture is one session a sensor. The id is a digest of the
input and of every setting that changes results, so a second run over the same file gives the same
alert ids. Files are identified by size and sampled content (first and last MiB and 256 pages between):
hashing every byte would cost more than decoding them.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from citywall.errors import InputError

#: The kind of a session of live traffic: its packets' times are times of receipt, and nobody knows its end.
LIVE = "live"
_EDGE = 1 << 20
_PAGE = 4096
_SAMPLES = 256


class Session(msgspec.Struct, frozen=True):
    """One input as the stream knows it. `received_at` is wall-clock ns, stamped once at entry."""

    id: str
    kind: str  # "capture", "flowlog", "sensor": a capture that comes with its bytes, or LIVE
    path: str
    size: int
    lane: str
    received_at: int
    vlans: dict[str, str] = {}  # network domains of its own, as `citywall.domains` has them; "0": no VLAN


def file_digest(path: Path) -> str:
    """Digest of a file's size and sampled content; raises InputError where it cannot be read."""
    h = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as f:
            size = os.fstat(f.fileno()).st_size
            h.update(size.to_bytes(8, "little"))
            if size <= 2 * _EDGE + _SAMPLES * _PAGE:
                h.update(f.read())
            else:
                h.update(f.read(_EDGE))
                step = (size - 2 * _EDGE) // _SAMPLES
                for i in range(_SAMPLES):
                    f.seek(_EDGE + i * step)
                    h.update(f.read(_PAGE))
                f.seek(size - _EDGE)
                h.update(f.read(_EDGE))
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from e
    return h.hexdigest()


def session_id(kind: str, lane: str, content: str, settings: str) -> str:
    """The session's id from its kind, lane, content digest and digest of result-changing settings."""
    text = f"{kind}\0{lane}\0{content}\0{settings}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
