from __future__ import annotations

import struct

from tests.rules.conftest import tcp, udp


def test_calls_of_remote_procedures(sids):
    text = """
alert udp any any -> any any (rpc:100000; sid:1;)
alert udp any any -> any any (rpc:100000,2,3; sid:2;)
alert udp any any -> any any (rpc:100000,*,4; sid:3;)
alert udp any any -> any any (rpc:100000,3,*; sid:4;)
alert tcp any any -> any any (rpc:100003,3,*; sid:5;)
"""
    call = struct.pack(">10I", 7, 0, 2, 100000, 2, 3, 0, 0, 0, 0)
    answer = struct.pack(">10I", 7, 1, 2, 100000, 2, 3, 0, 0, 0, 0)
    framed = struct.pack(">11I", 1 << 31 | 40, 7, 0, 2, 100003, 3, 1, 0, 0, 0, 0)
    assert sids(text, [udp(call, dport=111), udp(answer, dport=111), udp(call[:20], dport=111)]) == [1, 2]
    assert sids(text, tcp([(0, framed)], dport=2049)) == [5]
