"""HPACK (RFC 7541): header lists of HTTP/2, undone within bounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ingest.applications.huffman import kernels

#: Bytes that a dynamic table may hold whatever its peer asks for, and fields of one block.
MOST_TABLE, MOST_FIELDS = 65536, 4096
#: Bytes of one block's names and values: an index names a long value in one byte.
MOST_BLOCK = 1 << 20
_DEFAULT_TABLE = 4096
_WELL_KNOWN = (
    ":authority", ":method=GET", ":method=POST", ":path=/", ":path=/index.html", ":scheme=http",
    ":scheme=https", ":status=200", ":status=204", ":status=206", ":status=304", ":status=400",
    ":status=404", ":status=500", "accept-charset", "accept-encoding=gzip, deflate", "accept-language",
    "accept-ranges", "accept", "access-control-allow-origin", "age", "allow", "authorization",
    "cache-control", "content-disposition", "content-encoding", "content-language", "content-length",
    "content-location", "content-range", "content-type", "cookie", "date", "etag", "expect", "expires",
    "from", "host", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
    "last-modified", "link", "location", "max-forwards", "proxy-authenticate", "proxy-authorization",
    "range", "referer", "refresh", "retry-after", "server", "set-cookie", "strict-transport-security",
    "transfer-encoding", "user-agent", "vary", "via", "www-authenticate",
)  # fmt: skip
_STATIC = tuple(
    (name.encode(), value.encode()) for name, _, value in (line.partition("=") for line in _WELL_KNOWN)
)


class Broken(ValueError):
    """A block that cannot be read on."""


class Field(NamedTuple):
    """A field of a block, or what stands in its place: `fault`, or a new size of the table."""

    name: bytes
    value: bytes
    fault: str = ""
    resize: int = -1
    again: bool = False  # its name came by an index of the dynamic table, not as text of its own


def huffman(data: bytes) -> bytes:
    """Huffman codes undone; what is left of the last byte is filling."""
    out = np.empty(kernels.most(len(data)), np.uint8)
    return out[: kernels.undo(np.frombuffer(data, np.uint8), out)].tobytes()


class Table:
    """The dynamic table of one direction, newest entry last."""

    def __init__(self) -> None:
        self.entries: list[tuple[bytes, bytes]] = []
        self.size = 0
        self.most = _DEFAULT_TABLE

    def limit(self, most: int) -> None:
        """The other end lets the table grow to `most` bytes."""
        self.most = min(most, MOST_TABLE)
        self._shrink(self.most)

    def _shrink(self, most: int) -> None:
        gone = 0
        while self.size > most and gone < len(self.entries):
            self.size -= 32 + sum(map(len, self.entries[gone]))
            gone += 1
        del self.entries[:gone]

    def _add(self, name: bytes, value: bytes) -> None:
        self.entries.append((name, value))
        self.size += 32 + len(name) + len(value)
        self._shrink(self.most)

    def _at(self, index: int) -> tuple[bytes, bytes] | None:
        if 1 <= index <= len(_STATIC):
            return _STATIC[index - 1]
        place = len(self.entries) - (index - len(_STATIC))
        return self.entries[place] if index and 0 <= place < len(self.entries) else None

    def fields(self, block: bytes) -> list[Field]:
        """The fields of a block; raises Broken where one is cut off."""
        found: list[Field] = []
        at = written = 0
        while at < len(block) and len(found) < MOST_FIELDS and written < MOST_BLOCK:
            field, at = self._field(block, at)
            found.append(field)
            written += len(field.name) + len(field.value)
            if field.fault == "overflow":
                break
        return found

    def _field(self, block: bytes, at: int) -> tuple[Field, int]:
        first = block[at]
        if first & 0x80:
            index, at = number(block, at, 7)
            if index < 0:
                return Field(b"", b"", "overflow"), at
            entry = self._at(index)
            if entry is None:
                return Field(b"", b"", "index"), at
            return Field(*entry, again=index > len(_STATIC)), at
        if first & 0xE0 == 0x20:
            size, at = number(block, at, 5)
            if size < 0:
                return Field(b"", b"", "overflow"), at
            self._shrink(min(size, self.most))
            self.most = min(size, MOST_TABLE)
            return Field(b"", b"", resize=size), at
        index, at = number(block, at, 6 if first & 0x40 else 4)
        if index < 0:
            return Field(b"", b"", "overflow"), at
        fault = ""
        if index:
            entry = self._at(index)
            name, fault = (entry[0], "") if entry is not None else (b"", "index")
        else:
            name, at = text(block, at)
        value, at = text(block, at)
        if first & 0x40 and not fault:
            self._add(name, value)
        return Field(name, value, fault, again=index > len(_STATIC)), at


def number(block: bytes, at: int, bits: int) -> tuple[int, int]:
    """An integer whose first byte has `bits` of it, and where it ends; -1 for one beyond 64 bits."""
    most = (1 << bits) - 1
    value = block[at] & most
    at += 1
    if value < most:
        return value, at
    shift = 0
    while True:
        if at >= len(block):
            raise Broken("a number is cut off")
        byte = block[at]
        at += 1
        if shift > 63:
            value = -1
        elif value >= 0:
            value += (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return (value if value < 1 << 64 else -1), at


def text(block: bytes, at: int) -> tuple[bytes, int]:
    """A string and where it ends."""
    if at >= len(block):
        raise Broken("a string is missing")
    coded = block[at] & 0x80
    length, at = number(block, at, 7)
    if length < 0 or at + length > len(block):
        raise Broken("a string is cut off")
    raw = block[at : at + length]
    return (huffman(raw) if coded else raw), at + length
