"""byte_test, byte_jump, byte_extract, byte_math, entropy: numbers in a buffer."""

from __future__ import annotations

from collections.abc import Iterable

from rules.keywords.base import Keyword, unquoted
from rules.language.builder import Builder
from rules.language.model import ByteExtract, ByteJump, ByteMath, ByteTest, Entropy

_BASES = {"hex": 16, "dec": 10, "oct": 8}
_TEST_OPS = ("<=", ">=", "<", ">", "=", "&", "^")


class _Reading:
    """The options that all of them share."""

    def __init__(self, builder: Builder, keyword: str, parts: Iterable[str]) -> None:
        self.relative = self.little = self.string = self.dce = self.align = False
        self.base = self.mask = 0
        self.rest: list[str] = []
        endian = False
        for part in (p.strip() for p in parts):
            if part == "":
                continue
            if part == "relative":
                self.relative = True
            elif part in {"little", "big"} or part.split()[:1] == ["endian"]:
                if endian:
                    raise builder.fault(f"{keyword}: the byte order is given twice")
                endian = True
                self.little = part.endswith("little")
            elif part in _BASES or part.split()[:1] == ["string"]:
                word = part.split()[-1]
                self.string = self.string or word == "string" or " " in part
                self.base = _BASES.get(word, self.base)
            elif part == "dce":
                self.dce = True
                builder.allow(frozenset({"dcerpc", "smb"}), f"{keyword} with dce")
            elif part.split()[:1] == ["bitmask"]:
                words = part.split()
                self.mask = builder.number(f"0x{words[-1].lower().removeprefix('0x')}", "bitmask")
            else:
                self.rest.append(part)
        self.base = self.base or (10 if self.string else 0)
        self._check(builder, keyword, endian)

    def _check(self, builder: Builder, keyword: str, endian: bool) -> None:
        if self.base and not self.string:
            raise builder.fault(f"{keyword}: hex, dec and oct need string")
        if self.string and endian and keyword != "byte_jump":
            raise builder.fault(f"{keyword}: digits have no byte order")
        if self.dce and (endian or self.string):
            raise builder.fault(f"{keyword}: dce goes with no byte order and no string")


def _split(builder: Builder, value: str, least: int, keyword: str) -> list[str]:
    parts = [part.strip() for part in unquoted(value).split(",")]
    if len(parts) < least:
        raise builder.fault(f"{keyword} needs at least {least} values")
    return parts


def _count(builder: Builder, text: str, string: bool, keyword: str, dce: bool = False) -> int | str:
    count = builder.amount(text, f"{keyword} bytes", 0, 23 if string else 8)
    if dce and count not in {1, 2, 4}:
        raise builder.fault(f"{keyword} with dce takes 1, 2 or 4 bytes")
    return count


def byte_test(builder: Builder, value: str) -> None:
    """`byte_test:bytes,[!]op,value,offset[,relative][,little|big][,string,hex][,bitmask m][,dce]`."""
    parts = _split(builder, value, 4, "byte_test")
    reading = _Reading(builder, "byte_test", parts[4:])
    if reading.rest:
        raise builder.fault(f"byte_test does not know {reading.rest[0]!r}")
    op = parts[1]
    negated = op.startswith("!")
    op = op[1:].strip() if negated else op
    if op == "" and negated:
        op = "="
    if op not in _TEST_OPS:
        raise builder.fault(f"byte_test does not know the comparison {parts[1]!r}")
    builder.add(
        ByteTest(
            _count(builder, parts[0], reading.string, "byte_test", reading.dce),
            op,
            builder.amount(parts[2], "byte_test value", 0, (1 << 64) - 1),
            builder.amount(parts[3], "byte_test offset", -65535, 65535),
            negated,
            reading.relative,
            reading.little,
            reading.base,
            reading.mask,
            reading.dce,
        )
    )


def byte_jump(builder: Builder, value: str) -> None:
    """`byte_jump:bytes,offset[,relative][,multiplier n][,little][,align][,from_end][,post_offset n]...`."""
    parts = _split(builder, value, 2, "byte_jump")
    reading = _Reading(builder, "byte_jump", parts[2:])
    op = ByteJump(
        _count(builder, parts[0], reading.string, "byte_jump", reading.dce),
        builder.amount(parts[1], "byte_jump offset", -65535, 65535),
        reading.relative,
        reading.little,
        reading.base,
        reading.mask,
        dce=reading.dce,
    )
    for part in reading.rest:
        words = part.split()
        if part == "align":
            op.align = True
        elif part in {"from_beginning", "from_end"}:
            if op.origin != "here":
                raise builder.fault("byte_jump: from_beginning and from_end exclude each other")
            op.origin = part[5:]
        elif len(words) == 2 and words[0] == "multiplier":
            op.multiplier = builder.number(words[1], "multiplier", 1, 65535)
        elif len(words) == 2 and words[0] == "post_offset":
            op.post = builder.amount(words[1], "post_offset", -65535, 65535)
        else:
            raise builder.fault(f"byte_jump does not know {part!r}")
    builder.add(op)


def byte_extract(builder: Builder, value: str) -> None:
    """`byte_extract:bytes,offset,name[,relative][,multiplier n][,little][,align 2|4][,string,hex]...`."""
    parts = _split(builder, value, 3, "byte_extract")
    reading = _Reading(builder, "byte_extract", parts[3:])
    if not parts[2].replace("_", "a").replace(".", "a").isalnum() or parts[2][0].isdigit():
        raise builder.fault(f"byte_extract cannot call a variable {parts[2]!r}")
    op = ByteExtract(
        builder.number(parts[0], "byte_extract bytes", 1, 23 if reading.string else 8),
        builder.amount(parts[1], "byte_extract offset", -65535, 65535),
        parts[2],
        reading.relative,
        reading.little,
        reading.base,
        reading.mask,
        dce=reading.dce,
    )
    for part in reading.rest:
        words = part.split()
        if len(words) == 2 and words[0] == "multiplier":
            op.multiplier = builder.number(words[1], "multiplier", 1, 65535)
        elif len(words) == 2 and words[0] == "align" and words[1] in {"2", "4"}:
            op.align = int(words[1])
        else:
            raise builder.fault(f"byte_extract does not know {part!r}")
    builder.add(op)


def byte_math(builder: Builder, value: str) -> None:
    """`byte_math:bytes n, offset n, oper +, rvalue n, result name[, relative]...`."""
    named: dict[str, str] = {}
    others: list[str] = []
    for part in (p.strip() for p in unquoted(value).split(",")):
        words = part.split()
        if len(words) == 2 and words[0] in {"bytes", "offset", "oper", "rvalue", "result"}:
            if words[0] in named:
                raise builder.fault(f"byte_math: {words[0]} is given twice")
            named[words[0]] = words[1]
        else:
            others.append(part)
    missing = {"bytes", "offset", "oper", "rvalue", "result"} - set(named)
    if missing:
        raise builder.fault(f"byte_math needs {', '.join(sorted(missing))}")
    reading = _Reading(builder, "byte_math", others)
    if reading.rest:
        raise builder.fault(f"byte_math does not know {reading.rest[0]!r}")
    if named["oper"] not in {"+", "-", "*", "/", "<<", ">>"}:
        raise builder.fault(f"byte_math cannot do {named['oper']!r}")
    builder.add(
        ByteMath(
            _count(builder, named["bytes"], reading.string, "byte_math", reading.dce),
            builder.amount(named["offset"], "byte_math offset", -65535, 65535),
            named["oper"],
            builder.amount(named["rvalue"], "byte_math rvalue", 0, (1 << 32) - 1),
            named["result"],
            reading.relative,
            reading.little,
            reading.base,
            reading.mask,
            reading.dce,
        )
    )


def entropy(builder: Builder, value: str) -> None:
    """`entropy:[bytes n,][offset n,] value < 4.5`."""
    op = Entropy("", 0.0)
    for part in (p.strip() for p in unquoted(value).split(",")):
        words = part.replace("value", "value ", 1).split()
        if len(words) == 2 and words[0] in {"bytes", "offset"}:
            number = builder.number(words[1], f"entropy {words[0]}", 0, 65535)
            if words[0] == "bytes":
                op.count = number
            else:
                op.offset = number
        elif words[:1] == ["value"]:
            _entropy_value(builder, op, "".join(words[1:]))
        else:
            raise builder.fault(f"entropy does not know {part!r}")
    if not op.op:
        raise builder.fault("entropy needs a value to compare with")
    builder.add(op)


def _entropy_value(builder: Builder, op: Entropy, text: str) -> None:
    for sign in ("<=", ">=", "!=", "<", ">", "="):
        if text.startswith(sign):
            op.op, text = sign, text[len(sign) :]
            break
    else:
        op.op = "="
    try:
        if "-" in text:
            low, high = text.lstrip("!").split("-", 1)
            op.op, op.low, op.high = "!-" if text[0] == "!" else "-", float(low), float(high)
        else:
            op.low = float(text)
    except ValueError:
        raise builder.fault(f"entropy: {text!r} is no number") from None


KEYWORDS = {
    "byte_test": Keyword(byte_test),
    "byte_jump": Keyword(byte_jump),
    "byte_extract": Keyword(byte_extract),
    "byte_math": Keyword(byte_math),
    "entropy": Keyword(entropy),
}
