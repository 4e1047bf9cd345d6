from __future__ import annotations

import numpy as np
import pytest

from rules.language.model import Number
from rules.match.header import number
from tests.rules.conftest import tcp, udp

TALK = tcp([(0, b"question"), (1, b"answer, and a long one"), (0, b"thanks")])


def fields(name):
    values = {"n": [0, 5, 9, 9], "flow.pkts.toserver": [1, 1, 2, 2], "flow.pkts.toclient": [0, 3, 3, 4]}
    return np.array(values[name], np.int64), np.array([True, True, True, False])


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (Number("n", 5, 9), [1, 2]),
        (Number("n", 5, 1 << 62), [1, 2]),
        (Number("n", 5, 9, negated=True), [0]),
        (Number("n", 1, 1, mask=1), [1, 2]),
        (Number("flow.pkts.either", 2, 2), [2]),
        (Number("flow.pkts.either", 3, 3), [1, 2]),
    ],
)
def test_numbers(wanted, rows):
    assert np.flatnonzero(number(fields, wanted)).tolist() == rows


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("flags:S", 1),
        ("flags:S+", 2),
        ("flags:!P; dsize:0", 9),
        ("flags:!SA", 11),
        ("flags:0,SAPF", 0),
        ("flags:!0", 12),
        ("flags:*SP", 5),
        ("flags:S,A", 2),
    ],
)
def test_flags(sids, condition, count):
    assert len(sids(f"alert tcp any any -> any any ({condition}; sid:1;)", TALK)) == count


def test_flags_are_those_of_tcp(sids):
    assert sids("alert ip any any -> any any (flags:0; sid:1;)", [udp(b"x")]) == []
