from __future__ import annotations

from ingest.applications.ftp import looks


def test_the_example_announces_its_data(said):
    found = said("ftp")
    assert found.values("ftp.command") == [b"USER", b"PASV", b"RETR"]
    assert found.values("ftp.completion_code") == [b"220", b"331", b"227", b"150", b"226"]
    assert found.parser.expected == [("ftp-data:RETR:a.txt", 1, 21001, 6)]


def test_active_data_goes_to_the_client(speak):
    found = speak("ftp", [(0, b"PORT 10,0,0,1,4,1\r\nSTOR b\r\n")], (4000, 21))
    assert found.parser.expected == [("ftp-data:STOR:b", 0, 1025, 1)]


def test_a_data_connection_is_a_file(speak):
    found = speak("ftp-data", [(1, b"hel"), (1, b"lo")], (4000, 21001), about="RETR:a.txt")
    assert (found.values("file.data"), found.values("file.name")) == ([b"hello"], [b"a.txt"])
    assert found.values("ftpdata.command") == [b"retr"]


def test_how_it_is_recognised():
    assert looks(0, b"USER bob\r\n", (1, 2121))
    assert not looks(0, b"USER bob\r\n", (1, 110))
    assert looks(1, b"220 hi", (1, 21))
