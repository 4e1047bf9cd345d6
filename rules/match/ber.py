"""`asn1`: objects of BER in a buffer, and what is oversized about them.

Objects are read one behind the other until one is damaged or cut off; that one counts no more. What is inside
of sequences and sets is looked at, too. Values are not judged, but for a bit string's count of bits.
"""

from __future__ import annotations

from typing import NamedTuple

from rules.language.model import Asn1

#: Objects in a buffer, and how deep one may be in others.
MOST = 256
_BIT_STRING, _REAL, _SEQUENCE, _SET = 3, 9, 16, 17


class _Object(NamedTuple):
    """`plain`: universal and primitive. `size`: as its head says, 0 for one that is closed by a mark."""

    tag: int
    plain: bool
    size: int
    content: bytes
    inside: tuple[_Object, ...] = ()


def meets(op: Asn1, data: bytes, last: int) -> bool:
    """Whether an object of `data` is as an `asn1` demands; `last` is where the last match ended."""
    at = op.offset + (last if op.relative else 0)
    if not 0 <= at < min(len(data), 1 << 16):
        return False
    found: list[_Object] = []
    while at < len(data):
        if len(found) >= MOST:
            return False
        read = _read(data, at, len(data), MOST)
        if read is None:
            break
        at, one = read
        found.append(one)
    return any(_odd(op, one) for one in found)


def _odd(op: Asn1, one: _Object) -> bool:
    if op.longest is not None and max(one.size, len(one.content)) > op.longest:
        return True
    if one.plain and one.size:
        if op.bits and one.tag == _BIT_STRING and one.content[0] > 8 * one.size:
            return True
        if op.double and one.tag == _REAL and one.content[0] & 0xC0 == 0 and one.size > 256:
            return True
    return any(_odd(op, other) for other in one.inside)


def _read(data: bytes, at: int, end: int, depth: int) -> tuple[int, _Object] | None:
    """An object and where the next begins; None where it is none."""
    head = _head(data, at, end)
    if head is None or depth == 0:
        return None
    at, tag, form, size = head
    universal, built = form >> 6 == 0, bool(form & 0x20)
    if size < 0:
        return _open(data, at, end, depth, tag) if universal and built else None
    if size > end - at:
        return None
    content, inside, stop = data[at : at + size], list[_Object](), at + size
    if universal and built:
        if tag not in {_SEQUENCE, _SET}:
            return None
        while at < stop:
            read = _read(data, at, stop, depth - 1)
            if read is None:
                return None
            at, one = read
            inside.append(one)
    return stop, _Object(tag, universal and not built, size, content, tuple(inside))


def _open(data: bytes, at: int, end: int, depth: int, tag: int) -> tuple[int, _Object] | None:
    """An object that a mark closes."""
    inside: list[_Object] = []
    begin = at
    while data[at : at + 2] != b"\0\0" or at + 2 > end:
        read = _read(data, at, end, depth - 1)
        if read is None:
            return None
        at, one = read
        inside.append(one)
    return at + 2, _Object(tag, False, 0, data[begin:at], tuple(inside))


def _head(data: bytes, at: int, end: int) -> tuple[int, int, int, int] | None:
    """Where the content begins, the tag, its first byte, and the size, -1 where a mark closes it."""
    if at + 2 > end:
        return None
    form = data[at]
    tag, at = form & 0x1F, at + 1
    if tag == 0x1F:
        tag = 0
        while at < end and data[at] & 0x80 and tag >> 25 == 0:
            tag, at = tag << 7 | data[at] & 0x7F, at + 1
        if at >= end or data[at] & 0x80:
            return None
        tag, at = tag << 7 | data[at], at + 1
    if at >= end:
        return None
    size, at = data[at], at + 1
    if size < 0x80:
        return at, tag, form, size
    count = size & 0x7F
    if count == 0:
        return at, tag, form, -1
    if count > 8 or at + count > end:
        return None
    return at + count, tag, form, int.from_bytes(data[at : at + count], "big")
