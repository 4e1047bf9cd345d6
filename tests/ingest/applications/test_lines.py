from __future__ import annotations

from ingest.applications.lines import MOST_LINE, take_line
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
