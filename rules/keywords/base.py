"""What a keyword is, and readers that several share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from rules.language.builder import Builder
from rules.language.model import Number

Setup = Callable[[Builder, str], None]

NONE, OPTIONAL, REQUIRED = 0, 1, 2


class Keyword(NamedTuple):
    """How a keyword is read: its set-up and whether it takes a value."""

    setup: Setup
    value: int = REQUIRED


_HEX = re.compile(r"[0-9A-Fa-f\s]*")
_ESCAPED = re.compile(r"\\(.)")
_RANGE = re.compile(r"^\s*(!)?\s*(<=|>=|<>|!=|<|>|=|!)?\s*(-?\w+)?\s*(?:(<>|-)\s*(-?\w+))?\s*$")
_BITS = re.compile(r"^&\s*(\w+)\s*(!?=)\s*(\w+)$")
_UNITS = {"kib": 1 << 10, "kb": 1 << 10, "mib": 1 << 20, "mb": 1 << 20, "gib": 1 << 30, "gb": 1 << 30}
_WITH_UNIT = re.compile(r"^(\d+)\s*([kmg]i?b)$")
TOP = (1 << 64) - 1


def quoted(builder: Builder, value: str, keyword: str) -> tuple[bool, str]:
    """`!"text"` to (negated, text); the quotes are demanded."""
    text = value.strip()
    negated = text.startswith("!")
    if negated:
        text = text[1:].lstrip()
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise builder.fault(f"{keyword} needs its value in double quotes")
    return negated, text[1:-1]


def unquoted(value: str) -> str:
    """Without quotes, if there were any."""
    text = value.strip()
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def plain(text: str) -> str:
    """A text with its escapes undone."""
    return _ESCAPED.sub(r"\1", text)


def pattern_of(builder: Builder, text: str) -> bytes:
    """The bytes of a content: text with escapes, and hexadecimal between bars."""
    if "|" not in text and "\\" not in text:
        if '"' in text:
            raise builder.fault("a double quote in a content must be escaped")
        return _encode(text)
    out = bytearray()
    at, size = 0, len(text)
    while at < size:
        letter = text[at]
        if letter == "|":
            end = text.find("|", at + 1)
            if end < 0:
                raise builder.fault("a | in a content is not closed")
            digits = "".join(text[at + 1 : end].split())
            if not _HEX.fullmatch(digits):
                raise builder.fault(f"{text[at : end + 1]} is not hexadecimal")
            if len(digits) % 2:
                raise builder.fault(f"{text[at : end + 1]} has an odd number of digits")
            out += bytes.fromhex(digits)
            at = end + 1
        elif letter == "\\":
            if at + 1 >= size or text[at + 1] not in '\\";:':
                raise builder.fault(r"a backslash in a content may only stand before \ \" ; or :")
            out += text[at + 1].encode()
            at += 2
        elif letter == '"':
            raise builder.fault("a double quote in a content must be escaped")
        else:
            out += _encode(letter)
            at += 1
    return bytes(out)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def bounds(builder: Builder, value: str, keyword: str, top: int = TOP) -> tuple[int, int, bool]:
    """`5`, `!5`, `<5`, `>=5`, `5<>9` (between), `5-9`: (low, high, negated)."""
    match = _RANGE.match(_units(value))
    if match is None or match[3] is None:
        raise builder.fault(f"{keyword}: {value!r} is no number, comparison or range")
    bang, op, first, _, second = match.groups()
    low = builder.number(first, keyword, 0, top)
    negated = bang is not None or op in {"!", "!="}
    if second is not None:
        high = builder.number(second, keyword, 0, top)
        if low >= high:
            raise builder.fault(f"{keyword}: the range {value!r} runs backwards")
        if high - low < 2:
            raise builder.fault(f"{keyword}: there is nothing between {low} and {high}")
        return low + 1, high - 1, negated
    if op in {"<", "<="}:
        high = low - (op == "<")
        if high < 0:
            raise builder.fault(f"{keyword}: nothing is less than 0")
        return 0, high, negated
    if op in {">", ">="}:
        if op == ">" and low >= top:
            raise builder.fault(f"{keyword}: nothing is above {top}")
        return low + (op == ">"), top, negated
    return low, low, negated


def _units(value: str) -> str:
    match = _WITH_UNIT.match(value.strip().lower().lstrip("<>=! "))
    if match is None:
        return value
    text = value.strip()
    head = text[: len(text) - len(text.lstrip("<>=! "))]
    return f"{head}{int(match[1]) * _UNITS[match[2]]}"


def demand(
    builder: Builder, value: str, field: str, top: int = TOP, names: Mapping[str, int] | None = None
) -> Number:
    """A comparison of a number: as `bounds`, names allowed, or some of its bits: `&0xc0=0x80`."""
    text = value.strip()
    if match := _BITS.match(text):
        mask = builder.number(match[1], field, 1, top)
        wanted = builder.number(match[3], field, 0, top)
        if wanted & ~mask:
            raise builder.fault(f"{field}: {text!r} can never be")
        return Number(field, wanted, wanted, match[2] == "!=", mask=mask)
    low, high, negated = named_number(names or {}, builder, text, field, top)
    return Number(field, low, high, negated)


def bit_names(builder: Builder, value: str, field: str, names: Mapping[str, int]) -> Number | None:
    """`fin,!comp`: bits by name that must be set, or not; None where no name is given."""
    mask = wanted = 0
    for part in (p.strip() for p in value.split(",")):
        bit = names.get(part.lstrip("!").strip().lower())
        if bit is None:
            return None
        if mask & bit:
            raise builder.fault(f"{field}: {part!r} is given twice")
        mask |= bit
        wanted |= 0 if part.startswith("!") else bit
    return Number(field, wanted, wanted, mask=mask)


def packet_number(field: str, top: int, keyword: str = "") -> Keyword:
    """A keyword that compares a number of the packet."""

    def setup(builder: Builder, value: str) -> None:
        builder.rule.numbers.append(demand(builder, value, field, top))
        builder.packet_only = builder.packet_only or keyword or field

    return Keyword(setup)


def named_number(
    names: Mapping[str, int], builder: Builder, value: str, keyword: str, top: int = TOP
) -> tuple[int, int, bool]:
    """As `bounds`, names allowed."""
    text = value.strip()
    negated = text.startswith("!")
    name = text[1:].strip() if negated else text
    if name.lower() in names:
        return names[name.lower()], names[name.lower()], negated
    return bounds(builder, value, keyword, top)
