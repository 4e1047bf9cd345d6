"""One way to write a document down as bytes, so that its digest means something.

Canonical JSON: UTF-8, keys in order of their code points, no space between, nothing escaped that need not
be; texts, whole numbers of 64 bits, true, false, null, lists and objects only (no fractions: they have no one
spelling). `jq -cS` writes the same.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from citywall import sm3

_LIMIT = 1 << 63
_encode = msgspec.json.Encoder(order="deterministic").encode


def encode(document: Any) -> bytes:
    """The bytes of a document; raises ValueError for what has no canonical form."""
    _check(document)
    return _encode(document)


def decode(data: bytes) -> Any:
    """The document whose canonical form `data` is; raises ValueError where it is nobody's, byte for byte."""
    try:
        document = msgspec.json.decode(data)
        same = _encode(document) == data
    except RecursionError as e:
        raise ValueError("is nested too deeply") from e
    if not same:
        raise ValueError("is not written in canonical form")
    return document


def digest(document: Any) -> str:
    """`sm3:` and the SM3 of a document (a msgspec struct counts as the object of its fields)."""
    return f"sm3:{sm3.hexdigest(encode(msgspec.to_builtins(document)))}"


def hashes(data: bytes) -> tuple[str, str]:
    """SM3 and SHA-256 of some bytes, in hexadecimal digits."""
    return sm3.hexdigest(data), hashlib.sha256(data).hexdigest()


def _check(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{key!r} is no name of a field")
            _check(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check(inner)
    elif isinstance(value, int):  # or a bool
        if not -_LIMIT <= value < _LIMIT:
            raise ValueError(f"{value} takes more than 64 bits")
    elif not isinstance(value, str | None):
        raise ValueError(f"{value!r} has no canonical form")
