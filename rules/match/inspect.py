"""The exact check of one buffer: every op in order, with retries where a later one counts from an earlier.

A content that is found may be found again further on; where the ops after it count from its end and fail,
the next place is tried. The number of steps is limited, as hostile traffic could else make it endless.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from rules.expressions import Search, compiled
from rules.language.model import (
    Absent,
    Amount,
    Asn1,
    Base64,
    ByteExtract,
    ByteJump,
    ByteMath,
    ByteTest,
    Content,
    Entropy,
    IsDataAt,
    Listed,
    Op,
    Pcre,
    Size,
)
from rules.match import ber, datasets
from rules.match.base64 import decode

#: Steps that one buffer of one rule may take, as Suricata's recursion limit.
MOST_STEPS = 3000
_HEX = "0123456789abcdefABCDEF"
_MOST_DIGITS = 64


class Ops:
    """The ops of a buffer made ready: contents folded, expressions compiled."""

    def __init__(self, ops: Sequence[Op], decoded: Sequence[Op] = ()) -> None:
        self.ops = tuple(ops)
        self.patterns = tuple(
            (op.pattern.lower() if op.nocase else op.pattern) if isinstance(op, Content) else b""
            for op in ops
        )
        self._searches: list[Search | None] = [None] * len(self.ops)
        self.folded = any(isinstance(op, Content) and op.nocase for op in ops)
        self.decoded = Ops(decoded) if decoded else None
        # whether the op after each counts from its end
        self.watch: Callable[..., bool] | None = None  # is asked instead, by who counts
        self.rows: list[tuple[tuple[int, ...], bytes]] | None = None  # what `Programs` made of them
        self.understood = False  # and whether of all of them
        self.chained = (*(_relative(op) for op in self.ops[1:]), False)
        self._retries: tuple[bool, ...] = ()

    @property
    def retries(self) -> tuple[bool, ...]:
        """Of each op whether another place for it could make a difference to those after it."""
        if not self._retries:
            self._retries = tuple(_retry(self.ops, at) for at in range(len(self.ops)))
        return self._retries

    def search(self, at: int) -> Search:
        """The compiled expression of op `at`."""
        found = self._searches[at]
        if found is None:
            op = self.ops[at]
            assert isinstance(op, Pcre)
            found = self._searches[at] = compiled(op.pattern, op.flags)
        return found


def _relative(op: Op) -> bool:
    return (isinstance(op, Content) and op.relative) or bool(getattr(op, "relative", False))


def _retry(ops: Sequence[Op], at: int) -> bool:
    for op in ops[at + 1 :]:
        if _relative(op):
            return True
        if isinstance(op, Content | Pcre) and not op.negated:
            return False
    return False


class Inspection:
    """Values that byte_extract and byte_math set, kept while one rule is checked."""

    def __init__(self, little: bool = False) -> None:
        self.values: dict[str, int] = {}
        self.little = little  # the byte order that `dce` stands for

    def holds(self, ops: Ops, data: bytes, *, start: int = 0, whole: bool = True) -> bool:
        """Whether all ops agree. `start`: the place of `data` in its stream; offset and depth count there."""
        if ops.watch is not None:
            return ops.watch(self, ops, data, start=start, whole=whole)
        return _Run(self, ops, data, start, whole).match(0, 0)

    def run(self, ops: Ops, data: bytes, *, start: int = 0, whole: bool = True) -> bool:
        """`holds`, with nobody watching."""
        return _Run(self, ops, data, start, whole).match(0, 0)

    def amount(self, amount: Amount) -> int:
        """A number, or what a variable holds."""
        return amount if isinstance(amount, int) else self.values.get(amount, 0)


class _Run:
    def __init__(self, inspection: Inspection, ops: Ops, data: bytes, start: int, whole: bool) -> None:
        self.inspection = inspection
        self.amount = inspection.amount
        self.ops = ops
        self.data = data
        self.folded = data.lower() if ops.folded else b""
        self.start = start
        self.whole = whole
        self.steps = 0
        self.read = 0  # up to where the last number was read

    def match(self, at: int, last: int) -> bool:  # noqa: C901  (one line a kind)
        """Ops from `at` on, the last match having ended at `last`."""
        while at < len(self.ops.ops):
            self.steps += 1
            if self.steps > MOST_STEPS:
                return False
            op = self.ops.ops[at]
            if isinstance(op, Content):
                if not op.negated:
                    return self._found(at, op, last)
                if self._find(at, op, last, -1) >= 0:
                    return False
            elif isinstance(op, Pcre):
                if not op.negated:
                    return self._searched(at, op, last)
                base = last if op.relative else 0
                if self.ops.search(at)(self.data[base:] if base else self.data, 0) is not None:
                    return False
            elif isinstance(op, ByteJump):
                jumped = self._jump(op, last)
                if jumped < 0:
                    return False
                last = jumped
            elif not self._simple(op, last):
                return False
            if isinstance(op, ByteExtract | ByteMath):
                last = self.read
            at += 1
        return True

    def _found(self, at: int, op: Content, last: int) -> bool:
        size, again = len(op.pattern), self.ops.retries[at]
        place = self._find(at, op, last, -1)
        while place >= 0:
            if self.match(at + 1, place + size):
                return True
            if self.steps > MOST_STEPS or not again:
                return False
            self.steps += 1
            place = self._find(at, op, last, place + 1)
        return False

    def _find(self, at: int, op: Content, last: int, least: int) -> int:
        """Where the content is next, from `least` on where that is given; -1 for nowhere."""
        data = self.folded if op.nocase else self.data
        pattern = self.ops.patterns[at]
        low, high = self._window(op, last, len(data))
        if least >= 0:
            low = max(low, least)
        if op.ends:
            place = len(data) - len(pattern)
            fits = low <= place <= high - len(pattern) and data.endswith(pattern)
            return place if fits else -1
        return data.find(pattern, low, high) if high - low >= len(pattern) else -1

    def _window(self, op: Content, last: int, size: int) -> tuple[int, int]:
        if op.relative:
            distance = self.amount(op.distance) if op.distance is not None else 0
            low = max(last + distance, 0)
            high = size
            if op.within is not None:
                high = min(size, last + self.amount(op.within) + distance)
            return low, high
        low = self.amount(op.offset) if op.offset is not None else 0
        depth = len(op.pattern) if op.starts else self.amount(op.depth) if op.depth is not None else None
        high = size if depth is None else low + depth - self.start
        if self.start:
            low = max(0, low - self.start)
        return low, min(size, high)

    def _searched(self, at: int, op: Pcre, last: int) -> bool:
        search = self.ops.search(at)
        base = last if op.relative else 0
        if base > len(self.data):
            return False
        subject = self.data[base:] if base else self.data
        begin = 0
        while (spans := search(subject, begin)) is not None:
            self._capture(op, subject, spans)
            if self.match(at + 1, base + spans[0][1]):
                return True
            if not self.ops.chained[at] or self.steps > MOST_STEPS:
                return False
            self.steps += 1
            begin = spans[0][0] + 1
            if begin > len(subject):
                return False
        return False

    def _capture(self, op: Pcre, subject: bytes, spans: tuple[tuple[int, int], ...]) -> None:
        for name, (low, high) in zip(op.captures, spans[1:], strict=False):
            text = subject[low:high] if low >= 0 else b""
            if text.isdigit() and len(text) < 20:
                self.inspection.values[name] = int(text)

    def _simple(self, op: Op, last: int) -> bool:  # noqa: PLR0911  (one line a kind)
        size = len(self.data)
        if isinstance(op, IsDataAt):
            amount = self.amount(op.amount)
            there = last + amount <= size if op.relative else amount < size
            return there is not op.negated
        if isinstance(op, Size):
            return (op.low <= size <= op.high) is not op.negated
        if isinstance(op, ByteTest):
            return self._test(op, last)
        if isinstance(op, ByteExtract):
            value = self._number(op.count, op.offset, last, op)
            if value is None:
                return False
            value = _masked(value, op.mask) * op.multiplier
            if op.align:
                value += -value % op.align
            self.inspection.values[op.name] = value & ((1 << 64) - 1)
            return True
        if isinstance(op, ByteMath):
            return self._math(op, last)
        if isinstance(op, Base64):
            return self._base64(op, last)
        if isinstance(op, Entropy):
            return _entropic(op, self.data)
        if isinstance(op, Listed):
            asking = op.op in {"isset", "isnotset"}
            return op.live or (asking and datasets.holds(op, self.data, op.values) is (op.op == "isset"))
        if isinstance(op, Asn1):
            return ber.meets(op, self.data, last)
        assert isinstance(op, Absent)
        return op.or_else

    def _number(
        self, count: Amount, offset: Amount, last: int, op: ByteTest | ByteJump | ByteExtract | ByteMath
    ) -> int | None:
        """The number that an op reads, up to `self.read`, or None where it is not there."""
        n = self.amount(count)
        place = self.amount(offset) + (last if op.relative else 0)
        if place < 0 or n < 0 or place + n > len(self.data) or not self.data:
            return None
        self.read = place + n
        value: int | None
        if op.base:  # no bytes are all there are
            value, digits = _digits(self.data[place : place + (n or _MOST_DIGITS)], op.base)
            self.read = place + digits
        elif n == 0 and not isinstance(op, ByteJump):
            return None
        else:
            little = self.inspection.little if op.dce else op.little
            value = int.from_bytes(self.data[place : place + n], "little" if little else "big")
        return value

    def _test(self, op: ByteTest, last: int) -> bool:
        value = self._number(op.count, op.offset, last, op)
        if value is None:
            return False
        value = _masked(value, op.mask)
        other = self.amount(op.value)
        if op.op == "&":
            found = value & other != 0
        elif op.op == "^":
            found = value ^ other != 0
        else:
            found = compare(op.op, value, other)
        return found is not op.negated

    def _jump(self, op: ByteJump, last: int) -> int:
        value = self._number(op.count, op.offset, last, op)
        if value is None:
            return -1
        value = _masked(value, op.mask) * op.multiplier
        if op.align:
            value += -value % 4
        value += self.amount(op.post)
        if op.origin == "beginning":
            place = value
        elif op.origin == "end":
            place = len(self.data) + value
        else:
            place = self.read + value
        return max(0, place) if place <= len(self.data) else -1

    def _math(self, op: ByteMath, last: int) -> bool:
        value = self._number(op.count, op.offset, last, op)
        other = self.amount(op.value)
        if value is None or (op.op == "/" and other == 0) or (op.op == ">>" and other > 63):
            return False
        result = {
            "+": lambda: value + other,
            "-": lambda: value - other,
            "*": lambda: value * other,
            "/": lambda: value // other,
            "<<": lambda: value << other if other < 64 else 0,
            ">>": lambda: value >> other,
        }[op.op]()
        self.inspection.values[op.name] = _masked(result & ((1 << 64) - 1), op.mask)
        return True

    def _base64(self, op: Base64, last: int) -> bool:
        place = op.offset + (last if op.relative else 0)
        if place > len(self.data):
            return False
        raw = self.data[place : place + op.count] if op.count else self.data[place:]
        decoded = decode(raw)
        if not decoded:
            return False
        return self.ops.decoded is None or self.inspection.holds(self.ops.decoded, decoded)


def compare(op: str, value: int, other: int) -> bool:
    """One number against another."""
    return {
        "<": value < other,
        ">": value > other,
        "=": value == other,
        "<=": value <= other,
        ">=": value >= other,
        "!=": value != other,
    }[op]


def _masked(value: int, mask: int) -> int:
    """The bits of a mask, down to its lowest."""
    return (value & mask) >> ((mask & -mask).bit_length() - 1) if mask else value


def _digits(raw: bytes, base: int) -> tuple[int | None, int]:
    """Digits from the start of `raw` on, as strtoull reads them, and how many bytes they took."""
    at = len(raw) - len(raw.lstrip(b" \t\n\v\f\r"))
    sign = raw[at : at + 1]
    if sign in (b"-", b"+"):
        at += 1
    if base == 16 and raw[at : at + 2].lower() == b"0x" and chr((raw[at + 2 : at + 3] or b"-")[0]) in _HEX:
        at += 2
    value, begin = 0, at
    for byte in raw[at:]:
        digit = int(chr(byte), 16) if chr(byte) in _HEX else base
        if digit >= base:
            break
        value, at = value * base + digit, at + 1
    if at == begin or value >> 64:
        return None, 0
    return (-value & ((1 << 64) - 1) if sign == b"-" else value), at


def _entropic(op: Entropy, data: bytes) -> bool:
    part = data[op.offset : op.offset + op.count] if op.count else data[op.offset :]
    if not part:
        return False
    value = -sum(n / len(part) * math.log2(n / len(part)) for n in Counter(part).values())
    if op.op in {"-", "!-"}:
        return (op.low < value < op.high) is (op.op == "-")
    return {
        "<": value < op.low,
        ">": value > op.low,
        "<=": value <= op.low,
        ">=": value >= op.low,
        "=": value == op.low,
        "!=": value != op.low,
    }[op.op]
