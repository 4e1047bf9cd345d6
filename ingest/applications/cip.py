"""Messages of the Common Industrial Protocol (ODVA volume 1, chapter 2 and appendix C) in EtherNet/IP."""

from __future__ import annotations

from typing import NamedTuple

#: Services that are looked into.
GET_LIST, SET_LIST, MULTIPLE = 3, 4, 10
#: Kinds of path segments: the upper six bits of their first byte.
CLASS, INSTANCE, ATTRIBUTE = 8, 9, 12
#: Messages in one, and attributes in a list, that are read.
_MOST_LISTED = 256


class Malformed(ValueError):
    """Not a message."""


class Cip(NamedTuple):
    """A request (`segments`: kind and value; `attributes`: those of its list), or an answer with status."""

    service: int
    answer: bool
    segments: list[tuple[int, int]]
    attributes: list[int]
    status: int
    extended: bytes
    inner: list[tuple[int, int, Cip]]  # messages in it: where, how long


def read(data: bytes, *, multiple: bool = True) -> tuple[Cip, int]:
    """The message that data begin with, and its size."""
    if not data:
        raise Malformed
    service, answer = data[0] & 0x7F, data[0] >> 7 == 1
    segments: list[tuple[int, int]] = []
    attributes: list[int] = []
    status, extended = -1, b""
    if answer:
        if len(data) < 4 or len(data) < 4 + data[3]:
            raise Malformed
        status, at = data[2], 4 + data[3]
        extended = data[4:at]
    else:
        if len(data) < 2 or len(data) < 2 + 2 * data[1]:
            raise Malformed
        at = 2 + 2 * data[1]
        segments = _path(data[2:at])
        if service == GET_LIST:
            attributes, at = _list(data, at, _number(data, at))
        elif service == SET_LIST:
            attributes, at = _list(data, at, min(_number(data, at), 1))
    inner: list[tuple[int, int, Cip]] = []
    if service == MULTIPLE and multiple:
        places, end = _list(data, at, _number(data, at))
        for place in places:
            if at + place >= len(data):
                raise Malformed
            message, size = read(data[at + place :], multiple=False)
            inner.append((at + place, size, message))
            end = at + place + size
        at = end
    return Cip(service, answer, segments, attributes, status, extended, inner), at


def _number(data: bytes, at: int) -> int:
    if at + 2 > len(data):
        raise Malformed
    return int.from_bytes(data[at : at + 2], "little")


def _list(data: bytes, at: int, count: int) -> tuple[list[int], int]:
    """Numbers behind their count, as many as are read, and where they end."""
    end = at + 2 + 2 * count
    if end > len(data):
        raise Malformed
    most = min(count, _MOST_LISTED)
    return [int.from_bytes(data[i : i + 2], "little") for i in range(at + 2, at + 2 + 2 * most, 2)], end


def _path(data: bytes) -> list[tuple[int, int]]:
    found = []
    at = 0
    while at < len(data):
        kind = data[at]
        size = (1, 3, 5, 0)[kind & 3]  # a byte; two or four behind one that fills up
        if kind >> 5 != 1 or not size or at + 1 + size > len(data):
            raise Malformed
        found.append((kind >> 2, int.from_bytes(data[at + 1 + (size > 1) : at + 1 + size], "little")))
        at += 1 + size
    return found
