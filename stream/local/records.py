"""The record format of the embedded log.

A segment is a run of records: XXH3 (64 bits) of all that follows, total length, offset, wall-clock timestamp
(seconds), key length and value length (-1 for none), key, value; little endian, no padding.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import xxhash

_SUM = struct.Struct("<Q")
_REST = struct.Struct("<IQdii")
HEADER = _SUM.size + _REST.size
#: A record longer than this is taken for damage.
LONGEST = 1 << 30


class Record(NamedTuple):
    """One message as it stands in the log. `size` is its length in the segment in bytes."""

    offset: int
    timestamp: float
    key: bytes | None
    value: bytes | None
    size: int


def size_of(key: bytes | None, value: bytes | None) -> int:
    """Length of a record in the segment in bytes."""
    return HEADER + len(key or b"") + len(value or b"")


def encode(offset: int, timestamp: float, key: bytes | None, value: bytes | None) -> list[bytes]:
    """The pieces of a record, in order; key and value are not copied."""
    key_length = -1 if key is None else len(key)
    value_length = -1 if value is None else len(value)
    rest = _REST.pack(size_of(key, value), offset, timestamp, key_length, value_length)
    checksum = xxhash.xxh3_64(rest)
    pieces = [rest]
    for piece in (key, value):
        if piece:
            checksum.update(piece)
            pieces.append(piece)
    pieces[0] = _SUM.pack(checksum.intdigest()) + rest
    return pieces


def length_at(data: bytes | memoryview, at: int) -> int:
    """Total length of the record whose header begins at `at`; 0 where no sound length stands there."""
    total: int
    total, _, _, key_length, value_length = _REST.unpack_from(data, at + _SUM.size)
    if total != HEADER + max(key_length, 0) + max(value_length, 0) or not HEADER <= total <= LONGEST:
        return 0
    return total if key_length >= -1 and value_length >= -1 else 0


def decode(data: bytes | memoryview, at: int, expected: int) -> Record | None:
    """The record at `at`, or None where it is cut short, damaged or not number `expected`."""
    if at + HEADER > len(data):
        return None
    total = length_at(data, at)
    if not total or at + total > len(data):
        return None
    view = memoryview(data)
    _, offset, timestamp, key_length, value_length = _REST.unpack_from(view, at + _SUM.size)
    checksum: int = _SUM.unpack_from(view, at)[0]
    if offset != expected or xxhash.xxh3_64_intdigest(view[at + _SUM.size : at + total]) != checksum:
        return None
    body = at + HEADER
    split = body + max(key_length, 0)
    return Record(
        offset,
        timestamp,
        None if key_length < 0 else bytes(view[body:split]),
        None if value_length < 0 else bytes(view[split : at + total]),
        total,
    )
