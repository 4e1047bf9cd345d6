from __future__ import annotations

import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.smtp_units import LEAST
from ingest.applications.tables import UNITS


def told(speak, turns, cut=1 << 20, **changes):
    found = speak("smtp", turns, (4000, 25), cut=cut, settings=ApplicationSettings(units=True, **changes))
    return [
        (UNITS[kind].removeprefix("smtp."), data, start) for kind, _, _, data, start in found.parser.units
    ]


@pytest.mark.parametrize("cut", [1, 5, 1000])
def test_a_command_is_told_with_its_end_and_without_and_an_answer_with_it(speak, cut):
    turns = [(1, b"220 x\r\n"), (0, b"EHLO a\r\n"), (0, b"NOOP\n")]
    assert told(speak, turns, cut) == [
        ("response_line", b"220 x\r\n", 0),
        ("command_line", b"EHLO a\r\n", 0), ("command_line", b"EHLO a", 0),
        ("command_line", b"NOOP\n", 0), ("command_line", b"NOOP", 0),
    ]  # fmt: skip


HELLO = [(1, b"220 x\r\n"), (0, b"EHLO a\r\n"), (0, b"DATA\r\n"), (1, b"354 go\r\n")]


def mails(found):
    return [(data, start) for name, data, start in found if name == "data"]


@pytest.mark.parametrize("cut", [1, 7, 1 << 20])
def test_a_short_mail_is_told_once_it_is_over_its_dot_with_it(speak, cut):
    mail = b"a: b\r\n\r\n..c\r\n.\r\n"
    turns = [*HELLO, (0, mail + b"QUIT\r\n"), (0, b"DATA\r\n"), (0, b".\r\n")]
    assert mails(told(speak, turns, cut)) == [(mail, 0), (b".\r\n", 0)]


@pytest.mark.parametrize("inline", [False, True])
def test_a_long_mail_is_told_as_it_grows(speak, inline):
    pieces = [b"a" * 1000, b"b" * 1000, b"c" * 1000, b"d" * 1000, b"e\r\n.\r\n"]
    whole = b"".join(pieces)
    found = mails(told(speak, [*HELLO, *((0, piece) for piece in pieces)], inline=inline))
    if not inline:
        assert found == [(whole[:3000], 0), (whole[3000:], 3000)]
        return
    ends = [1000, 2000, 3000, 4000, len(whole)]
    begins = [0, 0, 0, 3000 - LEAST, 4000 - LEAST]
    assert found == [(whole[a:b], a) for a, b in zip(begins, ends, strict=True)]


def test_a_mail_that_is_cut_off_is_told_as_far_as_it_came(speak):
    found = speak("smtp", [*HELLO, (0, b"a: b\r\nc")], (4000, 25), settings=ApplicationSettings(units=True))
    assert UNITS[found.parser.units[-1][0]] == "smtp.data"
    assert found.parser.units[-1][3] == b"a: b\r\nc"
