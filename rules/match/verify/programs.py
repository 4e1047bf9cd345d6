"""Ops of buffers as rows of numbers, for `verify.kernels`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from rules.language.model import ByteJump, ByteTest, Content, IsDataAt, Op, Pcre, Size
from rules.match.inspect import Ops
from rules.match.literals import OFTEN
from rules.match.verify import kernels

Numbers = NDArray[np.int64]
_FAR = 1 << 40
_TESTS = {
    "<": kernels.LESS, ">": kernels.MORE, "=": kernels.EQUAL, "<=": kernels.LESS_EQUAL,
    ">=": kernels.MORE_EQUAL, "!=": kernels.UNEQUAL, "&": kernels.AND, "^": kernels.XOR,
}  # fmt: skip
_ORIGINS = {"here": kernels.HERE, "beginning": kernels.BEGINNING, "end": kernels.END}
#: Bytes of a number that fit a signed word, whatever they are.
_MOST_BYTES = 7


class Programs:
    """The programs of many buffers. `program` is a buffer's number, -1 where nothing of it is understood.

    A program leaves out what is not understood: what it refuses is refused, what it accepts may be, unless it
    is `whole`.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[int, ...]] = []
        self._first: list[int] = []
        self._last: list[int] = []
        self._whole: list[bool] = []
        self._patterns = bytearray()
        self._places: dict[bytes, int] = {}

    def add(self, ops: Ops) -> int:
        """The program of a buffer's ops."""
        if ops.rows is None:
            ops.rows, ops.understood = _rows(ops)
        rows = ops.rows
        if not rows:
            return -1
        self._first.append(len(self._rows))
        self._rows += [
            (*row[:2], self._bytes(pattern), *row[3:]) if pattern else row for row, pattern in rows
        ]
        self._last.append(len(self._rows))
        self._whole.append(ops.understood)
        return len(self._first) - 1

    def ready(self) -> Ready:
        """The arrays."""
        return Ready(
            np.array(self._rows, np.int64).reshape(len(self._rows), kernels.COLUMNS),
            np.array(self._first, np.int64), np.array(self._last, np.int64), np.array(self._whole, np.bool_),
            np.frombuffer(bytes(self._patterns) + b"\0", np.uint8),
        )  # fmt: skip

    def _bytes(self, pattern: bytes) -> int:
        place = self._places.get(pattern)
        if place is None:
            place = self._places[pattern] = len(self._patterns)
            self._patterns += pattern
        return place


class Ready:
    """Programs, ready to be run over many buffers."""

    def __init__(
        self,
        ops: Numbers,
        first: Numbers,
        last: Numbers,
        whole: NDArray[np.bool_],
        patterns: NDArray[np.uint8],
    ) -> None:
        patterns = patterns.view()
        patterns.flags.writeable = False
        self._tables = (ops, first, last, whole, patterns)
        self._room = tuple(np.zeros(kernels.MOST_OPS, np.int64) for _ in range(3))

    def verify(  # noqa: PLR0917  (columns)
        self,
        data: NDArray[np.uint8],
        begins: Numbers,
        sizes: Numbers,
        programs: Numbers,
        starts: Numbers | None = None,
        looked: Numbers | None = None,
    ) -> NDArray[np.uint8]:
        """NO, YES or PERHAPS for each pair: see `kernels.verify`."""
        out = np.zeros(len(begins), np.uint8)
        nothing = np.zeros(len(begins), np.int64)
        view = data.view()
        view.flags.writeable = False
        kernels.verify(
            view, begins, sizes, nothing if starts is None else starts, nothing if looked is None else looked,
            programs, *self._tables, *self._room, out,
        )  # fmt: skip
        return out


def _rows(ops: Ops) -> tuple[list[tuple[tuple[int, ...], bytes]], bool]:
    """Rows of ops, each with its pattern, whose place is not known yet; whether all ops are understood.

    Where an op is left out it is not known where the match before the next one ended: what counts from there
    is left out, too, up to a content or jump that stands for itself. Of contents that are left out it is
    asked, behind all others, that they are anywhere.
    """
    rows: list[tuple[tuple[int, ...], bytes]] = []
    somewhere: list[tuple[tuple[int, ...], bytes]] = []
    lost = False
    for at, op in enumerate(ops.ops[: kernels.MOST_OPS]):
        row = None if lost and _relative(op) else _row(op, retry=_retry(ops.ops, at))
        if row is None:
            lost = True
            if isinstance(op, Content) and not op.negated:
                somewhere.append(_somewhere(op))
            continue
        rows.append(row)
        if isinstance(op, ByteJump) or (isinstance(op, Content) and not op.negated):
            lost = False
    return rows + somewhere, len(rows) == len(ops.ops) and ops.decoded is None


def _somewhere(op: Content) -> tuple[tuple[int, ...], bytes]:
    pattern = op.pattern.lower() if op.nocase else op.pattern
    flags = kernels.SOMEWHERE | _flag(op.nocase, kernels.NOCASE)
    return (kernels.CONTENT, flags, 0, len(pattern), 0, 0, _seldom(pattern), 0), pattern


def _seldom(pattern: bytes) -> int:
    """Where in a content the two bytes are that stand in the least traffic."""
    often = pattern[: 1 << 8].translate(OFTEN)
    if len(often) < 2:
        return 0
    one = often.index(min(often))
    others = often[:one] + b"\xff" + often[one + 1 :]
    return others.index(min(others)) << kernels.PLACE | one


def _relative(op: Op) -> bool:
    return bool(getattr(op, "relative", False))


def _row(op: Op, *, retry: bool) -> tuple[tuple[int, ...], bytes] | None:
    if isinstance(op, Content):
        return _content(op, retry=retry)
    if isinstance(op, Size):
        flags = _flag(op.negated, kernels.NEGATED)
        return (kernels.SIZE, flags, 0, 0, op.low, min(op.high, _FAR), 0, 0), b""
    if isinstance(op, IsDataAt):
        if not isinstance(op.amount, int):
            return None
        flags = _flag(op.negated, kernels.NEGATED) | _flag(op.relative, kernels.RELATIVE)
        return (kernels.DATA_AT, flags, 0, 0, op.amount, 0, 0, 0), b""
    if isinstance(op, ByteTest | ByteJump):
        row = _number(op)
        return None if row is None else (row, b"")
    return None


def _content(op: Content, *, retry: bool) -> tuple[tuple[int, ...], bytes] | None:
    places = (op.offset, op.depth, op.distance, op.within)
    if any(isinstance(place, str) for place in places):
        return None
    low, high = (op.distance, op.within) if op.relative else (op.offset, op.depth)
    assert not isinstance(low, str)
    assert not isinstance(high, str)
    flags = (
        _flag(op.negated, kernels.NEGATED) | _flag(op.nocase, kernels.NOCASE)
        | _flag(op.relative, kernels.RELATIVE) | _flag(op.starts, kernels.STARTS)
        | _flag(op.ends, kernels.ENDS) | _flag(retry, kernels.RETRY)
        | _flag(low is not None, kernels.HAS_LOW) | _flag(high is not None, kernels.HAS_HIGH)
    )  # fmt: skip
    pattern = op.pattern.lower() if op.nocase else op.pattern
    return (kernels.CONTENT, flags, 0, len(pattern), low or 0, high or 0, _seldom(pattern), 0), pattern


def _flag(yes: object, flag: int) -> int:
    return flag if yes else 0


def _retry(ops: Iterable[Op], at: int) -> bool:
    """Whether another place for op `at` could make a difference to those after it."""
    for op in list(ops)[at + 1 :]:
        if _relative(op):
            return True
        if isinstance(op, Content | Pcre) and not op.negated:
            return False
    return False


def _number(op: ByteTest | ByteJump) -> tuple[int, ...] | None:
    """The row of an op that reads a number: static, binary, of bytes that fit."""
    amounts = (op.count, op.offset, op.value if isinstance(op, ByteTest) else op.post)
    if op.base or op.mask or op.dce or not all(isinstance(n, int) and abs(n) < _FAR for n in amounts):
        return None
    count, offset, other = (int(n) for n in amounts)
    if not 0 < count <= _MOST_BYTES:
        return None
    flags = _flag(op.relative, kernels.RELATIVE) | _flag(op.little, kernels.LITTLE)
    if isinstance(op, ByteTest):
        flags |= _flag(op.negated, kernels.NEGATED)
        return kernels.TEST, flags, 0, count, offset, other, 0, _TESTS[op.op]
    if count > 4 or not 0 < op.multiplier < 1 << 16:
        return None
    flags |= _flag(op.align, kernels.ALIGN)
    return kernels.JUMP, flags, 0, count, offset, other, op.multiplier, _ORIGINS[op.origin]
