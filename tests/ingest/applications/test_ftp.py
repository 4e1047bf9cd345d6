from __future__ import annotations

import pytest

from ingest.applications.ftp import looks
from ingest.applications.parser import MOST_OPEN
from ingest.applications.tables import ANOMALIES


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


def _odd(found):
    return [(ANOMALIES[kind], number) for kind, _, number, _ in found.parser.anomalies]


def test_a_reply_is_received_of_commands_alone_and_a_preliminary_one_is_none_yet(speak):
    turns = [
        (1, b"220 hi\r\n"),
        (0, b"USER a\r\n"), (1, b"331-pass\r\n331 word\r\n"),
        (0, b"FEAT\r\n"), (1, b"211 none\r\n"),
        (0, b"RETR a\r\n"), (1, b"150 wait\r\n"), (1, b"226 done\r\n"),
        (0, b"RETR b\r\n"), (1, b"150 wait\r\n226 done\r\n"),
        (0, b"RETR c\r\n"), (1, b"150 wait\r\n"),
        (0, b"QUIT\r\n"),
    ]  # fmt: skip
    found = speak("ftp", turns, (4000, 21))
    told = [numbers.get("ftp.reply_received", []) for numbers in found.numbers]
    assert told == [[], [1, 1], [], [0, 1], [1], [0, 0], [0]]


@pytest.mark.parametrize(
    ("turns", "before"),
    [
        ([(0, b"RETR a\r\n")], [0]),
        ([(0, b"PASV\r\n"), (1, b"227 (1,2,3,4,5,6)\r\n"), (0, b"LIST\r\nLIST\r\n")], [2]),
        ([(0, b"PASV\r\n"), (1, b"500 (1,2,3,4,5,6)\r\n"), (0, b"LIST\r\n")], [1]),
        ([(0, b"PASV\r\n"), (1, b"227 (1,2,3,4,0,0)\r\n"), (0, b"LIST\r\n")], [1]),
        ([(0, b"EPSV\r\n"), (1, b"229 (|||21001|)\r\n"), (0, b"STOU\r\n")], []),
        ([(0, b"EPRT |1|1.2.3.4|99|\r\n"), (1, b"200 ok\r\n"), (0, b"APPE abc\r\n")], []),
        ([(0, b"EPRT |1|1.2.3.4|x|\r\n"), (1, b"200 ok\r\n"), (0, b"NLST\r\n")], [1]),
        ([(0, b"PORT 1,2,3,4,5,6\r\n"), (1, b"200 ok\r\n"), (0, b"MLSD\r\n")], []),
        ([(0, b"PORT 1,2,3,4,5,6\r\nMLSD\r\n"), (1, b"200 ok\r\n")], [1]),
    ],
)
def test_a_transfer_before_its_port_is_odd(speak, turns, before):
    assert _odd(speak("ftp", turns, (4000, 21))) == [("ftp.file_before_port", number) for number in before]


def test_a_transfer_of_no_file_is_odd(speak):
    turns = [(0, b"RETR\r\nSTOR \r\nAPPE\r\n")]
    assert _odd(speak("ftp", turns, (4000, 21))) == [("ftp.file_without_name", n) for n in range(3)]


def test_more_commands_than_may_wait_are_told_unanswered(speak):
    found = speak("ftp", [(0, b"NOOP\r\n" * (MOST_OPEN + 10)), (1, b"200 x\r\n" * 20)], (4000, 21))
    assert len(found.transactions) == MOST_OPEN + 10
    assert not found.parser.asked[MOST_OPEN:]
    assert [t.number for t in found.transactions if len(t.values) > 1] == list(range(10, 30))
