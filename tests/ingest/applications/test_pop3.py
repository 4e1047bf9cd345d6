from __future__ import annotations

from ingest.applications.pop3 import looks
from ingest.applications.tables import ANOMALIES


def test_the_example(said):
    found = said("pop3")
    assert found.values("pop3.command") == [b"USER bob", b"PASS word", b"RETR 1", b"QUIT"]
    assert [t.complete for t in found.transactions] == [2, 3, 3, 3, 3]


def test_lists_go_on_where_nothing_is_named(speak):
    turns = [
        (0, b"LIST\r\nLIST 1\r\nCAPA\r\n"), (1, b"+OK 1\r\n1 20\r\n.\r\n+OK 1 20\r\n+OK\r\n.\r\n"),
        (0, b"NOOP\r\n"), (1, b"+OK\r\n"),
    ]  # fmt: skip
    for cut in (None, 1):
        assert [t.complete for t in speak("pop3", turns, (4000, 110), cut=cut).transactions] == [3, 3, 3, 3]


def test_an_answer_to_a_challenge_is_no_command(speak):
    turns = [(0, b"AUTH LOGIN\r\n"), (1, b"+ VXNlcg==\r\n"), (0, b"Ym9i\r\n"), (1, b"+OK\r\n")]
    found = speak("pop3", turns, (4000, 110))
    assert found.values("pop3.command") == [b"AUTH LOGIN"]
    assert not found.parser.anomalies


def test_tls_goes_on(speak):
    turns = [(0, b"STLS\r\n"), (1, b"+OK begin\r\n")]
    assert speak("pop3", turns, (4000, 110)).parser.becomes == "tls"


def test_what_is_out_of_order_is_told(speak):
    turns = [(0, b"HELO x\r\nTOP 1\r\nUSER " + b"x" * 260 + b"\r\n"), (1, b"+OK " + b"y" * 600 + b"\r\n")]
    found = speak("pop3", turns, (4000, 110))
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == [
        "pop3.unknown_command", "pop3.incorrect_argument_count", "pop3.request_too_long",
        "pop3.response_too_long",
    ]  # fmt: skip


def test_commands_without_answers_are_bounded(speak):
    found = speak("pop3", [(0, b"NOOP\r\n" * 3000)], (4000, 110))
    assert len(found.parser.asked) <= 1024
    assert len(found.transactions) == 3000


def test_it_goes_by_port_and_words():
    ports = (4000, 110)
    assert [looks(1, data, ports) for data in (b"", b"+", b"-ER", b"+OK", b"-err x", b"220 x")] == [
        None, None, None, True, True, False,
    ]  # fmt: skip
    assert [looks(0, data, ports) for data in (b"", b"us", b"USER bob", b"top 1", b"USERS x", b"GET /")] == [
        None, None, True, True, False, False,
    ]  # fmt: skip
    assert looks(1, b"+OK", (4000, 111)) is False
