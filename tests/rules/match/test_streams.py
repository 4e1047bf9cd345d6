from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.match.literals import Literals
from rules.match.streams import Windows
from tests.rules.conftest import tcp


def test_a_border_between_windows_hides_nothing(sids):
    turns = [(0, b"x" * 1400), (0, b"y" * 1400 + b"sec"), (0, b"ret" + b"z" * 1400), (0, b"w" * 1400)]
    text = 'alert tcp any any -> any any (content:"secret"; sid:1;)'
    assert sids(text, tcp(turns, dport=9999)) == [1]


def test_places_count_from_the_streams_start(sids):
    turns = [(0, b"a" * 3000), (0, b"magic" + b"b" * 3000)]
    text = 'alert tcp any any -> any any (flow:only_stream; content:"magic"; sid:1;)\n'
    text += 'alert tcp any any -> any any (content:"a"; depth:1; content:"magic"; sid:2;)'
    assert sids(text, tcp(turns, dport=9999)).count(1) == 1


def test_each_direction_is_a_stream_of_its_own(sids):
    text = 'alert tcp any any -> any any (flow:to_client; content:"hello"; sid:1;)'
    assert sids(text, tcp([(0, b"hello there"), (1, b"hello to you")], dport=9999)) == [1]


STREAM = st.tuples(st.integers(0, 40), st.lists(st.tuples(st.integers(1, 30), st.integers(0, 60))))


@settings(max_examples=40, deadline=None)
@given(st.lists(STREAM, min_size=1, max_size=4), st.data())
def test_literals_of_windows_are_found_although_no_byte_is_scanned_twice(streams, data):
    rows, first, at = [], [], 0
    for tail, windows in streams:
        begin, seen = at, at + tail
        for i, (size, back) in enumerate(windows):
            rows.append((max(begin, seen - back), seen, seen + size))
            first.append(i == 0)
            seen += size
        at = seen
    arena = np.frombuffer(
        bytes(data.draw(st.lists(st.sampled_from(b"abAB"), min_size=at, max_size=at))), np.uint8
    )
    arena = np.concatenate([arena, np.zeros(4, np.uint8)])
    spans = np.array(rows, np.int64).reshape(-1, 3)
    spans[:, 0] = np.maximum.accumulate(spans[:, 0])  # each begins where the one before it did, or behind
    spans[:, 0] = np.minimum(spans[:, 0], spans[:, 1])
    windows = Windows.__new__(Windows)
    windows._arena, windows._spans, windows._first = arena, spans, np.array(first, np.bool_)
    words = [b"aab", b"abba", b"bababa"]
    items, literals = windows._literals(Literals(words))
    told = set(zip(items.tolist(), literals.tolist(), strict=True))
    assert len(told) == len(items)
    whole = arena.tobytes().lower()
    for i, (start, _, end) in enumerate(spans.tolist()):
        for k, word in enumerate(words):
            if word in whole[start:end]:
                assert (i, k) in told
