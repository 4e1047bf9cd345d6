"""AES-128, against the standard's example and a library."""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.applications.aes import kernels

KEYS = st.binary(min_size=16, max_size=16)


def expanded(key: bytes) -> np.ndarray:
    keys = np.zeros(176, np.uint8)
    kernels.expand(np.frombuffer(key, np.uint8), keys)
    return keys


def room() -> np.ndarray:
    return np.zeros(16, np.uint8)


def test_the_example_of_the_standard():
    out = room()
    block = np.frombuffer(bytes.fromhex("00112233445566778899aabbccddeeff"), np.uint8)
    kernels.encrypt(expanded(bytes(range(16))), block, room(), out)
    assert out.tobytes().hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


@settings(max_examples=30)
@given(KEYS, KEYS, st.binary(max_size=70))
def test_counting_as_a_library_does(key, first, data):
    out = np.zeros(len(data), np.uint8)
    first = first[:12] + b"\0\0\xff" + first[15:]  # so that a byte is carried
    kernels.count(
        expanded(key),
        np.frombuffer(first, np.uint8),
        np.frombuffer(data, np.uint8),
        room(),
        room(),
        room(),
        out,
    )
    wanted = Cipher(algorithms.AES(key), modes.CTR(first)).encryptor().update(data)
    assert out.tobytes() == wanted
