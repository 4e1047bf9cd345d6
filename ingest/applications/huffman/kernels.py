"""The Huffman code of HPACK (RFC 7541, appendix B) undone, bit by bit down its tree."""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel

# Bits of each symbol's code (RFC 7541, appendix B); the codes follow from them. 256 is the end.
_LENGTHS = (
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6,
    6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8,
    13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15,
    11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23,
    23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26,
    26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21,
    22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27,
    27, 26, 30,
)  # fmt: skip
_END = 256
# Bits of the shortest code.
_SHORTEST = min(_LENGTHS)


def _tree() -> np.ndarray:
    """Where each bit leads from each node: a node, or -1 less a symbol.

    Each code is the one before it and one, longer ones shifted; together they leave no bits unused.
    """
    nodes = [[0, 0]]
    code = before = 0
    for bits, symbol in sorted((bits, symbol) for symbol, bits in enumerate(_LENGTHS)):
        code <<= bits - before
        at = 0
        for shift in range(bits - 1, 0, -1):
            bit = code >> shift & 1
            if not nodes[at][bit]:
                nodes[at][bit] = len(nodes)
                nodes.append([0, 0])
            at = nodes[at][bit]
        nodes[at][code & 1] = -1 - symbol
        code, before = code + 1, bits
    return np.array(nodes, np.int64)


_TREE = _tree()


def most(size: int) -> int:
    """Symbols that so many bytes may hold at most."""
    return 8 * size // _SHORTEST


@bare_kernel
def undo(data, out):
    """Symbols of codes (u1) into `out` (u1, room for `most`), until the end's or that of `data`; how many."""
    at = n = np.int64(0)
    for i in range(len(data)):
        byte = np.int64(data[i])
        for shift in range(7, -1, -1):
            at = _TREE[at, byte >> shift & 1]
            if at < 0:
                if at == -1 - _END:
                    return n
                out[n] = -1 - at
                n += 1
                at = np.int64(0)
    return n
