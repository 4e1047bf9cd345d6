from __future__ import annotations

from ingest.applications.smb import looks, remember


def test_the_example(said):
    found = said("smb")
    assert found.values("smb.share") == [b"\\\\fs\\PUBLIC"]
    assert found.integers("smb.status") == [0]


def test_tables_forget_the_oldest():
    table = {}
    for i in range(2000):
        remember(table, i, b"")
    assert len(table) == 1024
    assert 0 not in table


def test_how_it_is_recognised():
    assert looks(0, b"\0\0\0\x80\xfeSMB", (1, 445))
    assert not looks(0, b"GET / HTTP", (1, 445))


def test_a_message_that_is_too_long_is_passed_over(speak):
    head = b"\xfeSMB" + bytes(8) + b"\x10\0" + bytes(10) + b"%c" + bytes(39)
    first, second = head % 1 + bytes(1 << 21), head % 2
    data = b"".join(len(m).to_bytes(4, "big") + m for m in (first, second))
    whole = speak("smb", [(0, data)])
    assert whole.integers("smb.command") == [16, 16]
    assert not whole.parser.anomalies
    assert max(len(stream.data) for stream in whole.parser.streams) == 0
    assert speak("smb", [(0, data)], cut=1 << 18).numbers == whole.numbers
