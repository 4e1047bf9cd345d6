from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import CLOSED, EVENT, FLOW
from stream import codecs, kernels

ODD = np.dtype([("a", "u1"), ("b", "u8"), ("c", "u2"), ("d", "f4"), ("e", "i1")], align=True)


def noise(dtype: np.dtype, n: int, seed: int) -> np.ndarray:
    raw = np.random.default_rng(seed).integers(0, 256, n * dtype.itemsize, np.uint8)
    rows = np.zeros(n, dtype)
    for name in dtype.names:
        field, offset = dtype.fields[name][:2]
        for i in range(n):
            at = i * dtype.itemsize + offset
            rows[name][i] = np.frombuffer(raw[at : at + field.itemsize].tobytes(), field)[0]
    return rows


def slow_gather(rows: np.ndarray, starts: np.ndarray, size: int) -> bytes:
    out = bytearray(size)
    for name, start in zip(rows.dtype.names, starts.tolist(), strict=True):
        column = rows[name].tobytes()
        out[start : start + len(column)] = column
    return bytes(out)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([FLOW, CLOSED, EVENT, ODD]),
    st.integers(1, 20) | st.sampled_from([kernels.BLOCK - 1, kernels.BLOCK, kernels.BLOCK + 1]),
    st.integers(0, 7),
    st.integers(0, 99),
)
def test_columns_are_those_of_the_oracle(dtype, n, shift, seed):
    rows = noise(dtype, n, seed)
    layout = codecs._layout(dtype)
    starts, size = layout.starts(n)
    columns = np.zeros(size, np.uint8)
    raw = rows.view(codecs._opaque(dtype)).view(np.uint8)
    raw.flags.writeable = False
    kernels.gather(raw, dtype.itemsize, n, layout.offsets, layout.widths, starts, *codecs._views(columns))
    assert columns.tobytes() == slow_gather(rows, starts, size)

    moved = np.frombuffer(bytes(shift) + columns.tobytes(), np.uint8)
    again = np.zeros(n, dtype)
    kernels.scatter(
        moved, starts + shift, n, dtype.itemsize, layout.offsets, layout.widths,
        *codecs._views(again.view(codecs._opaque(dtype)).view(np.uint8)),
    )  # fmt: skip
    for name in dtype.names:
        assert again[name].tobytes() == rows[name].tobytes()


def test_columns_do_not_overlap():
    for dtype in (FLOW, CLOSED, EVENT, ODD):
        layout = codecs._layout(dtype)
        for n in (0, 1, 63, 64, 65):
            starts, size = layout.starts(n)
            ends = starts + layout.widths * n
            assert (starts % 64 == 0).all()
            assert (ends[:-1] <= starts[1:]).all()
            assert ends[-1] <= size


def test_a_column_that_ends_outside_its_message_is_refused():
    class Column:
        null_count, offset = 0, 0
        type = type("t", (), {"byte_width": 8})

        @staticmethod
        def buffers():
            return [None, type("b", (), {"address": 120, "size": 80})]

    data = type("d", (), {"address": 100, "size": 100})
    assert codecs._start(Column, data, 10) == 20
    with pytest.raises(codecs.StreamError, match="missing values"):
        codecs._start(Column, data, 11)
