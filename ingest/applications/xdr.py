"""External data representation (RFC 4506): what remote procedure calls are written in."""

from __future__ import annotations


class Short(ValueError):
    """Data end before what they announce."""


class Xdr:
    """Reads one thing behind the other."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def skip(self, size: int) -> None:
        """Pass over bytes."""
        self.at += size
        if self.at > len(self.data):
            raise Short

    def number(self, size: int = 4) -> int:
        """An unsigned number of so many bytes."""
        at = self.at
        self.skip(size)
        return int.from_bytes(self.data[at : self.at], "big")

    def opaque(self, most: int = 1 << 20) -> bytes:
        """Bytes behind their length, filled up to a multiple of four; more than `most` is refused."""
        size = self.number()
        if size > most:
            raise Short
        at = self.at
        self.skip(size)
        self.at = min(self.at + (-size & 3), len(self.data))  # the last one's filling may be missing
        return self.data[at : at + size]

    def words(self, most: int = 64) -> None:
        """Pass over a list of numbers behind its length."""
        count = self.number()
        if count > most:
            raise Short
        self.skip(4 * count)
