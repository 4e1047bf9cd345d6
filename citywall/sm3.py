"""SM3 (GB/T 32905-2016), the hash of 256 bits: OpenSSL's where Python's has it, else in plain Python.

Some builds of OpenSSL leave SM3 out. The plain one is some thousand times slower, which is enough for
records of an audit log and not for large files.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

_BLOCK = 64
_MASK = 0xFFFFFFFF
_START: tuple[int, ...] = (
    0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E,
)  # fmt: skip


class Hash(Protocol):
    """What hashlib's objects do, as far as we need it."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""

    def digest(self) -> bytes:
        """The 32 bytes of the hash so far."""

    def hexdigest(self) -> str:
        """The same in 64 hexadecimal digits."""


def new(data: bytes = b"") -> Hash:
    """A hash that has taken `data` in."""
    try:
        return hashlib.new("sm3", data, usedforsecurity=True)
    except ValueError:  # this OpenSSL does not know it
        return PlainSm3(data)


def hexdigest(data: bytes) -> str:
    """The hash of `data` in 64 hexadecimal digits."""
    return new(data).hexdigest()


class PlainSm3:
    """SM3 after the text of the standard, clause by clause."""

    def __init__(self, data: bytes = b"") -> None:
        self._state = _START
        self._rest = b""
        self._length = 0
        self.update(data)

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""
        self._length += len(data)
        pending = self._rest + data
        whole = len(pending) - len(pending) % _BLOCK
        for at in range(0, whole, _BLOCK):
            self._state = _compress(self._state, pending[at : at + _BLOCK])
        self._rest = pending[whole:]

    def digest(self) -> bytes:
        """The hash so far; more may be taken in afterwards."""
        # Clause 5.2: a one, zeros, the length in bits.
        padding = b"\x80" + b"\0" * ((55 - self._length) % _BLOCK) + (8 * self._length).to_bytes(8, "big")
        state, last = self._state, self._rest + padding
        for at in range(0, len(last), _BLOCK):
            state = _compress(state, last[at : at + _BLOCK])
        return b"".join(word.to_bytes(4, "big") for word in state)

    def hexdigest(self) -> str:
        """The same in hexadecimal digits."""
        return self.digest().hex()


def _rotated(word: int, by: int) -> int:
    by %= 32
    return (word << by | word >> (32 - by)) & _MASK


#: Clause 4.2, each constant turned as far as round j turns it.
_CONSTANTS = [_rotated(0x79CC4519 if j < 16 else 0x7A879D8A, j) for j in range(64)]


def _expanded(block: bytes) -> list[int]:
    """Clause 5.3.2: 68 words of a block of 64 bytes."""
    words = [int.from_bytes(block[at : at + 4], "big") for at in range(0, _BLOCK, 4)]
    for j in range(16, 68):
        x = words[j - 16] ^ words[j - 9] ^ _rotated(words[j - 3], 15)
        x ^= _rotated(x, 15) ^ _rotated(x, 23)
        words.append(x ^ _rotated(words[j - 13], 7) ^ words[j - 6])
    return words


def _compress(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    """Clause 5.3.3: the state after one block."""
    words = _expanded(block)
    a, b, c, d, e, f, g, h = state
    for j, constant in enumerate(_CONSTANTS):
        turned = _rotated(a, 12)
        first = _rotated((turned + e + constant) & _MASK, 7)
        if j < 16:
            mixed, chosen = a ^ b ^ c, e ^ f ^ g
        else:
            mixed, chosen = (a & b) | (a & c) | (b & c), (e & f) | (~e & g)
        one = (mixed + d + (first ^ turned) + (words[j] ^ words[j + 4])) & _MASK
        two = (chosen + h + first + words[j]) & _MASK
        a, b, c, d = one, a, _rotated(b, 9), c
        e, f, g, h = two ^ _rotated(two, 9) ^ _rotated(two, 17), e, _rotated(f, 19), g
    return tuple(old ^ new_ for old, new_ in zip(state, (a, b, c, d, e, f, g, h), strict=True))
