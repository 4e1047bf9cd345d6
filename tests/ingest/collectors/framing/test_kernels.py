"""Datagrams as records of a capture."""

from __future__ import annotations

import numpy as np

from ingest.collectors.framing.kernels import frame_datagrams


def test_records_end_where_the_block_is_full():
    lengths = np.array([10, 20, 30], np.int64)
    words = np.zeros(3, np.uint64)
    out = np.zeros(400, np.uint8)
    i, filled, n, size, _ = frame_datagrams(
        np.zeros(300, np.uint8), lengths * 5, lengths, words, words, np.zeros(3, np.uint16),
        np.ones(3, np.bool_),
        2055, 1_000_000_001, 0, out, 0, 24, np.uint64(0), 100,
    )  # fmt: skip
    assert (i, n, size, filled) == (2, 2, 30, 2 * (16 + 40 + 8) + 30)
