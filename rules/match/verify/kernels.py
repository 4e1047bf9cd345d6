"""The ops of a rule's buffer, run over bytes: contents in their places, with retries, sizes and numbers.

The same decisions, steps and limits as `rules.match.inspect`, which decides what is not understood here.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel, internal, leading_zeros64, load_le64, prefetch

# What an op is, column 0.
CONTENT, SIZE, DATA_AT, TEST, JUMP = range(5)
#: Columns of an op: kind, flags, where its bytes begin and how many they are, and numbers as the kind has it.
KIND, FLAGS, AT, LENGTH, A, B, C, D = range(8)
COLUMNS = 8
NEGATED, NOCASE, RELATIVE, STARTS, ENDS, RETRY, HAS_LOW, HAS_HIGH, LITTLE, ALIGN = (1 << i for i in range(10))
#: A content that must be somewhere, wherever the others are.
SOMEWHERE = 1 << 10
#: Comparisons of TEST, column D; origins of JUMP, column D.
LESS, MORE, EQUAL, LESS_EQUAL, MORE_EQUAL, UNEQUAL, AND, XOR = range(8)
HERE, BEGINNING, END = range(3)
#: Ops of one program, and steps it may take (`inspect.MOST_STEPS`).
MOST_OPS, MOST_STEPS = 64, 3000
NO, YES, PERHAPS = 0, 1, 2
#: Where in a content the two bytes are that are looked for first: bits of column C, the one, then the other.
PLACE = 16
_PLACE = (1 << PLACE) - 1
_EACH, _LOWER = np.uint64(0x0101010101010101), np.uint64(0x7F7F7F7F7F7F7F7F)
_CASE = np.uint64(0x2020202020202020)
_NONE, _ONE = np.uint64(0), np.uint64(1)
_AHEAD = 12  # pairs whose bytes are asked for before they are looked at


@internal
def _folded(byte):
    return byte + np.uint8(32) if byte >= 65 and byte <= 90 else byte


@internal
def _stands(data, at, patterns, start, length, nocase):
    if nocase:
        for i in range(length):
            if _folded(data[at + i]) != patterns[start + i]:
                return False
    else:
        for i in range(length):
            if data[at + i] != patterns[start + i]:
                return False
    return True


@internal
def _eight(patterns, op, place):
    """A byte of a content eight times, and the bits of each that may be set or not."""
    byte = patterns[op[AT] + place]
    case = _CASE if op[FLAGS] & NOCASE and byte >= 97 and byte <= 122 else _NONE
    return np.uint64(byte) * _EACH, case


@internal
def _find_by_eight(data, begin, size, op, patterns, low, stop):
    """(where a content is next from `low` to `stop`, or -1; from where on it was not looked for).

    Eight places at once, by two bytes of it that stand in little traffic; nothing behind the buffer is read.
    """
    near, far = op[C] & _PLACE, op[C] >> PLACE
    near_byte, near_case = _eight(patterns, op, near)
    far_byte, far_case = _eight(patterns, op, far)
    place = low
    last = min(stop, size - max(near, far) - 8)
    while place <= last:
        differs = (load_le64(data, begin + place + near) | near_case) ^ near_byte
        differs |= (load_le64(data, begin + place + far) | far_case) ^ far_byte
        alike = ~(((differs & _LOWER) + _LOWER) | differs | _LOWER)  # the highest bit of bytes that are 0
        while alike != _NONE:
            lowest = alike & (~alike + _ONE)
            at = place + ((63 - leading_zeros64(lowest)) >> 3)
            if at > stop:
                break
            if _stands(data, begin + at, patterns, op[AT], op[LENGTH], op[FLAGS] & NOCASE):
                return np.int64(at), np.int64(place)
            alike ^= lowest
        place += 8
    return np.int64(-1), np.int64(place)


@internal
def _find(data, begin, size, op, patterns, last, least, start):
    """Where a content is next in `data[begin : begin + size]`, from `least` on; -1 for nowhere."""
    flags = op[FLAGS]
    length = op[LENGTH]
    if flags & RELATIVE:
        distance = op[A] if flags & HAS_LOW else np.int64(0)
        low = max(last + distance, np.int64(0))
        high = size
        if flags & HAS_HIGH:
            high = min(size, last + op[B] + distance)
    else:
        low = op[A] if flags & HAS_LOW else np.int64(0)
        high = size
        if flags & STARTS:
            high = low + length - start
        elif flags & HAS_HIGH:
            high = low + op[B] - start
        if start:
            low = max(np.int64(0), low - start)
        high = min(size, high)
    if least >= 0:
        low = max(low, least)
    stop = high - length
    if flags & ENDS:
        place = size - length
        if (
            low <= place
            and place <= stop
            and _stands(data, begin + place, patterns, op[AT], length, flags & NOCASE)
        ):
            return place
        return np.int64(-1)
    first = patterns[op[AT]]
    other = first
    if flags & NOCASE and first >= 97 and first <= 122:
        other = first - np.uint8(32)
    low = max(low, np.int64(0))
    if length > 0:
        found, low = _find_by_eight(data, begin, size, op, patterns, low, stop)
        if found >= 0:
            return found
    for place in range(low, stop + 1):
        byte = data[begin + place]
        if (byte == first or byte == other) and _stands(
            data, begin + place, patterns, op[AT], length, flags & NOCASE
        ):
            return np.int64(place)
    return np.int64(-1)


@internal
def _number(data, begin, size, op, last):
    """(whether it is there, the number an op reads)."""
    place = op[A] + (last if op[FLAGS] & RELATIVE else np.int64(0))
    count = op[LENGTH]
    if place < 0 or place + count > size:
        return False, np.int64(0)
    value = np.int64(0)
    for i in range(count):
        at = begin + place + (count - 1 - i if op[FLAGS] & LITTLE else i)
        value = value << 8 | np.int64(data[at])
    return True, value


@internal
def _tested(op, value):
    other = op[B]
    kind = op[D]
    found = value < other
    if kind == MORE:
        found = value > other
    elif kind == EQUAL:
        found = value == other
    elif kind == LESS_EQUAL:
        found = value <= other
    elif kind == MORE_EQUAL:
        found = value >= other
    elif kind == UNEQUAL:
        found = value != other
    elif kind == AND:
        found = value & other != 0
    elif kind == XOR:
        found = value ^ other != 0
    return found != (op[FLAGS] & NEGATED != 0)


@internal
def _jumped(op, value, size, last):
    value *= op[C]
    if op[FLAGS] & ALIGN:
        value += -value % 4
    value += op[B]
    place = value
    if op[D] == END:
        place = size + value
    elif op[D] == HERE:
        place = op[A] + (last if op[FLAGS] & RELATIVE else np.int64(0)) + op[LENGTH] + value
    return max(np.int64(0), place) if place <= size else np.int64(-1)


@internal
def _simple(data, begin, size, op, last):
    """(whether an op that is no content agrees, where the last match ends then)."""
    kind = op[KIND]
    if kind == SIZE:
        return (op[A] <= size and size <= op[B]) != (op[FLAGS] & NEGATED != 0), last
    if kind == DATA_AT:
        there = last + op[A] <= size if op[FLAGS] & RELATIVE else op[A] < size
        return there != (op[FLAGS] & NEGATED != 0), last
    there, value = _number(data, begin, size, op, last)
    if not there:
        return False, last
    if kind == TEST:
        return _tested(op, value), last
    place = _jumped(op, value, size, last)
    return place >= 0, place


@internal
def _holds(data, begin, size, start, ops, first, last_op, patterns, places, lasts, ats):
    """Whether `ops[first:last_op]` agree with `data[begin : begin + size]`, at `start` of its stream.

    `places`, `lasts`, `ats` (i8, MOST_OPS) are room for the contents that may be found again further on.
    """
    depth = 0
    at = np.int64(first)
    last = np.int64(0)
    steps = 0
    while True:
        if at == last_op:
            return True
        steps += 1
        if steps > MOST_STEPS:
            return False
        op = ops[at]
        agrees = False
        if op[KIND] == CONTENT:
            place = _find(data, begin, size, op, patterns, last, np.int64(-1), start)
            if op[FLAGS] & NEGATED:
                agrees = place < 0
            elif op[FLAGS] & SOMEWHERE:
                if place < 0:
                    return False
                agrees = True
            elif place >= 0:
                ats[depth], places[depth], lasts[depth] = at, place, last
                depth += 1
                last = place + op[LENGTH]
                agrees = True
        else:
            agrees, last = _simple(data, begin, size, op, last)
        if agrees:
            at += 1
            continue
        again = False
        while depth > 0:
            top = ats[depth - 1]
            if steps > MOST_STEPS:
                return False
            if not ops[top, FLAGS] & RETRY:
                depth -= 1
                continue
            steps += 1
            before = lasts[depth - 1]
            place = _find(data, begin, size, ops[top], patterns, before, places[depth - 1] + 1, start)
            if place < 0:
                depth -= 1
                continue
            places[depth - 1] = place
            last = place + ops[top, LENGTH]
            at = top + 1
            again = True
            break
        if not again:
            return False


@bare_kernel
def verify(
    data,
    begins,
    sizes,
    starts,
    looked,
    programs,
    ops,
    first,
    last_op,
    whole,
    patterns,
    places,
    lasts,
    ats,
    out,
):
    """For each pair of bytes and program: NO, YES, or PERHAPS where the program is not whole.

    `looked`: bytes from the start that were looked at before; what agrees with them alone is nothing new.
    A program of -1 always may agree.
    """
    most = len(begins)
    for k in range(most):
        if k + _AHEAD < most:
            prefetch(data, begins[k + _AHEAD])
        program = programs[k]
        if program < 0:
            out[k] = PERHAPS
            continue
        f, n = first[program], last_op[program]
        if not _holds(data, begins[k], sizes[k], starts[k], ops, f, n, patterns, places, lasts, ats):
            out[k] = NO
        elif not whole[program]:
            out[k] = PERHAPS
        elif looked[k] > 0 and _holds(
            data, begins[k], looked[k], starts[k], ops, f, n, patterns, places, lasts, ats
        ):
            out[k] = NO
        else:
            out[k] = YES
