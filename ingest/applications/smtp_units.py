"""Units of SMTP: lines of commands and replies, and a mail, which is told as it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingest.applications.tables import TO_CLIENT, TO_SERVER

if TYPE_CHECKING:
    from ingest.applications.smtp import Smtp

#: Bytes of a mail that are told together, at the least; with `inline` those before what is new.
LEAST = 2500


def line(parser: Smtp, direction: int, frame: int, data: bytes) -> None:
    """A line with its end. Suricata marks a command twice, with its end and without."""
    if direction == TO_CLIENT:
        parser.unit("smtp.response_line", direction, frame, data)
        return
    parser.unit("smtp.command_line", direction, frame, data)
    end = 2 if data[-2:-1] == b"\r" else 1
    parser.unit("smtp.command_line", direction, frame, data[:-end])


def mail_begins(parser: Smtp) -> None:
    """A mail begins with what comes now."""
    parser.grown = parser.streams[TO_SERVER].base
    parser.untold.clear()
    parser.told = 0


def mail(parser: Smtp, upto: int, *, over: bool = False) -> None:
    """The mail goes on, or ends, with the first `upto` bytes that are there, each told with its frame.

    So Suricata looks at a unit whose length is not known: at bytes that it did not look at yet, once there
    are enough of them. With `inline` it looks at whatever came, and again at some of what was before.
    """
    stream, untold = parser.streams[TO_SERVER], parser.untold
    at = parser.grown - stream.base
    parser.grown = stream.base + upto
    while at < upto:
        end = min(stream.together(at + 1), upto)
        untold += stream.data[at:end]
        at = end
        whole = over and at == upto
        if whole or parser.settings.inline or len(untold) >= LEAST:
            _tell(parser, stream.frame(at), whole=whole)


def mail_breaks_off(parser: Smtp, frame: int) -> None:
    """The connection ended within a mail."""
    if parser.untold and not parser.settings.inline:
        _tell(parser, frame, whole=True)


def _tell(parser: Smtp, frame: int, *, whole: bool) -> None:
    untold = parser.untold
    parser.unit("smtp.data", TO_SERVER, frame, bytes(untold), parser.told)
    seen = parser.told + len(untold)
    kept = 0
    if parser.settings.inline and not whole:
        kept = LEAST if seen >= LEAST else len(untold)
    gone = max(len(untold) - kept, 0)
    parser.told += gone
    del untold[:gone]
