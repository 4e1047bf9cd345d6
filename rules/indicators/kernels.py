"""Addresses among prefixes, names among domains, requests among URLs: each by hash, then in full.

Tables are open: `slots` holds numbers of entries, -1 where there is none, its size a power of two.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import MIX1, U8, bare_kernel, hash_address, helper, internal, mix64

#: Octets of a request's target that events keep, and that are compared.
_SHOWN = 120
_PRIME = U8(0x100000001B3)


@internal
def _lower(c):
    """A letter in lower case."""
    if 65 <= c <= 90:
        return c + 32
    return np.int64(c)


@internal
def _masked_high(hi, length):
    """The high word of an address cut to a prefix of `length` bits of 128."""
    if length >= 64:
        return hi
    if length == 0:
        return U8(0)
    return hi & (U8(0xFFFFFFFFFFFFFFFF) << U8(64 - length))


@internal
def _masked_low(lo, length):
    """The low word of the same."""
    if length >= 128:
        return lo
    if length <= 64:
        return U8(0)
    return lo & (U8(0xFFFFFFFFFFFFFFFF) << U8(128 - length))


@bare_kernel
def place_addresses(hi, lo, length, slots):
    """Fill `slots` with the prefixes `hi`, `lo`, `length`, which are distinct and cut."""
    mask = np.int64(len(slots) - 1)
    for i in range(len(hi)):
        at = np.int64(hash_address(hi[i], lo[i], U8(length[i])) & U8(mask))
        while slots[at] >= 0:
            at = (at + 1) & mask
        slots[at] = i


@bare_kernel
def addresses(high, low, lengths, slots, hi, lo, length, out):
    """Which addresses lie in which prefixes; pairs (row, prefix) go to `out`, longest prefix first.

    `lengths` are those that occur, the longest first. Returns the pairs there are; those beyond the room of
    `out` are not written.
    """
    mask = np.int64(len(slots) - 1)
    n = np.int64(0)
    for i in range(len(high)):
        for k in range(len(lengths)):
            bits = np.int64(lengths[k])
            h = _masked_high(high[i], bits)
            w = _masked_low(low[i], bits)
            at = np.int64(hash_address(h, w, U8(bits)) & U8(mask))
            while slots[at] >= 0:
                j = slots[at]
                if hi[j] == h and lo[j] == w and length[j] == bits:
                    if n < len(out):
                        out[n, 0] = i
                        out[n, 1] = j
                    n += 1
                    break
                at = (at + 1) & mask
    return n


@helper
def _hash_back(text, row, start, end):
    """The hash of a name, its last byte first."""
    h = MIX1
    for j in range(end - 1, start - 1, -1):
        h = (h ^ U8(_lower(np.int64(text[row, j])))) * _PRIME
    return mix64(h)


@bare_kernel
def place_names(names, offsets, slots):
    """Fill `slots` with the names `names[0, offsets[i] : offsets[i + 1]]`, which are distinct."""
    mask = np.int64(len(slots) - 1)
    for i in range(len(offsets) - 1):
        at = np.int64(_hash_back(names, 0, offsets[i], offsets[i + 1]) & U8(mask))
        while slots[at] >= 0:
            at = (at + 1) & mask
        slots[at] = i


@helper
def _find(h, text, row, start, end, names, offsets, slots):
    """The entry that is `text[row, start:end]`, whose hash is `h`; -1 where there is none."""
    mask = np.int64(len(slots) - 1)
    at = np.int64(h & U8(mask))
    while slots[at] >= 0:
        j = slots[at]
        if offsets[j + 1] - offsets[j] == end - start:
            same = True
            for k in range(end - start):
                if _lower(np.int64(text[row, start + k])) != names[0, offsets[j] + k]:
                    same = False
                    break
            if same:
                return j
        at = (at + 1) & mask
    return np.int64(-1)


@internal
def _name_end(text, row, start, end):
    """Where a host's name ends: before a port and dots."""
    for j in range(start, end):
        if text[row, j] == 58:
            end = j
            break
    while end > start and text[row, end - 1] == 46:
        end -= 1
    return end


@bare_kernel
def domains(text, rows, sizes, names, offsets, slots, out):
    """Which names are, or are below, which domains: pairs (row, domain), the longest domain last.

    The name of row `rows[i]` is `text[rows[i], : sizes[i]]`. As for `addresses`.
    """
    mask = np.int64(len(slots) - 1)
    n = np.int64(0)
    for i in range(len(rows)):
        row = rows[i]
        end = _name_end(text, row, 0, np.int64(sizes[i]))
        h = MIX1
        for j in range(end - 1, -1, -1):
            h = (h ^ U8(_lower(np.int64(text[row, j])))) * _PRIME
            if j == 0 or text[row, j - 1] == 46:
                whole = mix64(h)
                if slots[np.int64(whole & U8(mask))] >= 0:
                    found = _find(whole, text, row, j, end, names, offsets, slots)
                    if found >= 0:
                        if n < len(out):
                            out[n, 0] = row
                            out[n, 1] = found
                        n += 1
    return n


@bare_kernel
def requests(text, rows, hosts, targets, ports, names, offsets, slots, wanted, scratch, out):
    """Which requests are for which URLs: pairs (row, URL). As for `domains`.

    Of row `rows[i]`, the host is the first `hosts[i]` bytes, the target the `targets[i]` behind; what was
    asked of a proxy as a whole URL is read as such. `wanted` is the port of a URL, 0 for any. `scratch` is
    u1[1, 512].
    """
    n = np.int64(0)
    for i in range(len(rows)):
        row = rows[i]
        at = np.int64(hosts[i])
        end = at + np.int64(targets[i])
        size = np.int64(0)
        if at < end and text[row, at] != 47:
            # http://host/target
            strokes = 0
            while at < end and strokes < 2:
                strokes += text[row, at] == 47
                at += 1
            if strokes < 2:
                continue
            stop = at
            while stop < end and text[row, stop] != 47:
                stop += 1
            for j in range(at, _name_end(text, row, at, stop)):
                scratch[0, size] = _lower(np.int64(text[row, j]))
                size += 1
            at = stop
        else:
            for j in range(_name_end(text, row, 0, at)):
                scratch[0, size] = _lower(np.int64(text[row, j]))
                size += 1
        for j in range(at, min(end, at + _SHOWN)):
            scratch[0, size] = _lower(np.int64(text[row, j]))
            size += 1
        if size == 0:
            continue
        found = _find(_hash_back(scratch, 0, 0, size), scratch, 0, 0, size, names, offsets, slots)
        if found >= 0 and (wanted[found] == 0 or wanted[found] == ports[i]):
            if n < len(out):
                out[n, 0] = row
                out[n, 1] = found
            n += 1
    return n
