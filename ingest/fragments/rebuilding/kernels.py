"""A datagram from its fragments, where they overlap as the policy has it (Novak, 2005)."""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, internal, load_be16
from ingest.fragments.layout import PAGE

LARGEST = 65535


@internal
def new_wins(policy, new_start, new_end, old_start, old_end):
    """Whether the bytes of the fragment that came later stand where two overlap (Novak, 2005)."""
    if policy == 1:
        return False
    if policy == 2:
        return True
    if policy == 3:
        return new_start <= old_start
    if policy == 4:
        return new_start < old_start and new_end > old_end
    if policy == 5:
        return new_start < old_start and new_end >= old_end
    if policy == 6:
        return new_start >= old_start
    return new_start < old_start


@internal
def complete(d, pieces):
    """Whether every byte of a datagram is here."""
    total = np.int64(d["total"])
    if total < 0 or d["first"] < 0 or d["broken"] != 0:
        return False
    reached = np.int64(0)
    at = np.int64(d["least"])
    while at >= 0 and reached < total:
        piece = pieces[at]
        if piece["start"] > reached:
            return False
        reached = max(reached, np.int64(piece["end"]))
        at = np.int64(piece["next"])
    return reached >= total


@internal
def differs(buffer, source, start, end, piece, pages, following):
    """Whether a fragment's bytes `start` to `end`, at `buffer[source]`, are other than a piece's there."""
    low = max(start, np.int64(piece["start"]))
    high = min(end, np.int64(piece["end"]))
    at = np.int64(piece["header"]) + low - np.int64(piece["start"])
    page = np.int64(piece["page"])
    for _ in range(at // PAGE):
        page = np.int64(following[page])
    at %= PAGE
    for i in range(low, high):
        if at == PAGE:
            page = np.int64(following[page])
            at = np.int64(0)
        if buffer[source + i - start] != pages[page * PAGE + at]:
            return True
        at += 1
    return False


@internal
def _paint(d, pieces, pages, following, owner, policy, out, base):
    """Write the bytes of a datagram to `out[base:]`, where fragments overlap by the policy."""
    total = np.int64(d["total"])
    mixed = d["mixed"] != 0
    if mixed:
        for i in range(total):
            owner[i] = -1
    at = np.int64(d["oldest"])
    while at >= 0:
        piece = pieces[at]
        start = np.int64(piece["start"])
        end = min(np.int64(piece["end"]), total)
        place = np.int64(piece["header"])
        page = np.int64(piece["page"])
        for _ in range(place // PAGE):
            page = np.int64(following[page])
        place %= PAGE
        i = start
        while i < end:
            if place == PAGE:
                page = np.int64(following[page])
                place = np.int64(0)
            part = min(end - i, PAGE - place)
            if not mixed:
                copy_bytes(out, base + i, pages, page * PAGE + place, part)
            else:
                for j in range(part):
                    old = np.int64(owner[i + j])
                    if old < 0 or new_wins(
                        policy, start, np.int64(piece["end"]),
                        np.int64(pieces[old]["start"]), np.int64(pieces[old]["end"]),
                    ):  # fmt: skip
                        owner[i + j] = at
                        out[base + i + j] = pages[page * PAGE + place + j]
            i += part
            place += part
        at = np.int64(piece["later"])


@internal
def _put16(out, at, value):
    out[at] = np.uint8(value >> 8 & 0xFF)
    out[at + 1] = np.uint8(value & 0xFF)


@internal
def rebuild(d, pieces, pages, following, owner, policy, out, base):
    """Write a complete datagram with its headers to `out[base:]`; its length, -1 where it is too long."""
    first = pieces[np.int64(d["first"])]
    header = np.int64(first["header"])
    total = np.int64(d["total"])
    if d["version"] == 4 and header + total > LARGEST:
        return np.int64(-1)
    page = np.int64(first["page"])
    done = np.int64(0)
    while done < header:
        part = min(header - done, PAGE)
        copy_bytes(out, base + done, pages, page * PAGE, part)
        page = np.int64(following[page])
        done += part
    _paint(d, pieces, pages, following, owner, policy, out, base + header)
    if d["version"] == 4:
        _put16(out, base + 2, header + total)
        _put16(out, base + 6, np.int64(load_be16(out, base + 6)) & 0x4000)
        _put16(out, base + 10, 0)
        check = np.int64(0)
        for i in range(header >> 1):
            check += np.int64(load_be16(out, base + 2 * i))
        while check >> 16:
            check = (check & 0xFFFF) + (check >> 16)
        _put16(out, base + 10, ~check & 0xFFFF)
    else:
        length = header - 40 + total
        _put16(out, base + 4, length if length <= LARGEST else 0)
        out[base + np.int64(first["link"])] = first["following"]
    return header + total
