"""AES-128 (FIPS 197), encryption only: of one block, and as a stream of counter blocks.

For packets whose keys follow from what they say themselves (RFC 9001 §5.2): it keeps nothing secret, and
takes no care to hide what it does.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel, internal


def _box() -> np.ndarray:
    """The S-box: the inverse in GF(2^8), then an affine map."""
    box = np.zeros(256, np.uint8)
    p = q = 1
    while True:
        p = (p ^ (p << 1) ^ (0x1B if p & 0x80 else 0)) & 0xFF  # times 3
        q ^= q << 1
        q ^= q << 2
        q = (q ^ (q << 4)) & 0xFF
        q ^= 0x09 if q & 0x80 else 0  # divided by 3
        turned = q
        for i in range(1, 5):
            turned ^= (q << i | q >> (8 - i)) & 0xFF
        box[p] = turned ^ 0x63
        if p == 1:
            break
    box[0] = 0x63
    return box


_BOX = _box()
_ROUNDS = 10


@internal
def _twice(c):
    """Times 2 in GF(2^8)."""
    return ((c << 1) ^ (0x1B if c & 0x80 else 0)) & 0xFF


@bare_kernel
def expand(key, keys):
    """The keys of all rounds (u1[176]) of a key (u1[16])."""
    for i in range(16):
        keys[i] = key[i]
    constant = 1
    for at in range(16, 176, 4):
        if at % 16 == 0:
            for i in range(4):
                keys[at + i] = keys[at - 16 + i] ^ _BOX[keys[at - 4 + (i + 1) % 4]]
            keys[at] ^= np.uint8(constant)
            constant = _twice(constant)
        else:
            for i in range(4):
                keys[at + i] = keys[at - 16 + i] ^ keys[at - 4 + i]


@bare_kernel
def encrypt(keys, block, state, out):
    """One block (u1[16]) into `out`; `state` is room for 16 bytes."""
    for i in range(16):
        out[i] = block[i] ^ keys[i]
    for turn in range(1, _ROUNDS + 1):
        for i in range(16):
            state[i] = _BOX[out[(i + 4 * (i % 4)) % 16]]  # bytes replaced, rows shifted
        for column in range(0, 16, 4):
            whole = 0
            for i in range(4):
                whole ^= np.int64(state[column + i])
            for i in range(4):
                here, there = np.int64(state[column + i]), np.int64(state[column + (i + 1) % 4])
                mixed = here if turn == _ROUNDS else here ^ whole ^ _twice(here ^ there)
                out[column + i] = np.uint8(mixed) ^ keys[turn * 16 + column + i]


@bare_kernel
def count(keys, first, data, block, state, pad, out):
    """`data` with the stream of counter blocks from `first` (u1[16]) on laid over it, into `out`.

    The last four bytes count. `block`, `state` and `pad` are room for 16 bytes each.
    """
    for i in range(16):
        block[i] = first[i]
    for at in range(0, len(data), 16):
        encrypt(keys, block, state, pad)
        for i in range(min(16, len(data) - at)):
            out[at + i] = data[at + i] ^ pad[i]
        for i in range(15, 11, -1):
            block[i] = (np.int64(block[i]) + 1) & 0xFF
            if block[i] != 0:
                break
