from __future__ import annotations

import pytest

from ingest.applications.tables import ANOMALIES


def test_the_example(said):
    found = said("smtp")
    assert found.values("smtp.mail_from") == [b"<a@b>"]
    assert found.values("smtp.rcpt_to") == [b"<c@d>"]
    assert (found.values("file.name"), found.values("file.data")) == ([b"a.zip"], [b"hello"])
    assert found.values("email.subject") == [b"hello"]


def test_chunks_are_a_mail_too(speak):
    mail = b"From: x@y\r\n\r\nhi"
    turns = [
        (0, b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"),
        (0, b"BDAT %d LAST\r\n" % len(mail) + mail),
    ]
    assert speak("smtp", turns, (4000, 25)).values("email.from") == [b"x@y"]


def test_after_starttls_comes_tls(speak):
    found = speak("smtp", [(1, b"220 hi\r\n"), (0, b"STARTTLS\r\n"), (1, b"220 go\r\n")], (4000, 25))
    assert found.parser.becomes == "tls"


@pytest.mark.parametrize(
    ("turns", "event"),
    [
        ([(0, b"EHLO " + b"x" * 600 + b"\r\n")], "smtp.max_command_line_len_exceeded"),
        ([(1, b"hello\r\n")], "smtp.invalid_reply"),
        ([(1, b"554 no\r\n")], "smtp.no_server_welcome_message"),
        ([(1, b"220 x\r\n"), (0, b"DATA\r\n"), (1, b"503 no\r\n")], "smtp.data_command_rejected"),
    ],
)
def test_what_is_odd_is_told(speak, turns, event):
    found = speak("smtp", turns, (4000, 25))
    assert event in [ANOMALIES[k] for k, *_ in found.parser.anomalies]
