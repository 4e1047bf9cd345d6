from __future__ import annotations

from tests.rules.conftest import udp
from tests.rules.keywords.reading import refused


def test_what_went_over_a_flow(sids):
    text = """
alert udp any any -> any any (flow.pkts_toserver:3; sid:1;)
alert udp any any -> any any (flow.pkts:toclient,>0; sid:2;)
alert udp any any -> any any (flow.bytes:either,>200; sid:3;)
alert udp any any -> any any (flow.age:>2; sid:4;)
"""
    scene = [udp(b"x" * 50), udp(b"y", back=True), udp(b"x" * 50), udp(b"x" * 50)]
    assert sids(text, scene) == [2, 2, 1, 2, 3, 4]


def test_refused():
    assert refused("flow.pkts:sideways,3;", "udp")
    assert refused("flow.pkts:3;", "udp")
