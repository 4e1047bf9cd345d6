"""Tables through a checkpoint: found again by their slots, and refused where they do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import keeping
from detectors.features.kernels import rebuild

RECORD = np.dtype([("h", "u8"), ("n", "i8")])
RECORDS = (("things", "slots", 0, RECORD),)
BESIDE = (("marks", "things"),)


def tables(*hashes: int):
    made = {
        "things": np.zeros(9, RECORD), "slots": np.zeros(16, np.uint64), "meta": np.zeros(3, np.int64),
        "marks": np.zeros((8, 2), np.uint32),
    }  # fmt: skip
    for i, h in enumerate(hashes):
        made["things"][i] = (h, i)
        made["marks"][i] = i + 1
    rebuild(made["slots"], made["things"], len(hashes))
    made["meta"][0] = len(hashes)
    return made


def test_a_table_comes_back_over_a_fuller_one():
    kept = {n: a.copy() for n, a in keeping.snapshot(tables(5, 99), RECORDS, BESIDE).items()}
    assert (len(kept["things"]), len(kept["marks"])) == (2, 2)
    other = tables(1, 2, 3)
    keeping.restore(other, kept, RECORDS, BESIDE)
    for name, array in tables(5, 99).items():
        if name != "marks":
            np.testing.assert_array_equal(other[name], array)
    np.testing.assert_array_equal(other["marks"][:2], [[1, 1], [2, 2]])


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("meta", np.zeros(2, np.int64)),
        ("things", np.zeros(1, RECORD)),
        ("marks", np.zeros((2, 1), np.uint32)),
    ],
)
def test_what_does_not_fit_is_refused(name, bad):
    parts = keeping.snapshot(tables(5, 99), RECORDS, BESIDE) | {name: bad}
    with pytest.raises(ValueError, match=name):
        keeping.restore(tables(), parts, RECORDS, BESIDE)


def test_rows_that_records_take_as_they_need_them_come_back():
    pools, beside = {"rows": 2}, (*BESIDE, ("lines", "rows"))
    made = tables(5, 99) | {"lines": np.arange(8, dtype=np.uint32)}
    made["meta"][2] = 3
    kept = {n: a.copy() for n, a in keeping.snapshot(made, RECORDS, beside, pools).items()}
    assert kept["lines"].tolist() == [0, 1, 2]
    other = tables() | {"lines": np.zeros(8, np.uint32)}
    keeping.restore(other, kept, RECORDS, beside, pools)
    assert other["lines"].tolist() == [0, 1, 2, 0, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="lines"):
        keeping.restore(other, kept | {"lines": kept["lines"][:2]}, RECORDS, beside, pools)
