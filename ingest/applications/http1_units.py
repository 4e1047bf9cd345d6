"""Requests and answers of HTTP/1 as units: their bytes as they came, from the first to the last."""

from __future__ import annotations

from ingest.applications.parser import Parser, Stream
from ingest.applications.tables import TO_SERVER

#: Bytes of a unit that are kept.
MOST_UNIT = 1 << 20


class Kept(Stream):
    """A stream of which what was used up is kept until a unit of it is told."""

    __slots__ = ("torn", "used")

    def __init__(self) -> None:
        super().__init__()
        self.used = bytearray()
        self.torn = False  # bytes were lost of the unit, and not of a body in it

    def drop(self, n: int) -> None:
        """The first `n` bytes are used up."""
        self.used += self.data[: min(n, MOST_UNIT - len(self.used))]
        super().drop(n)


def torn(stream: Stream, beside: bool = True) -> None:
    """Bytes were lost, `beside` bodies or not: what stands around such is no unit."""
    if isinstance(stream, Kept):
        stream.torn |= beside


def tell(parser: Parser, stream: Stream, d: int, frame: int) -> None:
    """A request or an answer is whole."""
    if isinstance(stream, Kept):
        if not stream.torn:
            parser.unit("http.request" if d == TO_SERVER else "http.response", d, frame, bytes(stream.used))
        stream.used.clear()
        stream.torn = False
