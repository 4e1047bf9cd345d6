"""How far into a payload a rule's literal can end, so that the prefilter need not look behind that."""

from __future__ import annotations

from collections.abc import Sequence

from rules.language.model import ByteTest, Content, IsDataAt, Op, Size

#: No end is known.
ANYWHERE = 1 << 40
#: Bytes that are compared at once.
_WORD = 8


def literal_of(op: Content, prefix: bytes = b"") -> bytes:
    """The part of a content less a prefix that its author chose for the prefilter, or all; in lower case."""
    pattern = op.pattern.lower().removeprefix(prefix)
    return pattern[op.chop[0] : op.chop[0] + op.chop[1]] if op.chop else pattern


def reach(ops: Sequence[Op], literal: bytes) -> int:
    """The bytes of a buffer in which a literal, one of the ops' contents, ends wherever all ops agree."""
    found, last = ANYWHERE, 0  # where the match before an op ended at the furthest
    for op in ops:
        if isinstance(op, Content):
            if op.negated:
                continue
            last = _end(op, last)
            if literal_of(op) == literal:
                found = min(found, last)
        elif not isinstance(op, ByteTest | IsDataAt | Size):
            last = ANYWHERE
    return found


def beginning(ops: Sequence[Op]) -> tuple[int, int]:
    """(mask, word) of a buffer's first eight bytes, little endian, as all ops want them.

    Of the mask a byte is 0 where the buffer may have any, or none.
    """
    mask, word = bytearray(_WORD), bytearray(_WORD)
    for op in ops:
        if not isinstance(op, Content) or op.negated or op.relative:
            continue
        at, size = _number(op.offset or 0), len(op.pattern)
        if not (op.starts or op.depth == size) or at + size > _WORD:
            continue
        for place, byte in enumerate(op.pattern, at):
            if not (op.nocase and bytes([byte]).isalpha()):
                mask[place], word[place] = 0xFF, byte
    return int.from_bytes(mask, "little"), int.from_bytes(word, "little")


def _end(op: Content, last: int) -> int:
    """Where a content ends at the furthest, what it may count from having ended at `last`."""
    low, size = (last + _number(op.distance or 0), op.within) if op.relative else (
        _number(op.offset or 0), len(op.pattern) if op.starts else op.depth
    )  # fmt: skip
    return ANYWHERE if size is None else min(ANYWHERE, low + _number(size))


def _number(amount: int | str) -> int:
    """A number; of a variable it is not known how much it holds."""
    return amount if isinstance(amount, int) else ANYWHERE
