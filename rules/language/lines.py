"""From the text of a rule file to logical lines, headers and options, each with its column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from citywall.errors import RuleFault

#: A rule longer than this is refused unread.
LONGEST = 65_536
MOST_OPTIONS = 512
_HEADER = re.compile(r"\s*(\S+)\s*")
_OPTION = re.compile(r"\s*((?:[^;\\]|\\.)*);", re.DOTALL)
_NAME = re.compile(r"\s*([^\s:]+)\s*(:)?\s*", re.DOTALL)
_SID = re.compile(r"\bsid\s*:\s*(\d{1,10})\s*;")


class Line(NamedTuple):
    """A logical line: what a trailing backslash continues is one. `number` is that of its first part."""

    number: int
    text: str


class Option(NamedTuple):
    """`name: value;` at a 1-based `column`; `value` is None where there is no colon."""

    name: str
    value: str | None
    column: int


class Split(NamedTuple):
    """A rule taken apart, not yet understood. `places` are the columns of `header`'s words."""

    header: tuple[str, ...]
    places: tuple[int, ...]
    options: tuple[Option, ...]


def logical_lines(text: str) -> Iterator[Line]:
    """Lines that hold something, comments left out."""
    parts: list[str] = []
    first = 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip("\r")
        if not parts:
            stripped = line.lstrip()
            if not stripped or stripped[0] == "#":
                continue
            first = number
        if line.rstrip().endswith("\\"):
            parts.append(line.rstrip()[:-1])
            continue
        parts.append(line)
        yield Line(first, "".join(parts))
        parts = []
    if parts:
        yield Line(first, "".join(parts))


def sid_of(text: str) -> int | None:
    """The sid that a line seems to have, for complaints about one that cannot be parsed."""
    found = _SID.search(text)
    return int(found[1]) if found else None


def split(text: str) -> Split:
    """Take a rule apart; raises RuleFault with a column."""
    if len(text) > LONGEST:
        raise RuleFault(f"a rule of more than {LONGEST} characters", 1)
    opening = text.find("(")
    if opening < 0:
        raise RuleFault("no options: a rule needs its options in parentheses", len(text) + 1)
    header, places = _header(text[:opening])
    end = len(text.rstrip())
    if text[end - 1] != ")":
        raise RuleFault("the closing parenthesis is missing", end)
    return Split(header, places, tuple(_options(text, opening + 1, end - 1)))


def _header(text: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    words: list[str] = []
    places: list[int] = []
    at = 0
    while match := _HEADER.match(text, at):
        start = match.start(1)
        word = match[1]
        end = match.end()
        # A list in brackets may contain blanks: it goes on until its brackets are closed.
        while word.count("[") > word.count("]"):
            more = _HEADER.match(text, end)
            if more is None:
                raise RuleFault("a bracket is not closed", start + 1)
            word += more[1]
            end = more.end()
        words.append(word)
        places.append(start + 1)
        at = end
    if len(words) not in {2, 7}:
        raise RuleFault(
            "a header has action, protocol, source, port, direction, destination and port "
            f"(found {len(words)} words)",
            places[-1] if places else 1,
        )
    return tuple(words), tuple(places)


def _options(text: str, start: int, end: int) -> Iterator[Option]:
    at = start
    count = 0
    while match := _OPTION.match(text, at, end):
        count += 1
        if count > MOST_OPTIONS:
            raise RuleFault(f"more than {MOST_OPTIONS} options", match.start(1) + 1)
        body = match[1]
        column = match.start(1) + 1
        named = _NAME.match(body)
        if named is None:
            raise RuleFault("an option without a name", column)
        value = body[named.end() :].rstrip() if named[2] else None
        if named[2] is None and named.end() != len(body):
            raise RuleFault(f"{named[1]!r} is followed by something that is no value", column)
        yield Option(named[1], value, column)
        at = match.end()
    rest = text[at:end]
    if rest.strip():
        raise RuleFault("an option is not ended by a semicolon", at + len(rest) - len(rest.lstrip()) + 1)
