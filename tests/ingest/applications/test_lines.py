from __future__ import annotations

import itertools
import random

import pytest

from ingest.applications.lines import MOST_LINE, MOST_WAITED, take_line
from ingest.applications.parser import Stream


def given(*pieces):
    stream = Stream()
    for i, piece in enumerate(pieces, 1):
        stream.take(piece, ([len(piece)], [i], [i * 10]))
    return stream


def test_a_line_is_known_with_its_end():
    stream = given(b"one\r", b"\ntwo", b"\n")
    assert take_line(stream) == (b"one", 2, 20)
    assert take_line(stream) == (b"two", 3, 30)
    assert take_line(stream) is None


def test_what_is_not_whole_asks_for_more():
    stream = given(b"half")
    assert take_line(stream) is None
    assert (stream.need, bytes(stream.data)) == (5, b"half")


def test_a_long_line_is_told_cut_and_used_up():
    stream = given(b"x" * (2 * MOST_LINE) + b"\nnext\n")
    assert [len(take_line(stream)[0]), take_line(stream)[0]] == [MOST_LINE, b"next"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("over", [-1, 0, 1, 300_000])
def test_what_is_left_of_a_line_without_an_end_is_passed_over(over, seed):
    data = b"x" * (MOST_WAITED + over) + b"\nnext\nlast\n"
    rng, cuts = random.Random(seed), [0, len(data)]
    cuts = sorted({*cuts, *(rng.randrange(len(data)) for _ in range(seed * 5))})
    stream, told = Stream(), []
    for at, (begin, end) in enumerate(itertools.pairwise(cuts), 1):
        piece = data[begin:end]
        stream.take(piece, ([len(piece)], [at], [at]))
        while stream.data and (found := take_line(stream)):
            told.append(found[:2])
        assert len(stream.data) <= MOST_WAITED
    whole = next(i for i, cut in enumerate(cuts) if cut >= min(MOST_WAITED, data.index(b"\n") + 1))
    assert told == [(b"x" * MOST_LINE, whole), (b"next", told[1][1]), (b"last", told[2][1])]
