"""Kernels of the stream: rows packed for the way over a cluster, word by word; rows put in order."""

from __future__ import annotations

import numpy as np

from citywall.kernels import U8, bare_kernel, internal, leading_zeros64, load_le64, store_le64

#: What is left of a word by how many of its low bytes are kept.
KEPT = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)
SAMPLE = 64
#: Bytes behind the words' bytes, so that whole words can be written and read everywhere.
SLACK = 8


@internal
def length_of(x):
    """Low bytes of x up to its highest that is not zero."""
    return (np.int64(71) - leading_zeros64(x)) >> np.int64(3)


@internal
def folded(x, before):
    """How far x is from `before`, small numbers of either sign first (zigzag)."""
    d = np.int64(x - before)
    return U8(d << np.int64(1)) ^ U8(d >> np.int64(63))


@internal
def unfolded(x, before):
    """What `folded` was given."""
    return before + ((x >> U8(1)) ^ (U8(0) - (x & U8(1))))


@bare_kernel
def choose(words, steps):
    """See of each column of u64[n, w] whether steps from row to row are shorter: u8[w], 1 where they are.

    By the first rows; a wrong guess costs room, nothing else.
    """
    n = min(np.int64(words.shape[0]), SAMPLE)
    for j in range(words.shape[1]):
        plain = np.int64(0)
        stepped = np.int64(0)
        before = U8(0)
        for i in range(n):
            x = words[i, j]
            plain += length_of(x)
            stepped += length_of(folded(x, before))
            before = x
        steps[j] = np.uint8(stepped < plain)


@bare_kernel
def pack(words, steps, lengths, out):
    """Pack u64[n, w]; returns the bytes written to `out`, SLACK not among them.

    steps: see `choose`. lengths: u8[(n * w + 1) // 2], filled with the length of each word, two a byte, the
    first in the low half. out: u8[8 * n * w + SLACK], filled with the low bytes of the words.
    """
    at = np.int64(0)
    c = np.int64(0)
    for i in range(words.shape[0]):
        for j in range(words.shape[1]):
            x = words[i, j]
            if steps[j] != 0:
                x = folded(x, words[i - 1, j] if i > 0 else U8(0))
            n = length_of(x)
            store_le64(out, at, x)
            at += n
            if c & 1:
                lengths[c >> 1] = np.uint8(np.int64(lengths[c >> 1]) | (n << 4))
            else:
                lengths[c >> 1] = np.uint8(n)
            c += 1
    return at


@bare_kernel
def unpack(lengths, packed, steps, words):
    """Fill u64[n, w] with what `pack` wrote; False where `packed`, SLACK included, is not just that."""
    at = np.int64(0)
    c = np.int64(0)
    end = np.int64(packed.size) - SLACK
    for i in range(words.shape[0]):
        for j in range(words.shape[1]):
            n = np.int64(lengths[c >> 1])
            n = (n >> 4) if c & 1 else (n & 15)
            c += 1
            if n > 8 or at + n > end:
                return False
            x = load_le64(packed, at) & KEPT[n]
            at += n
            if steps[j] != 0:
                x = unfolded(x, words[i - 1, j] if i > 0 else U8(0))
            words[i, j] = x
    return at == end


@bare_kernel
def pick(words, first, second, times, ids):
    """Copy two columns of u64[n, w] out: i64[n], u64[n]; returns whether the first never falls."""
    rises = True
    before = np.int64(-(1 << 62)) * np.int64(2)
    for i in range(words.shape[0]):
        time = np.int64(words[i, first])
        times[i] = time
        ids[i] = words[i, second]
        rises = rises and time >= before
        before = time
    return rises


@bare_kernel
def place(words, places, least, out):
    """Copy rows of u64[n, w] to their `places` (i64[n]), counted from `least`: those that `out` reaches."""
    width = words.shape[1]
    for i in range(words.shape[0]):
        at = places[i] - least
        if 0 <= at < out.shape[0]:
            for j in range(width):
                out[at, j] = words[i, j]
