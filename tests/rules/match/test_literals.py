from __future__ import annotations

import numpy as np

from rules.match.literals import Literals


def test_nothing_to_look_for_and_nothing_to_look_in():
    none = np.zeros(0, np.int64)
    assert (
        len(Literals([]).scan(np.zeros(9, np.uint8), np.zeros(1, np.int64), np.full(1, 9, np.int64))[0]) == 0
    )
    assert len(Literals([b"abc"]).scan(np.zeros(0, np.uint8), none, none)[0]) == 0


def test_a_literal_at_the_very_end_of_the_data():
    data = np.frombuffer(b"xxABC", np.uint8)
    found = Literals([b"abc", b"abcd"]).scan(data, np.zeros(1, np.int64), np.full(1, 5, np.int64))
    assert [column.tolist() for column in found] == [[0], [0]]


def test_more_pairs_than_room_for_them_at_once():
    words = [f"w{i:03d}".encode() for i in range(300)]
    text = b" ".join(words)
    data = np.frombuffer(text * 400, np.uint8)
    starts = np.arange(400, dtype=np.int64) * len(text)
    buffers, literals = Literals(words).scan(data, starts, np.full(400, len(text), np.int64))
    assert len(buffers) == 400 * 300
    assert sorted(set(literals.tolist())) == list(range(300))
