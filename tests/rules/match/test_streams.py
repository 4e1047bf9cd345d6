from __future__ import annotations

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
