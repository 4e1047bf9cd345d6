"""The prefilter: which of many literals may be in which of many buffers, in one pass and without case.

Three bytes at every place are hashed into a bitmap that fits the cache; where its bit is set, the literals of
that hash are compared in full. And streams cut into windows, and which packets are the first their way.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel, internal, load_le32

_FOLD = np.uint32(0x202020)
_LOW24 = np.uint32(0xFFFFFF)
_MULTIPLY = np.uint32(0x9E3779B1)


@internal
def _hash(word, shift):
    """The place in the bitmap of the three low bytes, letters folded."""
    return np.int64(np.uint32(((word | _FOLD) & _LOW24) * _MULTIPLY) >> np.uint32(shift))


@internal
def _same(data, at, end, patterns, start, length):
    """Whether a literal (in lower case) stands at a place."""
    if at + length > end:
        return False
    for i in range(length):
        byte = data[at + i]
        if byte >= 65 and byte <= 90:
            byte += 32
        if byte != patterns[start + i]:
            return False
    return True


@bare_kernel
def scan(
    data, starts, lengths, first, bitmap, shift, buckets, entries, offsets, patterns, where, sizes, seen, out
):
    """Literals in the buffers `data[starts[k] : + lengths[k]]`, k from `first` on.

    `buckets` is, by hash, where its part of `entries` (literal numbers) begins; `offsets` is where in each
    literal the three hashed bytes are. `seen` (i8 by literal, -1 at first) keeps pairs from being told twice.
    Returns (pairs told, next buffer): pairs go to `out` as buffer << 32 | literal; the scan stops before a
    buffer for which there might be no room.
    """
    told = 0
    for k in range(first, len(starts)):
        if told + len(sizes) > len(out):
            return told, k
        at = starts[k]
        end = at + lengths[k]
        stop = min(end - 2, len(data) - 3)
        while at < stop:
            place = _hash(load_le32(data, at), shift)
            if (bitmap[place >> 5] >> np.uint32(place & 31)) & np.uint32(1):
                for e in range(buckets[place], buckets[place + 1]):
                    literal = entries[e]
                    begin = at - offsets[literal]
                    if (
                        seen[literal] != k
                        and begin >= starts[k]
                        and _same(data, begin, end, patterns, where[literal], sizes[literal])
                    ):
                        seen[literal] = k
                        out[told] = k << 32 | np.int64(literal)
                        told += 1
            at += 1
    return told, np.int64(len(starts))


@bare_kernel
def gather(tails, sizes, arena, at, lengths, first, out):
    """Of each stream its tail and its pieces, one behind the other."""
    to = np.int64(0)
    source = np.int64(0)
    for g in range(len(sizes)):
        for i in range(sizes[g]):
            out[to + i] = tails[source + i]
        source += sizes[g]
        to += sizes[g]
        for k in range(first[g], first[g + 1]):
            begin = at[k]
            for i in range(lengths[k]):
                out[to + i] = arena[begin + i]
            to += lengths[k]


@internal
def _window(windows, which, told, stream, begin, seen, end, back, frame, piece):
    start = max(begin, seen - back)
    row = windows[told]
    row[0], row[1], row[2], row[3], row[4], row[5] = start, seen, end, start - begin, frame, piece
    which[told] = stream
    return told + 1


@bare_kernel
def cut(
    first, tails, looked, offsets, stops, final, lengths, gaps, frames, message, least, back, windows, which,
    kept,
):  # fmt: skip
    """Windows of streams.

    Stream g (a direction of a flow) has a tail of `tails[g]` bytes from before, of which `looked[g]` were
    looked at and whose first is `offsets[g]` bytes from where bytes began without a gap; then the chunks
    `first[g] : first[g + 1]`. All lie one behind the other. A window is made where `least` bytes came, a
    message is complete, a gap follows, its sender said that it stops (`stops[g]`: at that frame; 0: it did
    not) or the connection is over (`final[g]`: known at that frame; 0: it goes on).

    `windows` (i8[n, 6]): where it starts, from where it is new, where it ends, how far its start is from
    where bytes began without a gap, the frame at which it was known, and the chunk that made it (-1: the end
    of the connection, -2: the stop); `which`: its stream. `kept` (i8[streams, 4]): start and end of the tail
    to be kept, bytes of it looked at, its offset. Returns the number of windows.
    """
    told = 0
    at = np.int64(0)
    for g in range(len(tails)):
        begin = at - offsets[g]
        seen = at + looked[g]
        end = at + tails[g]
        stop = stops[g]
        for i in range(first[g], first[g + 1] + 1):
            last = i == first[g + 1]
            if stop and end > seen and (last or frames[i] > stop):
                told = _window(windows, which, told, g, begin, seen, end, back, stop, -2)
                seen = end
            if last:
                break
            if gaps[i]:
                if end > seen:
                    told = _window(windows, which, told, g, begin, seen, end, back, frames[i], i)
                begin = end
                seen = end
            end += lengths[i]
            if end - seen >= least or message[i] or (stop and frames[i] >= stop):
                told = _window(windows, which, told, g, begin, seen, end, back, frames[i], i)
                seen = end
        if final[g] and end > seen:
            told = _window(windows, which, told, g, begin, seen, end, back, final[g], -1)
            seen = end
        start = max(begin, seen - back)
        kept[g, 0], kept[g, 1], kept[g, 2], kept[g, 3] = start, end, seen - start, start - begin
        at = end
    return told


@bare_kernel
def firsts(flows, directions, known, out):
    """Add 2 to `out` for each packet that is the first its way; `known` (u1 by flow) remembers.

    A packet without a flow is the first its way.
    """
    for i in range(len(flows)):
        flow = flows[i]
        if flow < 0:
            out[i] |= 2
            continue
        bit = 1 << directions[i]
        if not known[flow] & bit:
            known[flow] |= bit
            out[i] |= 2
