from __future__ import annotations

import pytest

from rules.language.model import Number
from tests.rules.keywords.reading import read, refused


def test_bits_by_name_and_number():
    flags = read("mqtt.connect.flags:username,!will;", "mqtt").fields[0]
    assert (flags.agrees(128), flags.agrees(132), flags.agrees(4)) == (True, False, False)
    assert read("websocket.flags:&0xc0=0x80;", "websocket").fields == [
        Number("websocket.flags", 128, 128, mask=192)
    ]
    assert read("websocket.opcode:!ping;", "websocket").fields == [
        Number("websocket.opcode", 9, 9, negated=True)
    ]
    assert read("snmp.trap_type:linkup;", "snmp").fields[0].low == 3
    assert read("ftp.mode:passive;", "ftp").fields[0].low == 1


@pytest.mark.parametrize(
    ("options", "protocol"),
    [("mqtt.flags:tall;", "mqtt"), ("websocket.flags:&0xc0=2;", "websocket"), ("ftp.mode:odd;", "ftp"),
     ("mqtt.flags:dup,!dup;", "mqtt")],
)  # fmt: skip
def test_refused(options, protocol):
    assert refused(options, protocol)


def test_websocket_frames_after_an_upgrade(sids):
    from tests.rules.conftest import tcp

    text = """
alert websocket any any -> any any (websocket.payload; content:"secret"; sid:1;)
alert websocket any any -> any any (websocket.opcode:ping; sid:2;)
alert websocket any any -> any any (websocket.flags:fin; flow:to_client; sid:3;)
"""
    masked = b"\x81\x86\1\2\3\4" + bytes(a ^ b for a, b in zip(b"secret", b"\1\2\3\4\1\2", strict=True))
    scene = tcp([
        (0, b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"),
        (1, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
        (0, masked), (1, b"\x89\x00\x81\x02hi"),
    ])  # fmt: skip
    assert sorted(sids(text, scene)) == [1, 2, 3, 3]
