from __future__ import annotations

from scapy.utils import wrpcap

from rules.language.parser import Parser
from rules.match.carry import Carry, Tail
from rules.match.engine import Engine
from stream.matching import matched
from tests.rules.conftest import tcp


def test_tails_take_no_more_room_than_there_is():
    carry = Carry(most_tails=10)
    for key in range(4):
        carry.keep_tail(key, Tail(b"abcd", 4, 0))
    assert list(carry.tails) == [2, 3]
    assert (carry.tail_bytes, carry.forgotten) == (8, 2)
    carry.keep_tail(2, Tail(b"a", 0, 3))
    carry.keep_tail(3, None)
    assert (carry.tails, carry.tail_bytes) == ({2: Tail(b"a", 0, 3)}, 1)


def test_what_is_over_is_let_go(tmp_path):
    wrpcap(str(tmp_path / "a.pcap"), tcp([(0, b"abc"), (1, b"d" * 300), (0, b"e")], dport=9))
    engine = Engine(Parser().text('alert tcp any any -> any any (content:"abc"; sid:1;)').rules)
    held = [
        (len(engine.carry.live), engine.carry.tail_bytes, len(alerts))
        for _, alerts in matched(tmp_path / "a.pcap", engine, piece=3)
    ]
    assert held[-1][:2] == (0, 0)
    assert {flows for flows, _, _ in held[:-1]} == {1}
    assert max(tail for _, tail, _ in held) == 304  # all of it: it was not looked at yet
    assert sum(alerts for _, _, alerts in held) == 1
