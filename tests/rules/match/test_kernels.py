from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import ACK, SYN
from rules.match import kernels
from rules.match.literals import Literals

WORDS = st.lists(
    st.text("abAB\0", min_size=3, max_size=6).map(lambda t: t.lower().encode()),
    min_size=1,
    max_size=8,
    unique=True,
)
TEXTS = st.lists(st.text("abAB\0", max_size=30).map(str.encode), min_size=1, max_size=6)


@settings(max_examples=100, deadline=None)
@given(WORDS, TEXTS)
def test_scan_tells_every_literal_of_every_buffer_once(words: list[bytes], texts: list[bytes]):
    data = np.frombuffer(b"".join(texts) + b"\0", np.uint8)
    lengths = np.array([len(t) for t in texts], np.int64)
    starts = np.cumsum(lengths) - lengths
    buffers, literals = Literals(words).scan(data, starts, lengths)
    found = list(zip(buffers.tolist(), literals.tolist(), strict=True))
    expected = {
        (b, w) for b, text in enumerate(texts) for w, word in enumerate(words) if word in text.lower()
    }
    assert set(found) == expected
    assert len(found) == len(set(found))


def test_connections_become_established():
    flows = np.array([0, 0, 0, 1, 1, -1], np.int64)
    directions = np.array([0, 1, 0, 0, 1, 0], np.uint8)
    protocols = np.array([6, 6, 6, 17, 17, 6], np.uint8)
    flags = np.array([SYN, SYN | ACK, ACK, 0, 0, SYN], np.uint8)
    known, seen, out = np.zeros(2, np.uint8), np.zeros(4, np.int64), np.zeros(6, np.uint8)
    kernels.establish(flows, directions, protocols, flags, known, seen, out)
    assert (out & 1).tolist() == [0, 0, 0, 0, 1, 0]
    assert (out >> 1).tolist() == [1, 1, 0, 1, 1, 1]
    assert seen.tolist() == [2, 1, 1, 1]
