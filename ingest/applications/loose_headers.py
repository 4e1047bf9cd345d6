"""Fields of an HTTP/1 answer whose lines end or go on in strange ways, read as libhtp reads them.

Browsers bear much: a line may end with a bare CR, go on behind a blank or a zero byte, and a line that goes
on may be a field of its own. `headers.parse` reads what is in order; this is slow and reads the rest.
"""

from __future__ import annotations

import re

from ingest.applications.headers import Field

_BLANK = b" \t\r\n\v\f"
_FOLDS = b" \t\0"
#: Lines that one field may go on over.
MOST_FOLDS = 128
_NAMED = re.compile(rb"[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*:")
_OPEN_NAME = re.compile(rb"[ \t]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*)?(?::[ \t]*)?\Z")
_STRANGE = re.compile(rb"\r(?!\n)|\n[ \t\0\r]")
# A name and what follows it up to a colon; lines that go on with a blank are of it.
_TO_COLON = re.compile(rb"[^:\r\n]*+(?:(?:\r\n?|\n) [^:\r\n]*+)*+:")
_END = re.compile(rb"[\r\n]")


class _MoreError(Exception):
    """The bytes end before it is known what they mean."""


def is_strange(block: bytes) -> bool:
    """Whether a block, from behind its first line, has line ends that `headers.parse` does not know."""
    return _STRANGE.search(block) is not None


def parse(data: bytes, at: int) -> tuple[list[Field], bool, int] | None:
    """Fields from `at` to the end of the head, whether each had a colon, and where the head ends.

    None where more bytes are needed.
    """
    fields: list[Field] = []
    sound = True
    if data.startswith((b"\r\n", b"\n"), at):
        return fields, sound, at + _line_end(data, at)
    try:
        while True:
            colon = _colon(data, at)
            if colon >= 0:
                name = data[at:colon].strip(_BLANK)
                value, at = _value(data, _past_blanks(data, colon + 1))
            else:
                sound, name = False, b""
                value, at = _value(data, at)
            key = name.lower().replace(b"\0", b"")
            fields.append(Field(name, key, value.strip(_BLANK + b"\0").replace(b"\0", b"")))
            if end := _line_end(data, at):
                return fields, sound, at + end
    except _MoreError:
        return None


def _line_end(data: bytes, at: int) -> int:
    """Length of an ordinary end of line at a place, 0 where there is none."""
    pair = data[at : at + 2]
    if pair in (b"\r\n", b"\n\r"):
        return 2
    return 1 if pair[:1] in (b"\r", b"\n") and pair else 0


def _past_blanks(data: bytes, at: int) -> int:
    while data[at : at + 1] in (b" ", b"\t") and at < len(data):
        at += 1
    return at


def _colon(data: bytes, at: int) -> int:
    """Where the colon behind a name is, -1 where the line has none. A line that goes on with a blank may."""
    found = _TO_COLON.match(data, at)
    return found.end() - 1 if found else -1


def _value(data: bytes, at: int) -> tuple[bytes, int]:
    """A value with the lines that it goes on over, and where it ends."""
    part, at, _, fold = _piece(data, at)
    if not fold:
        return part, at
    value, rest = bytearray(part), at
    for _ in range(MOST_FOLDS):
        if _NAMED.match(data, at):
            return bytes(value), at  # what seemed to go on is a field of its own
        if _OPEN_NAME.match(data, at):
            raise _MoreError
        if value:
            value += fold if fold != b"\0" else b" "
        part, at, end, fold = _piece(data, at)
        if part or end > 1:
            rest = at
            value += part
        elif end == 1 and data[at : at + 1] == b"\n":
            rest = at
        if not fold:
            break
    return bytes(value), rest


def _piece(data: bytes, at: int) -> tuple[bytes, int, int, bytes]:
    """Up to an end of line: bytes, where it goes on, length of the end, and the blank that folds it."""
    found = _END.search(data, at)
    if not found:
        raise _MoreError
    stop = found.start()
    part, end = data[at:stop], _line_end(data, stop)
    after = stop + end
    if after == len(data):
        raise _MoreError
    if data[after] in _FOLDS:
        return part, after + 1, end, data[after : after + 1]
    if odd := _odd_end(data, stop):
        return part, stop + odd, odd, b""
    return part, after, end, b""


def _odd_end(data: bytes, at: int) -> int:
    """Length of an end of line that is deformed: LF CR CR LF before an end, CR LF CR and blanks."""
    if data.startswith(b"\n\r\r\n", at) and data[at + 4 : at + 6] in (b"\n", b"\r\n"):
        return 4
    if not data.startswith(b"\r\n\r", at):
        return 0
    end = at + 3
    while end < len(data) and data[end] in b"\r \t":
        end += 1
    if end == len(data):
        raise _MoreError
    if end == at + 3:
        return 0
    if data[end] == 10:
        end += 1
    if data[end : end + 1] == b"\n" or data[end : end + 2] == b"\r\n":
        return 0
    return end - at
