from __future__ import annotations

from ingest.applications.rdp import looks


def test_the_cookie_is_told(speak):
    cookie = b"Cookie: mstshash=bob\r\n"
    ask = b"\3\0" + (11 + len(cookie)).to_bytes(2, "big") + b"\x22\xe0\0\0\0\0\0" + cookie
    agree = b"\3\0\0\x13\x0e\xd0\0\0\0\0\0\2\0\x08\0\1\0\0\0"
    found = speak("rdp", [(0, ask), (1, agree)], (4000, 3389))
    assert found.values("rdp.cookie") == [b"mstshash=bob"]
    assert found.integers("rdp.protocol") == [1]
    assert found.parser.becomes == "tls"
    assert looks(0, ask, (1, 2))
    assert not looks(0, agree, (1, 2))
