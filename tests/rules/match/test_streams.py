from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.utils import wrpcap

from rules.language.parser import Parser
from rules.match.engine import Engine
from rules.match.literals import Literals
from rules.match.streams import _NO_PARTS, Windows
from stream.matching import over_capture
from tests.rules.conftest import tcp, udp


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


STREAM = st.tuples(
    st.booleans(), st.integers(0, 40), st.lists(st.tuples(st.integers(1, 30), st.integers(0, 60)))
)


@settings(max_examples=40, deadline=None)
@given(st.lists(STREAM, min_size=1, max_size=4), st.data())
def test_literals_of_windows_are_found_although_no_byte_is_scanned_twice(streams, data):
    rows, first, sides, at = [], [], [], 0
    for side, tail, windows in streams:
        begin, seen = at, at + tail
        for i, (size, back) in enumerate(windows):
            rows.append((max(begin, seen - back), seen, seen + size))
            first.append(i == 0)
            sides.append(side)
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
    windows._parts, windows._marks = _NO_PARTS, np.zeros(0, np.uint8)
    words = [b"aab", b"abba", b"bababa"]
    pairs = []
    for side in (False, True):
        columns = windows._literals(Literals(words), np.flatnonzero(np.array(sides, np.bool_) == side))
        pairs += list(zip(*(column.tolist() for column in columns), strict=True))
    told = set(pairs)
    assert len(told) == len(pairs)
    whole = arena.tobytes().lower()
    for i, (start, _, end) in enumerate(spans.tolist()):
        for k, word in enumerate(words):
            if word in whole[start:end]:
                assert (i, k) in told


def test_what_is_asked_of_streams_alone_is_not_found_in_a_packet_beside_them(sids):
    made = tcp([(0, b"ask")], dport=9999)[:5]
    reset = made[-1].copy()
    reset["TCP"].flags = "RA"
    reset = reset / b"Access Denied"
    text = 'alert tcp any any -> any any (flow:only_stream; content:"Access Denied"; sid:1;)\n'
    text += 'alert tcp any any -> any any (content:"Access Denied"; sid:2;)'
    assert sids(text, [*made, reset]) == [2]


def test_a_packet_with_a_wrong_checksum_is_of_its_flow_but_not_of_its_stream(sids):
    made = tcp([(0, b"ask"), (0, b"EHLO you")], dport=9999)
    made[5]["TCP"].chksum = 1
    text = 'alert tcp any any -> any 9999 (flow:established,to_server; content:"EHLO"; sid:1;)\n'
    text += 'alert tcp any any -> any 9999 (flow:only_stream; content:"EHLO"; sid:2;)'
    assert sids(text, made, checksums=True) == [1]


def test_an_answer_to_an_earlier_question_begins_a_connection(sids):
    def stamped(packet, value, echo):
        packet["TCP"].options = [("Timestamp", (value, echo))]
        return packet

    made = tcp([(0, b"magic")], dport=9999)
    first = stamped(made[0].copy(), 100, 0)
    second = stamped(made[0].copy(), 200, 0)
    beginning = [first, second, stamped(made[1], 900, 100), stamped(made[2], 300, 900)]
    text = 'alert tcp any any -> any any (flow:established,to_server; content:"magic"; sid:1;)'
    assert sids(text, [*beginning, *(stamped(each, 300, 900) for each in made[3:])]) == [1]


def test_a_reset_of_the_client_that_names_no_window_ends_no_beginning(sids):
    made = tcp([(0, b"magic")], dport=9999)
    reset = made[0].copy()
    reset["TCP"].flags = "R"
    text = 'alert tcp any any -> any any (flow:established,to_server; content:"magic"; sid:1;)'
    assert sids(text, [made[0], reset, *made[1:]]) == [1]


@pytest.mark.parametrize("header", ["http", "tcp"])
def test_what_is_said_with_the_first_bytes_counts_for_the_protocol_that_they_tell(sids, header):
    asked = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"
    text = f'alert {header} any any -> any any (flow:established,to_server; content:"example"; sid:1;)'
    assert sids(text, tcp([(0, asked), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")])) == [1]
    text = 'alert tls any any -> any any (content:"example"; sid:1;)'
    assert sids(text, tcp([(0, asked)])) == []


def test_a_datagram_is_told_once_however_long_its_flow_goes_on(alerts):
    text = 'alert ip any any -> any any (content:"magic"; sid:1;)'
    packets = [udp(b"magic", dport=9)]
    packets += [udp(b"%d" % i, dport=10 + i) for i in range(40)]
    assert [a.rule.sid for a in alerts(text, packets, pace=20)] == [1]


@pytest.mark.parametrize("piece", [4, 20, 4096])
def test_packets_are_not_looked_through_for_what_their_stream_was_looked_through_for(
    tmp_path, monkeypatch, piece
):
    """Of packets whose bytes are in windows only those are looked through again in which something may be."""
    turns = [
        (0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (1, b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"),
    ]
    turns += [
        (1, data)
        for data in (b"x" * 900 + b"nee", b"dle" + b"y" * 1097, b"aaaaaaa" + b"z" * 993, b"needle" * 10)
    ]
    turns += [(1, b"b" * 940)]
    wrpcap(str(tmp_path / "a.pcap"), tcp(turns))
    ways = ["any any -> any 80", "any 80 -> any any", *(f"any {port} -> any any" for port in range(1, 10))]
    text = "".join(
        f'alert tcp-pkt {way} (content:"{word}"; sid:{10 * i + k};)\n'
        for i, way in enumerate(ways)
        for k, word in enumerate(["needle", "aaaa", "yyyz", "Host", "bbb"])
    )
    engine = Engine(Parser().text(text).rules)

    def told() -> list[tuple[int, int]]:
        found = over_capture(tmp_path / "a.pcap", engine.fresh(), piece=piece)
        return [(alert.rule.sid, alert.frame) for alert in found]

    spared = []
    covered = Windows.covered

    def counted(self):
        found = covered(self)
        spared.append(int(found.sum()))
        return found

    monkeypatch.setattr(Windows, "covered", counted)
    some = told()
    assert sum(spared) >= (1 if piece > 4 else 0)
    monkeypatch.setattr(Windows, "covered", lambda self: np.zeros(len(self._packets.flow), np.bool_))
    assert some == told()
    assert {sid for sid, _ in some} == {3, 10, 11, 14}
