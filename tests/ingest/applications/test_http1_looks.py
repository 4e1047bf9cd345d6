from __future__ import annotations

from ingest.applications.http1_looks import KNOWN, looks


def test_methods():
    assert b"VERSION-CONTROL" in KNOWN
    assert b"login=foo" not in KNOWN


def test_how_it_is_recognised():
    assert looks(0, b"GET / HTTP/1.1", (1, 9999))
    assert looks(0, b"PROPF", (1, 9999)) is None
    assert looks(1, b"HTTP/1.0 200", (1, 9999))
    assert not looks(0, b"\x16\x03\x01", (1, 80))
