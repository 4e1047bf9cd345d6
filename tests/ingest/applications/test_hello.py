from __future__ import annotations

import pytest

from ingest.applications.hello import Cut, Reader, read_client, read_server


def test_a_reader_stops_at_the_end():
    reader = Reader(b"\1a")
    assert reader.vector(1) == b"a"
    assert reader.left == 0
    with pytest.raises(Cut):
        reader.take(1)


def test_hellos_without_extensions():
    hello, name, random, event = read_client(b"\3\1" + bytes(32) + b"\0\0\2\0\x2f\1\0")
    assert (hello.version, hello.ciphers, name, len(random), event) == (0x0301, (47,), b"", 32, "")
    assert read_server(b"\3\1" + bytes(32) + b"\0\0\x2f\0")[:4] == (0x0301, 0x0301, 47, ())


@pytest.mark.parametrize(
    ("extension", "event"),
    [
        (b"\0\0\0\5\0\3\1\0\0", "tls.invalid_sni_type"),
        (b"\0\0\0\5\0\3\0\0\x09", "tls.invalid_sni_length"),
        (b"\0\0\0\5\0\3\0\0\0" * 2, "tls.multiple_sni_extensions"),
    ],
)
def test_odd_server_names_are_told(extension, event):
    body = b"\3\3" + bytes(32) + b"\0\0\2\0\x2f\1\0" + len(extension).to_bytes(2, "big") + extension
    assert read_client(body)[3] == event
