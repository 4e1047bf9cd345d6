"""Kernels of the flow archive."""

from __future__ import annotations

from typing import Any

import numpy as np

from citywall.kernels import inline, kernel

U = np.uint64
#: Longest text of an address: eight groups of four digits and seven colons.
LONGEST = 39


@inline
def _put_hex(out: Any, at: int, group: Any) -> int:
    started = False
    for shift in (12, 8, 4, 0):
        digit = (group >> shift) & 15
        if digit or started or shift == 0:
            out[at] = 48 + digit if digit < 10 else 87 + digit
            at += 1
            started = True
    return at


@inline
def _put_decimal(out: Any, at: int, octet: Any) -> int:
    if octet >= 100:
        out[at] = 48 + octet // 100
        at += 1
    if octet >= 10:
        out[at] = 48 + octet // 10 % 10
        at += 1
    out[at] = 48 + octet % 10
    return at + 1


@inline
def _group(hi: Any, lo: Any, index: int) -> Any:
    word = hi if index < 4 else lo
    return np.int64((word >> U(48 - 16 * (index & 3))) & U(0xFFFF))


@inline
def _put_v6(out: Any, at: int, hi: Any, lo: Any) -> int:
    # RFC 5952: the first longest run of two or more zero groups becomes "::".
    best, best_length, run = -1, 1, 0
    for i in range(8):
        run = run + 1 if _group(hi, lo, i) == 0 else 0
        if run > best_length:
            best, best_length = i - run + 1, run
    i = 0
    while i < 8:
        if i == best:
            out[at] = 58
            out[at + 1] = 58
            at += 2
            i += best_length
            continue
        if i > 0 and i != best + best_length:
            out[at] = 58
            at += 1
        elif i > 0 and best < 0:
            out[at] = 58
            at += 1
        at = _put_hex(out, at, _group(hi, lo, i))
        i += 1
    return at


@kernel
def address_texts(hi: Any, lo: Any, out: Any, offsets: Any) -> None:
    """Write addresses as text, one behind the other.

    hi, lo: u64[n] (citywall.addresses). out: u8[n * LONGEST]. offsets: i32[n + 1], filled with where
    each text begins in `out`, and where the last ends.
    """
    at = 0
    for row in range(len(hi)):
        offsets[row] = at
        if hi[row] == U(0) and lo[row] >> U(32) == U(0xFFFF):
            for k in range(4):
                if k:
                    out[at] = 46
                    at += 1
                at = _put_decimal(out, at, np.int64((lo[row] >> U(24 - 8 * k)) & U(0xFF)))
        else:
            at = _put_v6(out, at, hi[row], lo[row])
    offsets[len(hi)] = at
