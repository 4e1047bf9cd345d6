"""MD5 (RFC 1321) and SHA-256 (FIPS 180-4) of a part of an array, for fingerprints and file names.

MD5 names what fingerprints are published as; nothing here protects anything. Words are kept as signed 64-bit
numbers, so that the kernels mean the same where they are not compiled.
"""

from __future__ import annotations

import math

import numpy as np

from citywall.kernels import bare_kernel, helper, internal

_WORD = 0xFFFFFFFF
_SINES = np.array([int(abs(math.sin(i + 1)) * 2**32) for i in range(64)], np.int64)
_TURNS = np.array(
    [*(7, 12, 17, 22) * 4, *(5, 9, 14, 20) * 4, *(4, 11, 16, 23) * 4, *(6, 10, 15, 21) * 4], np.int64
)


def _primes(most: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < most:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _root(value: int, power: int) -> int:
    """The first 32 bits behind the point of a root, by whole numbers."""
    scaled, low, high = value << (32 * power), 0, 1 << 40
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**power <= scaled else (low, middle - 1)
    return low & _WORD


_CUBES = np.array([_root(prime, 3) for prime in _primes(64)], np.int64)
_SQUARES = np.array([_root(prime, 2) for prime in _primes(8)], np.int64)


@internal
def padded(buffer, at, n, j):
    """Byte `j` of a message of `n` bytes and its padding, but for the length at the end."""
    if j < n:
        return np.int64(buffer[at + j])
    if j == n:
        return np.int64(0x80)
    return np.int64(0)


@internal
def blocks_of(n):
    """Blocks of 64 bytes that a message of `n` bytes has, padding and length with it."""
    return (n + 8) // 64 + 1


@internal
def turned(x, n):
    """A word turned left."""
    return ((x << n) | (x >> (32 - n))) & _WORD


@internal
def turned_right(x, n):
    """A word turned right."""
    return ((x >> n) | (x << (32 - n))) & _WORD


@helper
def md5(buffer, at, n, words, out):
    """MD5 of `n` bytes: four words, as they are read out, big endian, into `out` (i8[8]).

    `words` (i8[64]) is scratch.
    """
    a0, b0 = np.int64(0x67452301), np.int64(0xEFCDAB89)
    c0, d0 = np.int64(0x98BADCFE), np.int64(0x10325476)
    last = blocks_of(n) - 1
    for block in range(last + 1):
        for w in range(16):
            j = block * 64 + w * 4
            words[w] = (
                padded(buffer, at, n, j)
                | padded(buffer, at, n, j + 1) << 8
                | padded(buffer, at, n, j + 2) << 16
                | padded(buffer, at, n, j + 3) << 24
            )
        if block == last:
            words[14] = (n << 3) & _WORD
            words[15] = n >> 29
        a, b, c, d = a0, b0, c0, d0
        for i in range(64):
            if i < 16:
                f, g = (b & c) | (~b & _WORD & d), i
            elif i < 32:
                f, g = (d & b) | (~d & _WORD & c), (5 * i + 1) & 15
            elif i < 48:
                f, g = b ^ c ^ d, (3 * i + 5) & 15
            else:
                f, g = c ^ (b | (~d & _WORD)), (7 * i) & 15
            f = (f + a + _SINES[i] + words[g]) & _WORD
            a, d, c = d, c, b
            b = (b + turned(f, _TURNS[i])) & _WORD
        a0, b0 = (a0 + a) & _WORD, (b0 + b) & _WORD
        c0, d0 = (c0 + c) & _WORD, (d0 + d) & _WORD
    out[0], out[1], out[2], out[3] = swapped(a0), swapped(b0), swapped(c0), swapped(d0)


@internal
def swapped(x):
    """A word's bytes the other way round."""
    return (x & 0xFF) << 24 | (x & 0xFF00) << 8 | (x >> 8) & 0xFF00 | x >> 24


@helper
def sha256(buffer, at, n, words, out):
    """SHA-256 of `n` bytes: eight words into `out` (i8[8]). `words` (i8[64]) is scratch."""
    for i in range(8):
        out[i] = _SQUARES[i]
    last = blocks_of(n) - 1
    for block in range(last + 1):
        for w in range(16):
            j = block * 64 + w * 4
            words[w] = (
                padded(buffer, at, n, j) << 24
                | padded(buffer, at, n, j + 1) << 16
                | padded(buffer, at, n, j + 2) << 8
                | padded(buffer, at, n, j + 3)
            )
        if block == last:
            words[14] = n >> 29
            words[15] = (n << 3) & _WORD
        for w in range(16, 64):
            x, y = words[w - 15], words[w - 2]
            low = turned_right(x, 7) ^ turned_right(x, 18) ^ (x >> 3)
            high = turned_right(y, 17) ^ turned_right(y, 19) ^ (y >> 10)
            words[w] = (words[w - 16] + low + words[w - 7] + high) & _WORD
        a, b, c, d, e, f, g, h = out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7]
        for i in range(64):
            high = turned_right(e, 6) ^ turned_right(e, 11) ^ turned_right(e, 25)
            one = (h + high + ((e & f) ^ (~e & _WORD & g)) + _CUBES[i] + words[i]) & _WORD
            low = turned_right(a, 2) ^ turned_right(a, 13) ^ turned_right(a, 22)
            two = (low + ((a & b) ^ (a & c) ^ (b & c))) & _WORD
            h, g, f, e = g, f, e, (d + one) & _WORD
            d, c, b, a = c, b, a, (one + two) & _WORD
        out[0], out[1] = (out[0] + a) & _WORD, (out[1] + b) & _WORD
        out[2], out[3] = (out[2] + c) & _WORD, (out[3] + d) & _WORD
        out[4], out[5] = (out[4] + e) & _WORD, (out[5] + f) & _WORD
        out[6], out[7] = (out[6] + g) & _WORD, (out[7] + h) & _WORD


@bare_kernel
def digest(buffer, at, n, long, words, out):
    """SHA-256 where `long`, else MD5: the door for who is no kernel."""
    if long:
        sha256(buffer, at, n, words, out)
    else:
        md5(buffer, at, n, words, out)
