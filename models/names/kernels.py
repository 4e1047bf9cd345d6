"""What the registered label of a domain name looks like, name after name.

Characters are 0 to 25 for letters of either case, 26 to 35 for digits, 36 for a hyphen, 37 for anything
else. A key is up to eleven of them as digits of base 40, so that a word is a number.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel, internal

CHARACTERS = 38
OTHER = 37
_BASE = np.int64(40)
#: Longest word a key holds, and longest label looked at.
LONGEST_WORD = 11
LABEL = 63
FEATURES = 16
_EDGE = 36  # a label begins and ends as at a hyphen


@internal
def character(byte):
    """The class of a byte."""
    c = np.int64(byte)
    if 97 <= c <= 122:
        return c - 97
    if 65 <= c <= 90:
        return c - 65
    if 48 <= c <= 57:
        return c - 22
    if c == 45:
        return np.int64(36)
    return np.int64(37)


@internal
def holds(keys, key):
    """Whether sorted `keys` hold `key`."""
    low, high = 0, keys.size
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low < keys.size and keys[low] == key


@internal
def key_of(text, low, high):
    """The key of `text[low:high]`, at most LONGEST_WORD bytes."""
    key = np.int64(0)
    for i in range(low, high):
        key = key * _BASE + character(text[i]) + 1
    return key


@internal
def dot_before(text, low, high):
    """Where the last dot of `text[low:high]` is, or `low - 1`."""
    i = high - 1
    while i >= low and text[i] != 46:
        i -= 1
    return i


@internal
def covered(codes, n, keys, least, best):
    """How many of `n` characters words from `keys` of `least` or more can cover, without overlap."""
    best[0] = 0
    for end in range(1, n + 1):
        best[end] = best[end - 1]
        for size in range(least, min(LONGEST_WORD, end) + 1):
            if best[end - size] + size <= best[end]:
                continue
            key = np.int64(0)
            for i in range(end - size, end):
                key = key * _BASE + codes[i] + 1
            if holds(keys, key):
                best[end] = best[end - size] + size
    return best[n]


@bare_kernel
def labels(text, offsets, seconds, out):
    """Where the registered label of each name is: `out[i] = (begin, end)` within `text`.

    The label before the last, or the one before that where the last has two letters and the label before it
    is a common second level (`seconds`: keys of `com`, `gov` and the like). A final dot is nothing.
    """
    for i in range(offsets.size - 1):
        low, high = np.int64(offsets[i]), np.int64(offsets[i + 1])
        if high > low and text[high - 1] == 46:
            high -= 1
        last = dot_before(text, low, high)
        if last >= low:
            before = dot_before(text, low, last)
            if (
                before >= low
                and high - last == 3
                and last - before <= 5
                and holds(seconds, key_of(text, before + 1, last))
            ):
                high = before
                before = dot_before(text, low, high)
            else:
                high = last
            low = before + 1
        out[i, 0] = low
        out[i, 1] = min(high, low + LABEL)


@bare_kernel
def features(text, places, likely, syllables, words, codes, best, counts, out):
    """Fill in FEATURES columns a name (`models.names.features.NAMES` says which).

    `likely[a, b, c]` is the logarithm (base 2) of how likely `c` is after `a` and `b` in names that people
    make. `codes` and `best` hold LABEL + 1 numbers each, `counts` CHARACTERS.
    """
    for i in range(places.shape[0]):
        low, n = places[i, 0], places[i, 1] - places[i, 0]
        digits = vowels = letters = hyphens = changes = 0
        run = longest = digit_run = longest_digits = 0
        counts[:] = 0
        total = 0.0
        worst, window = 0.0, 0.0
        a = b = np.int64(_EDGE)
        for j in range(n):
            c = character(text[low + j])
            codes[j] = c
            counts[c] += 1
            p = np.float64(likely[a, b, c])
            total += p
            window += p
            if j >= 4:
                window -= np.float64(
                    likely[codes[j - 6] if j >= 6 else _EDGE, codes[j - 5] if j >= 5 else _EDGE, codes[j - 4]]
                )
            if j >= 3:
                worst = min(worst, window)
            a, b = b, c
            digit = 26 <= c <= 35
            if digit:
                digits += 1
                digit_run += 1
                longest_digits = max(longest_digits, digit_run)
            else:
                digit_run = 0
            if j > 0 and digit != (26 <= codes[j - 1] <= 35):
                changes += 1
            if c < 26:
                letters += 1
            if c == 36:
                hyphens += 1
            if c == 0 or c == 4 or c == 8 or c == 14 or c == 20:
                vowels += 1
                run = 0
            elif c < 26:
                run += 1
                longest = max(longest, run)
            else:
                run = 0
        total += np.float64(likely[a, b, _EDGE])
        entropy, distinct = 0.0, 0
        for c in range(CHARACTERS):
            if counts[c]:
                distinct += 1
                share = counts[c] / n
                entropy -= share * np.log2(share)
        whole = max(n, 1)
        spelled = covered(codes, n, syllables, 1, best)
        told = covered(codes, n, words, 3, best)
        out[i, 0] = n
        out[i, 1] = digits / whole
        out[i, 2] = vowels / max(letters, 1)
        out[i, 3] = longest
        out[i, 4] = longest_digits
        out[i, 5] = distinct / whole
        out[i, 6] = entropy
        out[i, 7] = total
        out[i, 8] = total / (n + 1)
        out[i, 9] = worst
        out[i, 10] = spelled / whole
        out[i, 11] = told / whole
        out[i, 12] = n - spelled
        out[i, 13] = n - told
        out[i, 14] = hyphens
        out[i, 15] = changes
