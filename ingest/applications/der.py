"""DER and BER (X.690), as far as certificates, Kerberos, SNMP and LDAP need it: every length is checked."""

from __future__ import annotations

from typing import NamedTuple


class Broken(ValueError):
    """Not the encoding it should be."""


class Item(NamedTuple):
    """One element: its identifier byte, its contents, where those begin and end in the whole."""

    tag: int
    data: bytes
    start: int
    end: int


def item_at(data: bytes, at: int, stop: int = -1) -> Item:
    """The element at an offset; raises Broken where it does not fit."""
    stop = len(data) if stop < 0 else stop
    if at + 2 > stop:
        raise Broken("an element is cut off")
    tag, length = data[at], data[at + 1]
    start = at + 2
    if tag & 31 == 31:
        raise Broken("long tags are not known here")
    if length & 0x80:
        n = length & 0x7F
        if n == 0 or n > 4 or start + n > stop:
            raise Broken("a length is wrong")
        length = int.from_bytes(data[start : start + n], "big")
        start += n
    if start + length > stop:
        raise Broken("an element is longer than what holds it")
    return Item(tag, data[start : start + length], start, start + length)


def items(data: bytes, most: int = 4096) -> list[Item]:
    """The elements that `data` consists of."""
    out: list[Item] = []
    at = 0
    while at < len(data) and len(out) < most:
        found = item_at(data, at)
        out.append(found)
        at = found.end
    return out


def integer(data: bytes) -> int:
    """The value of an INTEGER's contents."""
    return int.from_bytes(data[:9], "big", signed=True)


def oid(data: bytes) -> str:
    """An OBJECT IDENTIFIER's contents, in dots."""
    if not data:
        raise Broken("an object identifier is empty")
    parts: list[int] = []
    value = 0
    for byte in data[:128]:
        value = value << 7 | (byte & 0x7F)
        if not byte & 0x80:
            parts.append(value)
            value = 0
    if not parts:
        raise Broken("an object identifier does not end")
    first = min(parts[0] // 40, 2)
    return ".".join(map(str, (first, parts[0] - 40 * first, *parts[1:])))
