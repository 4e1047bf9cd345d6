"""Kernels of the flow-log parsers: text in a byte buffer to spans, spans to numbers.

A *span* is a pair of int64 offsets (start, end) into the buffer; start == end means that the field is
absent. Every kernel gets spans that lie inside the buffer and never reads outside of them. `ok` arrays
are u1: ABSENT, GOOD or BAD.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import U8, hash_address, inline, kernel, mix64

ABSENT, GOOD, BAD, OVERFLOW = 0, 1, 2, 3
# Why a line could not be cut into fields (indices into lines.REASONS).
NONE, TOO_FEW, TOO_MANY, NOT_JSON = 0, 3, 4, 2

_FNV_BASIS = U8(0xCBF29CE484222325)
_FNV_PRIME = U8(0x100000001B3)
_MAX_DEPTH = 60
# What may come next in a JSON text.
_VALUE, _KEY_OR_CLOSE, _KEY, _COMMA_OR_CLOSE, _VALUE_OR_CLOSE, _DONE = 0, 1, 2, 3, 4, 5
_U64_TENTH = U8(((1 << 64) - 1) // 10)
_I64_MAX = U8((1 << 63) - 1)


@inline
def _word(buffer, start, end):
    """FNV-1a of the text in lower case with dots as underscores (names differ by writer in these)."""
    h = _FNV_BASIS
    for i in range(start, end):
        c = np.int64(buffer[i])
        if 65 <= c <= 90:
            c += 32
        elif c == 46:
            c = 95
        h = (h ^ np.uint64(c)) * _FNV_PRIME
    return h


@kernel
def words(buffer, spans, out) -> None:
    """Hash the text of each span (see `fields.word_of`); absent spans give 0."""
    for r in range(spans.shape[0]):
        start, end = spans[r, 0], spans[r, 1]
        out[r] = _word(buffer, start, end) if end > start else U8(0)


@kernel
def delimited_spans(buffer, starts, ends, separator, slots, rules, unset, empty, spans, status) -> None:
    """Cut lines at `separator`.

    `slots[c]` is the row of `spans[line]` that column c goes to, or -1. `rules` holds (quotes, spill,
    trim): whether fields may stand in double quotes, whether columns beyond the last belong to it, and
    whether blanks around a field are dropped. A field equal to the bytes `unset` or `empty` is absent.
    """
    columns = slots.shape[0]
    quotes, spill, trim = rules[0] != 0, rules[1] != 0, rules[2] != 0
    for r in range(starts.shape[0]):
        i, end = starts[r], ends[r]
        column = 0
        while True:
            start = i
            stop = i
            if quotes and i < end and buffer[i] == 34:
                start = i + 1
                i += 1
                while i < end:
                    if buffer[i] == 34:
                        if i + 1 < end and buffer[i + 1] == 34:
                            i += 1
                        else:
                            break
                    i += 1
                stop = i
                while i < end and buffer[i] != separator:
                    i += 1
            else:
                while i < end and buffer[i] != separator:
                    i += 1
                stop = i
            if column < columns:
                slot = slots[column]
                if slot >= 0:
                    if trim:
                        while start < stop and buffer[start] == 32:
                            start += 1
                        while stop > start and buffer[stop - 1] == 32:
                            stop -= 1
                    if _equal(buffer, start, stop, unset) or _equal(buffer, start, stop, empty):
                        stop = start
                    spans[r, slot, 0] = start
                    spans[r, slot, 1] = stop
            column += 1
            if i >= end:
                break
            i += 1
        if column < columns:
            status[r] = TOO_FEW
        elif column > columns and not spill:
            status[r] = TOO_MANY


@inline
def _equal(buffer, start, stop, text):
    if stop - start != text.shape[0]:
        return False
    for k in range(text.shape[0]):
        if buffer[start + k] != text[k]:
            return False
    return True


@inline
def _string_end(buffer, i, end):
    """Offset behind the closing quote of the JSON string that opens at i, or -1 (RFC 8259 §7)."""
    i += 1
    while i < end:
        c = buffer[i]
        if c == 34:
            return i + 1
        if c < 32:
            return -1
        if c == 92:
            i += 1
            if i >= end:
                return -1
            e = buffer[i]
            if e == 117:
                if i + 4 >= end:
                    return -1
                for k in range(1, 5):
                    x = buffer[i + k]
                    if not (48 <= x <= 57 or 65 <= x <= 70 or 97 <= x <= 102):
                        return -1
                i += 4
            elif not (
                e == 34 or e == 92 or e == 47 or e == 98 or e == 102 or e == 110 or e == 114 or e == 116
            ):
                return -1
        i += 1
    return -1


@inline
def _digits_end(buffer, i, end):
    while i < end and 48 <= buffer[i] <= 57:
        i += 1
    return i


@inline
def _number_end(buffer, i, end):
    """Offset behind the JSON number that begins at i, or -1 (RFC 8259 §6)."""
    if i < end and buffer[i] == 45:
        i += 1
    if i >= end:
        return -1
    if buffer[i] == 48:
        i += 1
    elif 49 <= buffer[i] <= 57:
        i = _digits_end(buffer, i, end)
    else:
        return -1
    if i < end and buffer[i] == 46:
        j = _digits_end(buffer, i + 1, end)
        if j == i + 1:
            return -1
        i = j
    if i < end and (buffer[i] == 101 or buffer[i] == 69):
        i += 1
        if i < end and (buffer[i] == 43 or buffer[i] == 45):
            i += 1
        j = _digits_end(buffer, i, end)
        if j == i:
            return -1
        i = j
    return i


@inline
def _literal_end(buffer, i, end):
    """Offset behind `true`, `false` or `null` at i, or -1."""
    c = buffer[i]
    if c == 116 and i + 4 <= end and buffer[i + 1] == 114 and buffer[i + 2] == 117 and buffer[i + 3] == 101:
        return i + 4
    if c == 110 and i + 4 <= end and buffer[i + 1] == 117 and buffer[i + 2] == 108 and buffer[i + 3] == 108:
        return i + 4
    if c == 102 and i + 5 <= end and buffer[i + 1] == 97 and buffer[i + 2] == 108:
        if buffer[i + 3] == 115 and buffer[i + 4] == 101:
            return i + 5
    return -1


@inline
def _json_line(buffer, start, end, keys, spans):
    """One JSON object; fills the spans of the wanted keys of its top level. True when it is whole."""
    expect = _VALUE
    depth = 0
    stack = U8(0)  # one bit a level: 1 is an object
    slot = -1
    value_at = start
    i = start
    while i < end:
        c = buffer[i]
        if c == 32 or c == 9 or c == 13:
            i += 1
            continue
        closing = False
        if expect == _COMMA_OR_CLOSE:
            if c == 44:
                expect = _KEY if stack & U8(1) else _VALUE
                i += 1
                continue
            closing = True
        elif expect == _KEY_OR_CLOSE or expect == _KEY:
            if c == 34:
                stop = _string_end(buffer, i, end)
                if stop < 0:
                    return False
                if depth == 1:
                    slot = -1
                    h = _word(buffer, i + 1, stop - 1)
                    for k in range(keys.shape[0]):
                        if keys[k] == h:
                            slot = k
                i = stop
                while i < end and (buffer[i] == 32 or buffer[i] == 9 or buffer[i] == 13):
                    i += 1
                if i >= end or buffer[i] != 58:
                    return False
                i += 1
                expect = _VALUE
                continue
            if expect == _KEY:
                return False
            closing = True
        elif expect == _DONE:
            return False
        elif expect == _VALUE_OR_CLOSE and c == 93:
            closing = True
        if closing:
            is_object = (stack & U8(1)) != U8(0)
            if (c == 125 and is_object) or (c == 93 and not is_object):
                depth -= 1
                stack = stack >> U8(1)
                i += 1
                if depth == 1 and slot >= 0:
                    spans[slot, 0] = value_at
                    spans[slot, 1] = i
                expect = _DONE if depth == 0 else _COMMA_OR_CLOSE
                continue
            return False
        # a value begins here
        if c == 123 or c == 91:
            if depth == 0 and c != 123:
                return False
            if depth >= _MAX_DEPTH:
                return False
            if depth == 1:
                value_at = i
            depth += 1
            stack = stack << U8(1)
            if c == 123:
                stack = stack | U8(1)
                expect = _KEY_OR_CLOSE
            else:
                expect = _VALUE_OR_CLOSE
            i += 1
            continue
        if depth == 0:
            return False
        first, last = i, i
        if c == 34:
            stop = _string_end(buffer, i, end)
            first, last = i + 1, stop - 1
        elif c == 45 or 48 <= c <= 57:
            stop = _number_end(buffer, i, end)
            last = stop
        else:
            stop = _literal_end(buffer, i, end)
            last = first if c == 110 else stop
        if stop < 0:
            return False
        if depth == 1 and slot >= 0:
            spans[slot, 0] = first
            spans[slot, 1] = last
        i = stop
        expect = _COMMA_OR_CLOSE
    return expect == _DONE


@kernel
def json_spans(buffer, starts, ends, keys, spans, status) -> None:
    """Read each line as one JSON object (RFC 8259) and give the spans of its values.

    `keys` are the hashes of the wanted names, row k of `spans[line]` belongs to `keys[k]`. Of a name
    given twice the last counts. Strings lose their quotes, null is absent, objects and arrays keep their
    brackets. Lines that are not one whole object get status NOT_JSON.
    """
    for r in range(starts.shape[0]):
        if not _json_line(buffer, starts[r], ends[r], keys, spans[r]):
            status[r] = NOT_JSON


@inline
def _is_name(c):
    """Letters, digits and `_.-@`."""
    return 97 <= c <= 122 or 65 <= c <= 90 or 48 <= c <= 57 or c == 95 or c == 46 or c == 45 or c == 64


@kernel
def pair_spans(buffer, starts, ends, keys, spans) -> None:
    """Spans of the values of `key=value` and `key="value"` in each line.

    Of a key given twice the last counts. A value without quotes ends at a blank; commas and semicolons
    behind it are not its own. Quotes may be escaped by a backslash, which stays. `keys` are the hashes of
    the wanted names.
    """
    for r in range(starts.shape[0]):
        i, end = starts[r], ends[r]
        while i < end:
            start = i
            while i < end and _is_name(buffer[i]):
                i += 1
            if i == start or i >= end or buffer[i] != 61:
                if i == start:
                    i += 1
                continue
            h = _word(buffer, start, i)
            i += 1
            if i < end and buffer[i] == 34:
                i += 1
                first = i
                while i < end and buffer[i] != 34:
                    i += 2 if buffer[i] == 92 else 1
                last = min(i, end)
                i = last + 1
            else:
                first = i
                while i < end and buffer[i] != 32 and buffer[i] != 9:
                    i += 1
                last = i
                while last > first and (buffer[last - 1] == 44 or buffer[last - 1] == 59):
                    last -= 1
            for k in range(keys.shape[0]):
                if keys[k] == h:
                    spans[r, k, 0] = first
                    spans[r, k, 1] = last


@inline
def _decimal(buffer, start, end, power):
    """Decimal text times 10**power as (int64, GOOD|BAD|OVERFLOW), halves rounded away from zero.

    19 significant digits count; what follows is cut off.
    """
    i = start
    negative = False
    if i < end and (buffer[i] == 45 or buffer[i] == 43):
        negative = buffer[i] == 45
        i += 1
    mantissa = U8(0)
    digits, scale, exponent = 0, 0, 0
    seen, point = False, False
    while i < end:
        c = np.int64(buffer[i])
        if c == 46 and not point:
            point = True
        elif 48 <= c <= 57:
            seen = True
            if digits < 19:
                mantissa = mantissa * U8(10) + np.uint64(c - 48)
                if mantissa > U8(0):
                    digits += 1
                if point:
                    scale += 1
            elif not point:
                scale -= 1
        else:
            break
        i += 1
    if not seen:
        return np.int64(0), BAD
    if i < end:
        if buffer[i] != 101 and buffer[i] != 69:
            return np.int64(0), BAD
        i += 1
        minus = False
        if i < end and (buffer[i] == 45 or buffer[i] == 43):
            minus = buffer[i] == 45
            i += 1
        if i >= end:
            return np.int64(0), BAD
        while i < end:
            c = np.int64(buffer[i])
            if not 48 <= c <= 57:
                return np.int64(0), BAD
            if exponent < 1_000_000_000:
                exponent = exponent * 10 + (c - 48)
            i += 1
        if minus:
            exponent = -exponent
    shift = power + exponent - scale
    if mantissa == U8(0):
        return np.int64(0), GOOD
    if shift >= 0:
        if shift > 19:
            return np.int64(0), OVERFLOW
        for _ in range(shift):
            if mantissa > _U64_TENTH:
                return np.int64(0), OVERFLOW
            mantissa = mantissa * U8(10)
    elif shift < -19:
        mantissa = U8(0)
    else:
        divisor = U8(1)
        for _ in range(-shift):
            divisor = divisor * U8(10)
        quotient = mantissa // divisor
        rest = mantissa - quotient * divisor
        if rest >= divisor - rest:
            quotient = quotient + U8(1)
        mantissa = quotient
    if mantissa > _I64_MAX:
        return np.int64(0), OVERFLOW
    value = np.int64(mantissa)
    return (-value if negative else value), GOOD


@kernel
def decimals(buffer, spans, power, out, ok) -> None:
    """Decimal numbers (`12`, `0.5`, `9.1e-05`) or `0x` hexadecimal ones, times 10**power, as int64."""
    for r in range(spans.shape[0]):
        start, end = spans[r, 0], spans[r, 1]
        if end <= start:
            out[r], ok[r] = 0, ABSENT
            continue
        if end - start > 2 and buffer[start] == 48 and (buffer[start + 1] == 120 or buffer[start + 1] == 88):
            value, good = np.int64(0), end - start <= 10
            for i in range(start + 2, end):
                c = np.int64(buffer[i])
                if 48 <= c <= 57:
                    d = c - 48
                elif 97 <= c <= 102:
                    d = c - 87
                elif 65 <= c <= 70:
                    d = c - 55
                else:
                    d = np.int64(0)
                    good = False
                if good:
                    value = value * 16 + d
            out[r] = value * np.int64(10) ** np.int64(power) if good else 0
            ok[r] = GOOD if good else BAD
            continue
        number, kind = _decimal(buffer, start, end, power)
        out[r] = number
        ok[r] = GOOD if kind == GOOD else BAD


@inline
def _two(buffer, i):
    """Two digits at i as a number, or -1."""
    a, b = np.int64(buffer[i]) - 48, np.int64(buffer[i + 1]) - 48
    if 0 <= a <= 9 and 0 <= b <= 9:
        return a * 10 + b
    return -1


@inline
def _date_time(buffer, start, end):
    """`YYYY-MM-DD[T ]HH:MM:SS[.fff][Z|+HH:MM]` (also with slashes) as (ns since the epoch, ok); UTC."""
    if end - start < 19:
        return np.int64(0), False
    century, year = _two(buffer, start), _two(buffer, start + 2)
    month, day = _two(buffer, start + 5), _two(buffer, start + 8)
    hour, minute, second = _two(buffer, start + 11), _two(buffer, start + 14), _two(buffer, start + 17)
    if min(century, year, month, day, hour, minute, second) < 0:
        return np.int64(0), False
    year += century * 100
    mark = buffer[start + 4]
    if (mark != 45 and mark != 47) or buffer[start + 7] != mark:
        return np.int64(0), False
    gap = buffer[start + 10]
    if (gap != 84 and gap != 116 and gap != 32) or buffer[start + 13] != 58 or buffer[start + 16] != 58:
        return np.int64(0), False
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    month_days = 31
    if month == 2:
        month_days = 29 if leap else 28
    elif month == 4 or month == 6 or month == 9 or month == 11:
        month_days = 30
    if not (1970 <= year <= 2261 and 1 <= month <= 12 and 1 <= day <= month_days):
        return np.int64(0), False
    if hour > 23 or minute > 59 or second > 59:
        return np.int64(0), False
    i = start + 19
    fraction = np.int64(0)
    if i < end and (buffer[i] == 46 or buffer[i] == 44):
        i += 1
        places = 0
        while i < end and 48 <= buffer[i] <= 57:
            if places < 9:
                fraction = fraction * 10 + (np.int64(buffer[i]) - 48)
                places += 1
            i += 1
        if places == 0:
            return np.int64(0), False
        for _ in range(9 - places):
            fraction *= 10
    offset = np.int64(0)
    if i < end:
        c = buffer[i]
        if c == 90 or c == 122:
            i += 1
        elif c == 43 or c == 45:
            size = end - i
            at = i + 4 if size == 6 and buffer[i + 3] == 58 else i + 3
            if size != 5 and not (size == 6 and buffer[i + 3] == 58):
                return np.int64(0), False
            h, m = _two(buffer, i + 1), _two(buffer, at)
            if h < 0 or m < 0 or h > 23 or m > 59:
                return np.int64(0), False
            offset = np.int64(h * 60 + m) * 60
            if c == 45:
                offset = -offset
            i = end
    if i != end:
        return np.int64(0), False
    # Days since the epoch in the proleptic Gregorian calendar, years counted from March.
    y = year - 1 if month <= 2 else year
    m = month + 9 if month <= 2 else month - 3
    era = y // 400
    of_era = y - era * 400
    days = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + (153 * m + 2) // 5 + day - 1 - 719468
    seconds = np.int64(days) * 86400 + hour * 3600 + minute * 60 + second - offset
    return seconds * 1_000_000_000 + fraction, True


@kernel
def times(buffer, spans, out, ok) -> None:
    """Times as ns since the epoch from decimal seconds or a calendar date (UTC where no zone is told).

    A number too large to be seconds in int64 nanoseconds is taken for milliseconds.
    """
    for r in range(spans.shape[0]):
        start, end = spans[r, 0], spans[r, 1]
        if end <= start:
            out[r], ok[r] = 0, ABSENT
            continue
        if end - start >= 19 and (buffer[start + 4] == 45 or buffer[start + 4] == 47):
            value, good = _date_time(buffer, start, end)
        else:
            value, kind = _decimal(buffer, start, end, 9)
            if kind == OVERFLOW:
                value, kind = _decimal(buffer, start, end, 6)
            good = kind == GOOD
        out[r] = value if good else 0
        ok[r] = GOOD if good else BAD


@inline
def _ipv4(buffer, start, end):
    """Dotted quad without leading zeros as (u64, ok)."""
    value = U8(0)
    i = start
    for k in range(4):
        if k > 0:
            if i >= end or buffer[i] != 46:
                return U8(0), False
            i += 1
        octet, digits = np.int64(0), 0
        first = i
        while i < end and 48 <= buffer[i] <= 57 and digits < 4:
            octet = octet * 10 + (np.int64(buffer[i]) - 48)
            digits += 1
            i += 1
        if digits == 0 or digits > 3 or octet > 255 or (digits > 1 and buffer[first] == 48):
            return U8(0), False
        value = (value << U8(8)) | np.uint64(octet)
    return value, i == end


@inline
def _ipv6(buffer, start, end):
    """IPv6 text (RFC 4291 §2.2, no zone) as (hi, lo, ok)."""
    head_hi, head_lo, tail_hi, tail_lo = U8(0), U8(0), U8(0), U8(0)
    head, tail = 0, 0
    gap = False
    i = start
    zero = U8(0)
    if end - start < 2 or end - start > 45:
        return zero, zero, False
    if buffer[i] == 58:
        if buffer[i + 1] != 58:
            return zero, zero, False
        gap = True
        i += 2
    while i < end:
        group, digits = U8(0), 0
        first = i
        while i < end and digits < 5:
            c = np.int64(buffer[i])
            if 48 <= c <= 57:
                d = c - 48
            elif 97 <= c <= 102:
                d = c - 87
            elif 65 <= c <= 70:
                d = c - 55
            else:
                break
            group = (group << U8(4)) | np.uint64(d)
            digits += 1
            i += 1
        rounds = 1
        low = U8(0)
        if i < end and buffer[i] == 46:
            quad, good = _ipv4(buffer, first, end)
            if not good:
                return zero, zero, False
            group, low, rounds = quad >> U8(16), quad & U8(0xFFFF), 2
            i = end
        elif digits == 0 or digits > 4:
            return zero, zero, False
        for k in range(rounds):
            value = group if k == 0 else low
            if gap:
                tail_hi = (tail_hi << U8(16)) | (tail_lo >> U8(48))
                tail_lo = (tail_lo << U8(16)) | value
                tail += 1
            else:
                head_hi = (head_hi << U8(16)) | (head_lo >> U8(48))
                head_lo = (head_lo << U8(16)) | value
                head += 1
        if head + tail > 8:
            return zero, zero, False
        if i == end:
            break
        if buffer[i] != 58:
            return zero, zero, False
        i += 1
        if i == end:
            return zero, zero, False
        if buffer[i] == 58:
            if gap:
                return zero, zero, False
            gap = True
            i += 1
    if (not gap and head != 8) or (gap and head + tail > 7):
        return zero, zero, False
    for _ in range(8 - head):
        head_hi = (head_hi << U8(16)) | (head_lo >> U8(48))
        head_lo = head_lo << U8(16)
    return head_hi | tail_hi, head_lo | tail_lo, True


@kernel
def addresses(buffer, spans, hi, lo, ok) -> None:
    """IPv4 and IPv6 text to two words (`citywall.addresses`)."""
    for r in range(spans.shape[0]):
        start, end = spans[r, 0], spans[r, 1]
        hi[r], lo[r], ok[r] = U8(0), U8(0), ABSENT
        if end <= start:
            continue
        quad, good = _ipv4(buffer, start, end)
        if good:
            lo[r] = U8(0xFFFF_0000_0000) | quad
        else:
            h, low, good = _ipv6(buffer, start, end)
            hi[r], lo[r] = h, low
        ok[r] = GOOD if good else BAD


@kernel
def macs(buffer, spans, out) -> None:
    """`aa:bb:cc:dd:ee:ff` to 48 bits; anything else is 0 (a MAC is never worth a line)."""
    for r in range(spans.shape[0]):
        start, end = spans[r, 0], spans[r, 1]
        value, good = U8(0), end - start == 17
        if good:
            for k in range(17):
                c = np.int64(buffer[start + k])
                if k % 3 == 2:
                    good = good and c == 58
                    continue
                if 48 <= c <= 57:
                    d = c - 48
                elif 97 <= c <= 102:
                    d = c - 87
                elif 65 <= c <= 70:
                    d = c - 55
                else:
                    d = np.int64(0)
                    good = False
                value = (value << U8(4)) | np.uint64(d)
        out[r] = value if good else U8(0)


@inline
def _history_letter(c):
    """TCP flags of one letter of a Zeek history, in lower case."""
    if c == 115:  # s: SYN
        return 2
    if c == 104:  # h: SYN+ACK
        return 18
    if c == 97:  # a: pure ACK
        return 16
    if c == 100:  # d: data
        return 24
    if c == 102:  # f: FIN
        return 17
    if c == 114:  # r: RST
        return 4
    if c == 105:  # i: FIN+RST
        return 5
    if c == 113:  # q: SYN with FIN or RST
        return 3
    return 0


@kernel
def history_flags(buffer, spans, src, dst, first) -> None:
    """TCP flags told by Zeek's history, or-ed into `src` and `dst`; of the first packet in `first`.

    Upper case letters are the originator's (`conn.log` of the Zeek reference).
    """
    for r in range(spans.shape[0]):
        for i in range(spans[r, 0], spans[r, 1]):
            c = np.int64(buffer[i])
            upper = 65 <= c <= 90
            flags = _history_letter(c + 32 if upper else c)
            if flags == 0:
                continue
            if first[r] == 0:
                first[r] = flags
            if upper:
                src[r] |= np.uint8(flags)
            else:
                dst[r] |= np.uint8(flags)


@kernel
def state_flags(buffer, spans, src, dst, ok) -> None:
    """TCP flags of an Argus state like `SRPA_SA`: the initiator's letters, `_`, the responder's."""
    for r in range(spans.shape[0]):
        start, end = spans[r, 0], spans[r, 1]
        a, b, marks, good = 0, 0, 0, end > start
        for i in range(start, end):
            c = np.int64(buffer[i])
            bit = 0
            if c == 95:
                marks += 1
            elif c == 70:
                bit = 1
            elif c == 83:
                bit = 2
            elif c == 82:
                bit = 4
            elif c == 80:
                bit = 8
            elif c == 65:
                bit = 16
            elif c == 85:
                bit = 32
            elif c == 69:
                bit = 64
            elif c == 67:
                bit = 128
            else:
                good = False
            if marks == 0:
                a |= bit
            else:
                b |= bit
        good = good and marks == 1
        src[r] = a if good else 0
        dst[r] = b if good else 0
        ok[r] = GOOD if good else (BAD if end > start else ABSENT)


@kernel
def flow_ids(src_hi, src_lo, dst_hi, dst_lo, ports, proto, vlan, first, line, out) -> None:
    """Ids from the flow's key, start and line, the same in every run."""
    for r in range(out.shape[0]):
        salt = (np.uint64(ports[r]) << U8(32)) | (np.uint64(vlan[r]) << U8(8)) | np.uint64(proto[r])
        h = hash_address(src_hi[r], src_lo[r], salt)
        h = hash_address(dst_hi[r], dst_lo[r], h)
        out[r] = mix64(h ^ mix64(np.uint64(first[r]) ^ mix64(np.uint64(line[r]))))


@inline
def _mean(size, packets):
    return np.float64(size) / np.float64(max(packets, U8(1)))


@kernel
def closed_flows(flows, src_mac, dst_mac, out) -> None:
    """Fill blank CLOSED rows with what FLOW rows tell: mean sizes, each flag seen counted once."""
    for r in range(out.shape[0]):
        f, c = flows[r], out[r]
        c["flow_id"] = f["flow_id"]
        c["src_mac"] = src_mac[r]
        c["dst_mac"] = dst_mac[r]
        c["both_size_mean"] = _mean(f["src_bytes"] + f["dst_bytes"], f["src_packets"] + f["dst_packets"])
        c["src_size_mean"] = _mean(f["src_bytes"], f["src_packets"])
        c["dst_size_mean"] = _mean(f["dst_bytes"], f["dst_packets"])
        flags = np.uint32(f["src_flags"])
        c["src_fin"] = flags & 1
        c["src_syn"] = flags >> 1 & 1
        c["src_rst"] = flags >> 2 & 1
        c["src_psh"] = flags >> 3 & 1
        c["src_ack"] = flags >> 4 & 1
        c["src_urg"] = flags >> 5 & 1
        c["src_ece"] = flags >> 6 & 1
        c["src_cwr"] = flags >> 7 & 1
        flags = np.uint32(f["dst_flags"])
        c["dst_fin"] = flags & 1
        c["dst_syn"] = flags >> 1 & 1
        c["dst_rst"] = flags >> 2 & 1
        c["dst_psh"] = flags >> 3 & 1
        c["dst_ack"] = flags >> 4 & 1
        c["dst_urg"] = flags >> 5 & 1
        c["dst_ece"] = flags >> 6 & 1
        c["dst_cwr"] = flags >> 7 & 1


@inline
def _is_item(c):
    """Whether a byte belongs to an item of a list: `["a","b"]` as JSON has it, `a,b` as columns do."""
    return c != 44 and c != 34 and c != 91 and c != 93 and c > 32


@kernel
def separators(buffer, spans):
    """How many commas there are in the spans."""
    n = 0
    for r in range(spans.shape[0]):
        for i in range(spans[r, 0], spans[r, 1]):
            if buffer[i] == 44:
                n += 1
    return n


@kernel
def items(buffer, spans, words, places, rows):
    """The items of each list: their `words`, their places in it (65,535 at the most) and which list it is.

    There is room for `separators` and one for each list; what blanks cut stays one item. Returns how many.
    """
    n = 0
    for r in range(spans.shape[0]):
        i, end = spans[r, 0], spans[r, 1]
        place = 0
        while i < end:
            while i < end and not _is_item(buffer[i]):
                i += 1
            start = i
            while i < end and buffer[i] != 44 and buffer[i] != 34 and buffer[i] != 93:
                i += 1
            if i > start:
                words[n] = _word(buffer, start, i)
                places[n] = min(place, 65535)
                rows[n] = r
                place += 1
                n += 1
            while i < end and buffer[i] != 44:
                i += 1
    return n


@kernel
def listed(buffer, spans, rooms, out) -> None:
    """Each list's items one after another with a blank between, as many whole ones as `rooms` bytes hold.

    Letters become small, what is no plain character a question mark.
    """
    for r in range(spans.shape[0]):
        i, end = spans[r, 0], spans[r, 1]
        at = np.int64(0)
        while i < end:
            while i < end and not _is_item(buffer[i]):
                i += 1
            start = i
            while i < end and _is_item(buffer[i]):
                i += 1
            to = at + np.int64(at > 0)
            if i == start:
                continue
            if to + i - start > rooms[r]:
                break
            for k in range(start, i):
                c = np.int64(buffer[k])
                if 65 <= c <= 90:
                    c += 32
                elif c > 126:
                    c = np.int64(63)
                out[r, to + k - start] = c
            at = to + (i - start)
