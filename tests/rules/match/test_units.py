from __future__ import annotations

from tests.rules.conftest import udp

INVITE = b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nContent-Length: 4\r\n\r\nv=0\n"


def test_each_unit_that_agrees_is_told(sids):
    text = """
alert sip any any -> any any (frame:request.line; content:"SIP/2.0|0d 0a|"; endswith; sid:1;)
alert sip any any -> any any (frame:sip.request.body; content:"v=0"; startswith; bsize:4; sid:2;)
alert sip any any -> any any (flow:to_client; frame:pdu; content:"INVITE"; sid:3;)
alert sip any any -> any any (frame:pdu; to_lowercase; content:"invite"; startswith; sid:4;)
alert sip any any -> any any (frame:nothing; content:"a"; sid:5;)
"""
    found = sids(text, [udp(INVITE, dport=5060), udp(INVITE, dport=5060)])
    assert sorted(found) == [1, 1, 2, 2, 4, 4]
