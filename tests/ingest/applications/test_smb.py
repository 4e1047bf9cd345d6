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
