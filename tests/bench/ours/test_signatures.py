from __future__ import annotations

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import wrpcap

from bench.ours import signatures

RULES = 'alert udp any any -> any any (content:"needle"; sid:1;)\n'
RULES += 'alert udp any any -> any any (content:"abc"; sid:2;)'


@pytest.fixture
def given(tmp_path):
    data = [b"x" * 700, b"a needle" + b"y" * 700, b"short needle"]
    wrpcap(str(tmp_path / "a.pcap"), [Ether() / IP() / UDP(sport=9, dport=9) / Raw(d) for d in data])
    (tmp_path / "a.rules").write_text(RULES, "utf-8")
    return str(tmp_path / "a.pcap"), str(tmp_path / "a.rules")


def test_alerts_and_costs_are_told(given):
    capture, rules = given
    told = signatures.report("match", capture, capture, rules)
    assert (told["packets"], told["rules"], told["alerts"]) == (3, 2, {"1": 2})
    assert signatures.report("match", capture, capture, "")["alerts"] == {}
    assert signatures.report("match", capture, capture, rules, "all")["alerts"] == {"1": 2}


def test_the_prefilter_is_given_long_payloads(given):
    capture, rules = given
    assert signatures.literals_of(rules) == [b"abc", b"needle"]
    data = signatures.payloads_of(capture)
    assert len(data) == signatures.ITEM * signatures.ITEMS
    assert set(data) == set(b"x" + b"a needle" + b"y")
    told = signatures.report("prefilter", capture, rules)
    assert told["told"] == signatures.ITEMS // 2
