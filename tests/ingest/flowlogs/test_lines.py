"""Lines and the book of errors."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.flowlogs.lines import KEPT_PLACES, REASONS, Errors, split


@settings(max_examples=80)
@given(st.binary(max_size=40) | st.text("a\r\n", max_size=30).map(str.encode), st.integers(1, 1000))
def test_split(data: bytes, first: int):
    lines = split(data, first)
    wanted = []
    for i, line in enumerate(data.split(b"\n")):
        text = line.removesuffix(b"\r").decode("utf-8", "replace")
        if text:
            wanted.append((first + i, text))
    assert [(int(n), lines.text(i)) for i, n in enumerate(lines.numbers)] == wanted


def test_beginning():
    lines = split(b"#fields\n#Fields x\n#field\nno\n#FIELDS", 1)
    assert lines.beginning(b"#fields").tolist() == [True, True, False, False, True]
    assert len(lines.part(1, 3)) == 2
    assert split(b"", 1).beginning(b"x").tolist() == []


def test_errors_keep_counts_and_first_places():
    errors, more = Errors(), Errors()
    errors.add("bad_time", np.arange(3, 9))
    more.add("bad_time", np.arange(20, 40))
    more.add_status(np.array([0, 7, 2], np.uint8), np.array([50, 51, 52]))
    errors.merge(more)
    assert dict(errors) == {"bad_time": 27, "not_json": 1}
    assert errors.places == {"bad_time": [3, 4, 5, 6, 7, 8, 20, 21, 22, 23], "not_json": [52]}
    assert len(errors.places["bad_time"]) == KEPT_PLACES
    assert REASONS[0] == "none"
