"""The prefilter: which of many literals may be in which of many buffers, in one pass and without case.

Four bytes at every second place are hashed into a map of bits that fits the cache; where literals are known
by that hash, they are compared, eight bytes at once and then in full. And streams cut into windows.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel, copy_bytes, internal, load_le16, load_le32, load_le64, prefetch

_FOLD = np.uint32(0x20202020)
_MULTIPLY = np.uint32(0x9E3779B1)
_FOLD8 = np.uint64(0x2020202020202020)
_TWO = np.uint32(16)
#: Places that are hashed before what was found at them is looked at.
AT_ONCE = 1024
#: Buffers whose first bytes are fetched ahead.
_AHEAD = 4
#: Bits that the hash of four bytes has more than the number of its bucket.
BUCKET = 3
_BUCKET = np.uint32(BUCKET)
#: What four bytes stand for: `word` is up to eight bytes of a literal under `mask`, letters folded, from
#: `word_back` before the four on; the literal begins `back` before them.
ENTRY = np.dtype(
    [("word", "u8"), ("mask", "u8"), ("literal", "i4"), ("word_back", "i4"), ("back", "i4"), ("spare", "i4")]
)


@internal
def _hash(word, shift):
    """The place in the map of four bytes, letters folded."""
    return np.uint32((word | _FOLD) * _MULTIPLY) >> np.uint32(shift)


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


@internal
def _mark(data, start, stop, end, bounds, marks):
    """Mark the parts that a literal at `start`, up to `stop`, stands in, and all that repeats it behind that.

    Where a repetition goes on the literal is not looked for again.
    """
    while stop < end and data[stop] == data[stop - 2]:
        stop += 1
    part = max(np.searchsorted(bounds, start, "right") - 1, 0)
    while part < len(bounds) and bounds[part] < stop:
        marks[part] = 1
        part += 1


@bare_kernel
def scan(
    data, starts, lengths, first, known, shift, buckets, entries, patterns, where, sizes, telling, bounds,
    marks, seen, hashes, found, out,
):  # fmt: skip
    """Literals in the buffers `data[starts[k] : + lengths[k]]`, k from `first` on; 8 bytes follow each.

    Every second place is looked at: each literal is known by four bytes for either way it may lie. First the
    places whose hash is known (a bit of `known`, which has one more for none) are gathered, which takes no
    branch; then what they stand for is looked at, for which it is fetched ahead. `buckets` is, by hash less
    its last BUCKET bits, where its part of `entries` (ENTRY) begins. A place whose four bytes are those two
    before it is passed over (`literals.py` says why nothing is missed). `seen` (i8 by literal, -1 at first)
    keeps pairs from being told twice. Literals from `telling` on are not told: they mark the parts of `data`
    they stand in, or more; part i begins at `bounds[i]`, in order. `hashes` (u4) and `found` (i8) are room
    for AT_ONCE, and one.
    Returns (pairs told, next buffer): pairs go to `out` as buffer << 32 | literal; the scan stops before a
    buffer for which there might be no room.
    """
    told = 0
    nowhere = np.uint32(1) << np.uint32(32 - shift)
    for k in range(first, len(starts)):
        if told + len(sizes) > len(out):
            return told, k
        if k + _AHEAD < len(starts):
            prefetch(data, starts[k + _AHEAD])
        begin = starts[k]
        end = begin + lengths[k]
        stop = end - 2
        base = begin
        while base < stop:
            m = (min(stop, base + 2 * AT_ONCE) - base + 1) >> 1
            first_here = np.int64(base == begin)  # there is nothing before it
            hashes[0] = _hash(load_le32(data, base), shift)
            for j in range(first_here, m):  # read by two bytes, the compiler takes many at once
                at = base + 2 * j
                here = np.uint32(load_le16(data, at))
                word = here | np.uint32(load_le16(data, at + 2)) << _TWO
                before = np.uint32(load_le16(data, at - 2)) | here << _TWO
                hashes[j] = _hash(word, shift) if word != before else nowhere
            n = np.int64(0)
            for j in range(m):
                place = np.int64(hashes[j])
                found[n] = j
                n += np.int64(known[place >> 3] >> np.uint8(place & 7) & np.uint8(1))
            for h in range(n):
                prefetch(buckets, np.int64(hashes[found[h]] >> _BUCKET) * buckets.itemsize)
            for h in range(n):
                prefetch(entries, np.int64(buckets[hashes[found[h]] >> _BUCKET]) * entries.itemsize)
            for h in range(n):
                bucket = np.int64(hashes[found[h]] >> _BUCKET)
                at = base + 2 * found[h]
                for e in range(buckets[bucket], buckets[bucket + 1]):
                    entry = entries[e]
                    literal = np.int64(entry["literal"])
                    start = at - entry["back"]
                    if start < begin or seen[literal] == k:
                        continue
                    word = load_le64(data, at - entry["word_back"]) | _FOLD8
                    if word & entry["mask"] != entry["word"]:
                        continue
                    if not _same(data, start, end, patterns, where[literal], sizes[literal]):
                        continue
                    if literal >= telling:
                        _mark(data, start, start + sizes[literal], end, bounds, marks)
                    else:
                        seen[literal] = k
                        out[told] = k << 32 | literal
                        told += 1
            base += 2 * m
    return told, np.int64(len(starts))


@bare_kernel
def gather(tails, places, sizes, arena, at, lengths, first, out):
    """Of each stream its tail and its pieces, one behind the other."""
    to = np.int64(0)
    for g in range(len(sizes)):
        copy_bytes(out, to, tails, places[g], sizes[g])
        to += sizes[g]
        for k in range(first[g], first[g + 1]):
            copy_bytes(out, to, arena, at[k], lengths[k])
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
def spread(first, last, literals, seen, begin, out):
    """Of each window the literals of a range of what was found, each once, windows from `begin` on.

    `seen` (i8 by literal, -1 at first) remembers. Pairs go to `out` as window << 32 | literal; stops before a
    window for which there might be no room: returns (pairs told, next window).
    """
    told = 0
    for k in range(begin, len(first)):
        if told + last[k] - first[k] > len(out):
            return told, np.int64(k)
        for i in range(first[k], last[k]):
            literal = literals[i]
            if seen[literal] != k:
                seen[literal] = k
                out[told] = k << 32 | literal
                told += 1
    return told, np.int64(len(first))


@bare_kernel
def messages(first, frames, sides, ends, out):
    """Mark the pieces that completed messages: of a stream those that were known at the frame of an end.

    Pieces of stream g are `first[g] : first[g + 1]`, in order of `frames`; `sides[i]`: the stream of end i.
    """
    for i in range(len(sides)):
        g = sides[i]
        stop = first[g + 1]
        left, right = first[g], stop
        while left < right:
            middle = (left + right) >> 1
            if frames[middle] < ends[i]:
                left = middle + 1
            else:
                right = middle
        while left < stop and frames[left] == ends[i]:
            out[left] = True
            left += 1


@internal
def _first_at(frames, fresh, frame):
    """The first row, from `fresh` on, of a frame; any where it is not there. Most count on by one."""
    row = fresh + frame - frames[fresh]
    if row < fresh or row >= len(frames) or frames[row] != frame:
        return np.searchsorted(frames, frame)
    while row > fresh and frames[row - 1] == frame:
        row -= 1
    return row


@internal
def _alike(one, a, other, b, n):
    """Whether n bytes of two buffers are alike."""
    words = n >> 3
    differs = np.uint64(0)
    for k in range(words):
        differs |= load_le64(one, a + 8 * k) ^ load_le64(other, b + 8 * k)
    for k in range(8 * words, n):
        differs |= np.uint64(one[a + k] ^ other[b + k])
    return differs == np.uint64(0)


@bare_kernel
def covered(
    buffer, at, sizes, frames, flow, side, fresh, arena, begins, lengths, sides, arrived, looked, marks, out,
):  # fmt: skip
    """Mark packets whose payload is, byte for byte, a part of a stream that was looked through unmarked.

    Packets, from row `fresh` on: where their payload begins in the buffer and its size, frame, flow, side.
    Parts: where each begins in the arena, its length, twice the flow and the side, the frame that it came
    with, whether it was looked through.
    """
    if fresh >= len(frames):
        return
    for i in range(len(begins)):
        if not looked[i] or marks[i] or arrived[i] < frames[fresh]:
            continue
        row = _first_at(frames, fresh, arrived[i])
        while row < len(frames) and frames[row] == arrived[i]:
            mine = flow[row] * 2 + side[row] == sides[i] and sizes[row] == lengths[i]
            if mine and _alike(arena, begins[i], buffer, at[row], lengths[i]):
                out[row] = True
            row += 1
