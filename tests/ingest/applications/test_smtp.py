from __future__ import annotations

import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.smtp import Smtp
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


@pytest.mark.parametrize("cut", [None, 1460, 70_001])
def test_a_mail_behind_a_line_without_an_end_is_read(speak, cut):
    line = b"NOOP " + b"x" * 100_000
    mail = b"\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: s\r\n\r\nhi\r\n.\r\n"
    found = speak("smtp", [(1, b"220 x\r\n"), (0, b"EHLO a\r\n" + line + mail)], (4000, 25), cut=cut)
    assert found.values("smtp.mail_from") == [b"<a@b>"]
    assert found.values("email.subject") == [b"s"]
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["smtp.truncated_line"]


_GREETED = [(1, b"220 x\r\n"), (0, b"EHLO a\r\n"), (1, b"250-x\r\n250 CHUNKING\r\n")]


@pytest.mark.parametrize(
    ("turns", "events"),
    [
        ([(1, b"hello\r\n")], []),
        ([(0, b"EHLO a\r\n"), (1, b"220 x\r\n")], ["smtp.no_server_welcome_message"]),
        ([*_GREETED, (0, b"NOOP\r\n"), (1, b"hello\r\n")], ["smtp.invalid_reply"]),
        ([*_GREETED, (0, b"DATA\r\n"), (1, b"503 no\r\n")], ["smtp.data_command_rejected"]),
        ([*_GREETED, (0, b"DATA\r\n"), (1, b"354 go\r\n"), (0, b"a: b\r\n.\r\n")], []),
        ([*_GREETED, (0, b"DATA\r\n"), (0, b"a: b\r\n.\r\n")], ["smtp.invalid_pipelined_sequence"]),
        ([*_GREETED, (0, b"NOOP " + b"x" * 4100 + b"\r\n")], ["smtp.truncated_line"]),
        ([*_GREETED, (0, b"NOOP " + b"x" * 600 + b"\r\n")], []),
        ([*_GREETED, (0, b"BDAT 3 LAST\r\nab\n")], []),
        ([*_GREETED, (0, b"BDAT 3 LAST\r\n"), (0, b"abc"), (0, b"QUIT\r\n")], []),
        ([*_GREETED, (0, b"BDAT 3 LAST\r\n"), (0, b"ab\rQUIT\r\n")], []),
        ([*_GREETED, (0, b"BDAT 3 LAST\r\n"), (0, b"ab\r\n")], ["smtp.bdat_chunk_len_exceeded"]),
        ([*_GREETED, (0, b"BDAT 3 LAST\r\nabcQUIT\r\n")], ["smtp.bdat_chunk_len_exceeded"]),
        ([*_GREETED, (0, b"BDAT 3 LAST\r\nabc")], []),
        ([*_GREETED, (0, b"BDAT 3 LAST\r\nabc"), (0, b"QUIT\r\n")], ["smtp.bdat_chunk_len_exceeded"]),
        ([*_GREETED, (0, b"BDAT 3\r\nab\nBDAT 2 LAST\r\nb\n")], ["smtp.bdat_chunk_len_exceeded"]),
    ],
)
def test_what_is_odd_is_told(speak, turns, events):
    found = speak("smtp", turns, (4000, 25))
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == events


@pytest.mark.parametrize("lost", ["gap", "line"])
def test_after_a_gap_or_a_line_without_an_end_nothing_is_said_of_the_order(lost):
    parser = Smtp(ApplicationSettings(), (4000, 25))
    said = [*_GREETED, (1, b"x" * 5000 if lost == "line" else b""), (0, b"DATA\r\na: b\r\n.\r\n")]
    for frame, (direction, data) in enumerate(said, 1):
        if data:
            parser.feed(direction, data, ([len(data)], [frame], [frame]))
        else:
            parser.gap(direction, 5)
    assert parser.anomalies == []
    assert parser.closed
