"""What a crash left of a line, and the record that says so."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from citywall import sm3
from trust.chain import Line
from trust.records import MAX_LINE, MENDED, Record

_PIECE = 1 << 20
#: Something that is longer was not left by a write cut short.
_LONGEST = 16 * MAX_LINE
#: What a mend closes the line with: a record that lacked its newline only must not count after all.
CLOSING = b" #cut short\n"


def torn_from(path: Path, offset: int) -> bytes | None:
    """The bytes of a file from `offset`, where writes cut short can have left them; else None.

    That is the beginning of a line, and perhaps of mends of it, each begun on a line of its own. No
    beginning of a record is JSON by itself, so a whole line that is was changed by somebody.
    """
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(_LONGEST + 1)
    *closed, last = data.split(b"\n")
    torn = bool(last) or data.endswith(CLOSING)
    return data if torn and len(data) <= _LONGEST and not any(map(_is_json, closed)) else None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    return True


def is_mended(start: Line, end: Line, record: Record) -> bool:
    """Whether `record`, at `end`, names the bytes from `start` to itself, and they are as it says."""
    told = record.detail
    if record.action != MENDED or start.path != end.path:
        return False
    length = end.offset - start.offset
    if (told.get("offset"), told.get("bytes")) != (start.offset, length):
        return False
    first, second = sm3.new(), hashlib.sha256()
    with start.path.open("rb") as file:
        file.seek(start.offset)
        while length and (piece := file.read(min(length, _PIECE))):
            first.update(piece)
            second.update(piece)
            length -= len(piece)
    return (told.get("sm3"), told.get("sha256")) == (first.hexdigest(), second.hexdigest())
