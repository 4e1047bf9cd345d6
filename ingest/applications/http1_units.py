"""Requests and answers of HTTP/1 as units: their bytes as they came, from the first to the last."""

from __future__ import annotations

from ingest.applications.parser import Parser, Stream
from ingest.applications.tables import TO_SERVER

#: Bytes of a unit that are kept.
MOST_UNIT = 1 << 20


class Kept(Stream):
    """A stream of which what was used up is kept until a unit of it is told."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        super().__init__()
        self.used = bytearray()

    def drop(self, n: int) -> None:
        """The first `n` bytes are used up."""
        self.used += self.data[: min(n, MOST_UNIT - len(self.used))]
        super().drop(n)


def tell(parser: Parser, stream: Stream, d: int, frame: int) -> None:
    """A request or an answer is whole."""
    if isinstance(stream, Kept):
        parser.unit("http.request" if d == TO_SERVER else "http.response", d, frame, bytes(stream.used))
        stream.used.clear()
