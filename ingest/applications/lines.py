"""Lines of text, as several protocols have them."""

from __future__ import annotations

from ingest.applications.parser import Stream

#: Bytes of a line that are kept; longer ones are told cut.
MOST_LINE = 1 << 14


def take_line(stream: Stream) -> tuple[bytes, int, int] | None:
    """The next line without its end, the frame and the time with which it was whole; None where it is not."""
    end = stream.data.find(b"\n")
    if end < 0:
        stream.need = len(stream.data) + 1
        return None
    line = bytes(stream.data[: min(end, MOST_LINE)]).rstrip(b"\r")
    frame, time = stream.mark(end + 1)
    stream.drop(end + 1)
    stream.need = 1
    return line, frame, time
