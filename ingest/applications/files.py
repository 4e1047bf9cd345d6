"""Files that passed: their bytes, name, size and hashes become buffers of their transaction."""

from __future__ import annotations

import hashlib

from ingest.applications.parser import Transaction

_HASHES = {f"file.{name}": getattr(hashlib, name) for name in ("md5", "sha1", "sha256")}


def put_file(
    transaction: Transaction,
    direction: int,
    frame: int,
    data: bytes,
    *,
    name: bytes = b"",
    size: int = -1,
    complete: bool = True,
    hashes: bool = True,
    part: int = 0,
) -> None:
    """A file ended at `frame`: `data` is what was kept of its `size` bytes."""
    size = len(data) if size < 0 else size
    complete = complete and size == len(data)
    if data:
        transaction.put("file.data", direction, frame, data, part)
    if name:
        transaction.put("file.name", direction, frame, name, part)
    transaction.note("file.size", direction, frame, size, part)
    transaction.note("file.complete", direction, frame, int(complete), part)
    if complete and hashes:
        for kind, digest_of in _HASHES.items():
            if kind in transaction.kinds:
                digest = digest_of(data, usedforsecurity=False).hexdigest().encode()
                transaction.put(kind, direction, frame, digest, part)
