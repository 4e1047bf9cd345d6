from __future__ import annotations

from scapy.utils import wrpcap

from rules.language.parser import Parser
from rules.match.engine import Engine
from stream.matching import matched
from tests.rules.conftest import tcp


def test_what_is_over_is_let_go(tmp_path):
    wrpcap(str(tmp_path / "a.pcap"), tcp([(0, b"abc"), (1, b"d" * 300), (0, b"e")], dport=9))
    engine = Engine(Parser().text('alert tcp any any -> any any (content:"abc"; sid:1;)').rules)
    held = [
        (len(engine.carry.live), engine.carry.tails.held, len(alerts))
        for _, alerts in matched(tmp_path / "a.pcap", engine, piece=3)
    ]
    assert held[-1][:2] == (0, 0)
    assert {flows for flows, _, _ in held[:-1]} == {1}
    assert max(tail for _, tail, _ in held) == 304  # all of it: it was not looked at yet
    assert sum(alerts for _, _, alerts in held) == 1
