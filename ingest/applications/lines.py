"""Lines of text, as several protocols have them."""

from __future__ import annotations

from ingest.applications.parser import Stream

#: Bytes of a line that are kept; longer ones are told cut.
MOST_LINE = 1 << 14
#: Bytes within which the end of a line is waited for; without it what is left of the line is passed over.
MOST_WAITED = 1 << 16


def line_end(stream: Stream) -> int:
    """Where the next line ends: at its line feed, or where it became too long; -1 where it is not whole.

    What is left of one too long is passed over first.
    """
    if stream.passing:
        end = stream.data.find(b"\n")
        stream.drop(end + 1 if end >= 0 else len(stream.data))
        stream.passing = end < 0
        stream.need = 1
    end = stream.data.find(b"\n", 0, MOST_WAITED)
    if end >= 0 or len(stream.data) < MOST_WAITED:
        return end
    stream.passing = True
    return MOST_WAITED - 1


def take_line(stream: Stream) -> tuple[bytes, int, int] | None:
    """The next line without its end, the frame and the time with which it was whole; None where it is not."""
    end = line_end(stream)
    if end < 0:
        stream.need = len(stream.data) + 1
        return None
    line = bytes(stream.data[: min(end, MOST_LINE)]).rstrip(b"\r")
    frame, time = stream.mark(end + 1)
    stream.drop(end + 1)
    stream.need = 1
    return line, frame, time
