from __future__ import annotations

from tests.rules.conftest import tcp, udp

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


def message(body):
    """One of SMB 2 behind its length."""
    data = b"\xfeSMB\x40" + bytes(59) + body
    return len(data).to_bytes(4, "big") + data


def test_messages_of_smb(sids):
    text = """
alert smb any any -> any any (flow:to_server; frame:smb2.pdu; content:"|FE|SMB"; startswith; sid:1;)
alert smb any any -> any any (flow:to_client; frame:smb2.hdr; content:"|FE|SMB"; startswith; bsize:64; sid:2;)
alert smb any any -> any any (frame:smb.smb2.data; content:"abc"; startswith; endswith; sid:3;)
alert smb any any -> any any (frame:nbss.hdr; bsize:4; content:"|00 00 00|"; startswith; sid:4;)
alert smb any any -> any any (frame:smb1.pdu; content:"SMB"; sid:5;)
"""
    turns = [(0, message(b"abc")), (1, message(b"answer")), (0, message(b"abc"))]
    assert sorted(sids(text, tcp(turns, dport=445))) == [1, 1, 2, 3, 3, 4, 4, 4]


def test_records_of_tls_behind_encryption(sids):
    """No more is read of an encrypted connection but the records it is cut into."""
    hello = b"\x16\3\3\0\x2d\1\0\0\x29\3\3" + bytes(32) + b"\0\0\2\x13\1\1\0"
    answer = b"\x16\3\3\0\x2a\2\0\0\x26\3\3" + bytes(32) + b"\0\xc0\x2f\0"
    data = [(0, b"\x17\3\3\0\1a"), (1, b"\x17\3\3\0\1b")]
    text = 'alert tls any any -> any any (frame:tls.pdu; content:"|17 03 03|"; startswith; sid:1;)\n'
    text += 'alert tls any any -> any any (flow:to_client; frame:tls.data; content:"b"; sid:2;)'
    assert (
        sorted(sids(text, tcp([(0, hello), (1, answer), *data, *data, *data], dport=443)))
        == [1] * 6 + [2] * 3
    )


def test_messages_of_dns_over_udp(sids):
    name = b"\7example\3com\0"
    asked = b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + name + b"\0\1\0\1"
    text = 'alert udp any any -> any any (frame:dns.pdu; content:"|07|example"; offset:12; sid:1;)'
    assert sids(text, [udp(asked, dport=53), udp(asked, dport=53)]) == [1, 1]


MAIL = b"Subject: hi\r\n\r\n" + b"x" * 6000 + b"last\r\n.\r\n"
TURNS = [(1, b"220 mail ESMTP\r\n"), (0, b"EHLO a\r\n"), (1, b"250 ok\r\n"), (0, b"MAIL FROM:<a@b>\r\n"),
         (1, b"250 ok\r\n"), (0, b"RCPT TO:<c@d>\r\n"), (1, b"250 ok\r\n"), (0, b"DATA\r\n"),
         (1, b"354 go\r\n"), (0, MAIL), (1, b"250 ok\r\n"), (0, b"QUIT\r\n")]  # fmt: skip


def test_a_mail_is_looked_at_as_it_grows(sids):
    text = """
alert smtp any any -> any any (frame:smtp.data; content:"Subject"; startswith; sid:1;)
alert smtp any any -> any any (frame:smtp.data; content:"|0d 0a|.|0d 0a|"; endswith; sid:2;)
alert smtp any any -> any any (frame:smtp.data; content:"last"; offset:6000; sid:3;)
alert smtp any any -> any any (frame:smtp.data; content:"xxx"; depth:50; sid:4;)
alert smtp any any -> any any (frame:smtp.data; content:"QUIT"; sid:5;)
alert smtp any any -> any any (frame:smtp.command_line; content:">|0d 0a|"; endswith; sid:6;)
"""
    assert sorted(sids(text, tcp(TURNS, dport=25))) == [1, 2, 3, 4, 6, 6]


def test_the_stream_of_a_protocol(sids):
    text = """
alert smtp any any -> any any (frame:smtp.stream; content:"|0d 0a|.|0d 0a|"; sid:1;)
alert smtp any any -> any any (frame:stream; flow:to_client; content:"354 go"; sid:2;)
alert tcp any any -> any any (frame:smtp.stream; content:"Subject"; sid:3;)
alert tcp any any -> any any (frame:tls.stream; content:"Subject"; sid:4;)
"""
    assert sorted(sids(text, tcp(TURNS, dport=25))) == [1, 2, 3]
