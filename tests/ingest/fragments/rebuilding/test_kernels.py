"""Steps beside slow, obvious ones; datagrams are tested in tests/ingest/fragments/test_assembler.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.fragments.layout import DATAGRAM, PIECE, POLICIES
from ingest.fragments.rebuilding import kernels

SPAN = st.tuples(st.integers(0, 12), st.integers(1, 12)).map(lambda s: (s[0], s[0] + s[1]))


def plain(function: Any) -> Any:
    """The function as Python runs it."""
    return getattr(function, "py_func", function)


#: Novak (2005): who wins where the later one begins before, with, behind the earlier.
WINNERS = {
    "first": ("old", "old", "old"),
    "last": ("new", "new", "new"),
    "linux": ("new", "new", "old"),
    "bsd": ("new", "old", "old"),
    "bsd-right": ("old", "new", "new"),
}


@pytest.mark.parametrize("policy", sorted(WINNERS))
def test_who_wins_by_where_fragments_begin(policy: str):
    assert policy in POLICIES
    number = POLICIES.index(policy)
    told = [plain(kernels.new_wins)(number, start, 30, 10, 30) for start in (5, 10, 15)]
    assert told == [winner == "new" for winner in WINNERS[policy]]


@given(st.lists(SPAN, max_size=8), st.integers(-1, 24))
def test_complete_is_every_byte(spans: list[tuple[int, int]], total: int):
    d, pieces = np.zeros(1, DATAGRAM), np.zeros(len(spans), PIECE)
    ordered = sorted(spans)
    d["total"], d["first"], d["least"] = total, 0 if spans and ordered[0][0] == 0 else -1, 0 if spans else -1
    for i, (start, end) in enumerate(ordered):
        pieces[i]["start"], pieces[i]["end"] = start, end
        pieces[i]["next"] = i + 1 if i + 1 < len(ordered) else -1
    there = {byte for start, end in spans for byte in range(start, end)}
    expected = total >= 0 and d["first"][0] == 0 and set(range(total)) <= there
    assert plain(kernels.complete)(d[0], pieces) == expected
