from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.applications.huffman import kernels


def codes():
    """Symbols by (bits, code): each code is the one before it and one, longer ones shifted."""
    found = {}
    code = before = 0
    for bits, symbol in sorted((bits, symbol) for symbol, bits in enumerate(kernels._LENGTHS)):
        code <<= bits - before
        found[bits, code] = symbol
        code, before = code + 1, bits
    return found


CODES = codes()
BY_SYMBOL = {symbol: (bits, code) for (bits, code), symbol in CODES.items()}


def slowly(data):
    """Bit by bit, with the codes in a dictionary."""
    out = bytearray()
    code = bits = 0
    for byte in data:
        for shift in range(7, -1, -1):
            code, bits = code << 1 | (byte >> shift & 1), bits + 1
            symbol = CODES.get((bits, code))
            if symbol == 256:
                return bytes(out)
            if symbol is not None:
                out.append(symbol)
                code = bits = 0
    return bytes(out)


def coded(symbols):
    """Symbols as bytes, filled with ones."""
    text = "".join(f"{BY_SYMBOL[symbol][1]:0{BY_SYMBOL[symbol][0]}b}" for symbol in symbols)
    text += "1" * (-len(text) % 8)
    return int(text or "0", 2).to_bytes(len(text) // 8, "big")


def undone(data):
    out = np.full(kernels.most(len(data)) + 8, 255, np.uint8)
    n = kernels.undo(np.frombuffer(data, np.uint8), out)
    assert (out[n:] == 255).all()
    assert n <= kernels.most(len(data))
    return out[:n].tobytes()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes(data):
    assert undone(data) == slowly(data)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 256), max_size=60))
def test_any_symbols(symbols):
    """Also the end, behind which nothing is read."""
    data = coded(symbols)
    assert undone(data) == slowly(data)
    assert undone(data) == bytes(symbols[: symbols.index(256)] if 256 in symbols else symbols)


def test_the_most_that_bytes_hold():
    data = bytes(10)  # sixteen codes of five bits
    assert undone(data) == slowly(data) == b"0" * 16
    assert kernels.most(len(data)) == 16
    assert (undone(b""), kernels.most(0)) == (b"", 0)
