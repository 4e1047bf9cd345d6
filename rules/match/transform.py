"""Transforms of buffers. Each takes bytes and gives bytes; None where there is nothing left to look at."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rules.expressions import Search, compiled
from rules.language.model import Transform
from rules.match.base64 import decode

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_SPACES = re.compile(rb"[ \t\n\v\f\r]+")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})|\+")


def changed(data: bytes, transforms: Sequence[Transform]) -> bytes:
    """`data` after all transforms in order."""
    for transform in transforms:
        data = _TRANSFORMS[transform.name](data, *transform.arguments)
    return data


def _url(data: bytes) -> bytes:
    return _PERCENT.sub(lambda m: bytes([int(m[1], 16)]) if m[1] else b" ", data)


def _xor(data: bytes, key: bytes) -> bytes:
    full = key * (len(data) // len(key) + 1)
    return bytes(a ^ b for a, b in zip(data, full, strict=False))


@lru_cache(maxsize=1024)
def _expression(expression: bytes) -> Search:
    return compiled(expression, "")


def _group(data: bytes, expression: bytes) -> bytes:
    spans = _expression(expression)(data, 0)
    if spans is None or len(spans) < 2 or spans[1][0] < 0:
        return b""
    return data[spans[1][0] : spans[1][1]]


def _base64(data: bytes, count: int, offset: int, mode: str) -> bytes:
    part = data[offset : offset + count] if count else data[offset:]
    return decode(part, mode)


def _inflate(data: bytes, most: int, *, bits: int) -> bytes:
    try:
        return zlib.decompressobj(bits).decompress(data, most)
    except zlib.error:
        return b""


def _lower_names(data: bytes) -> bytes:
    lines = data.split(b"\n")
    return b"\n".join(
        name.lower() + colon + value for name, colon, value in (line.partition(b":") for line in lines)
    )


def _no_pseudo(data: bytes) -> bytes:
    return b"".join(line for line in data.splitlines(keepends=True) if not line.startswith(b":"))


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def _registered(data: bytes, more: int) -> bytes:
    """The public suffix of a name and `more` labels before it; nothing of a name that is but a suffix."""
    name = data.removesuffix(b".")
    labels = name.split(b".")
    suffix = _suffixes().publicsuffix(name.decode("latin-1"))
    size = len(suffix.split(".")) if suffix else len(labels)
    return b".".join(labels[-size - more :]) if len(labels) > size else b""


def _slice(data: bytes, start: int, count: int | None = None) -> bytes:
    begin = start if start >= 0 else max(0, len(data) + start)
    if count is None:
        return data[begin:]
    return data[begin : begin + count] if count >= 0 else data[begin : len(data) + count]


_TRANSFORMS: dict[str, Callable[..., Any]] = {
    "strip_whitespace": lambda data: _SPACES.sub(b"", data),
    "compress_whitespace": lambda data: _SPACES.sub(lambda m: m[0][:1], data),
    "to_lowercase": bytes.lower,
    "to_uppercase": bytes.upper,
    "to_md5": lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    "to_sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "to_sha256": lambda data: hashlib.sha256(data).digest(),
    "dotprefix": lambda data: b"." + data,
    "url_decode": _url,
    "header_lowercase": _lower_names,
    "strip_pseudo_headers": _no_pseudo,
    "domain": lambda data: _registered(data, 1),
    "tld": lambda data: _registered(data, 0),
    "xor": _xor,
    "pcrexform": _group,
    "from_base64": _base64,
    "gunzip": lambda data, most: _inflate(data, most, bits=31),
    "zlib_deflate": lambda data, most: _inflate(data, most, bits=15),
    "subslice": _slice,
}
