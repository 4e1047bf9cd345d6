from __future__ import annotations

import random
import struct

import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications import tables
from ingest.applications.smb import Smb
from ingest.applications.smb_units import tell
from ingest.applications.wanted import Wanted


def nbss(data, kind=0):
    return bytes((kind,)) + len(data).to_bytes(3, "big") + data


def smb1(body=b""):
    return b"\xffSMB" + bytes(28) + body


def smb2(body=b"", after=0, head=64):
    return b"\xfeSMB" + struct.pack("<H", head) + bytes(14) + struct.pack("<I", after) + bytes(40) + body


def smb3(body=b"", size=None):
    size = len(body) if size is None else size
    return b"\xfdSMB" + bytes(32) + struct.pack("<I", size) + bytes(12) + body


def told(message, d=0):
    parser = Smb(ApplicationSettings(units=True))
    tell(parser, d, 7, message)
    assert all(unit[1:3] == (d, 7) for unit in parser.units)
    return [(tables.UNITS[kind].removeprefix("smb."), data) for kind, _, _, data, _ in parser.units]


def around(data, kind=0):
    message = nbss(data, kind)
    return [("nbss.pdu", message), ("nbss.hdr", message[:4]), *([("nbss.data", data)] if data else [])]


def parts(name, head, body=b""):
    made = [(f"{name}.pdu", head + body), (f"{name}.hdr", head)]
    return made + ([(f"{name}.data", body)] if body else [])


FIRST = smb2(b"abcdefgh", after=72)
SHORT = smb2(after=9, head=8)
CASES = [
    (smb1(b"abc"), parts("smb1", smb1(), b"abc")),
    (smb1(), parts("smb1", smb1())),
    (smb1()[:31], []),
    (smb2(b"abc"), parts("smb2", smb2(), b"abc")),
    (smb2(), parts("smb2", smb2())),
    (smb2()[:63], []),
    (FIRST + smb2(b"x"), parts("smb2", FIRST[:64], FIRST[64:]) + parts("smb2", smb2(), b"x")),
    (FIRST + smb2()[:-1], parts("smb2", FIRST[:64], FIRST[64:])),  # the second is cut off
    (smb2(b"abc", after=68), []),  # the next one begins behind the end
    (smb2(b"abc", after=64), parts("smb2", smb2(after=64), b"abc")),  # none does
    (SHORT + b"abc", parts("smb2", SHORT[:8], SHORT[8:] + b"a")),
    (smb2(b"abc", head=0xFFFF), [(f"smb2.{part}", smb2(b"abc", head=0xFFFF)) for part in ("pdu", "hdr")]),
    (smb3(b"abc") + smb3(), parts("smb3", smb3(size=3), b"abc") + parts("smb3", smb3())),
    (smb3(b"abc", size=4), []),
    (smb3(b"abc") + smb2(), parts("smb3", smb3(size=3), b"abc")),  # another kind is no message of these
    (b"", []),
    (b"\xfeSM", []),
    (b"noise" * 20, []),
]  # fmt: skip


@pytest.mark.parametrize(("data", "wanted"), CASES)
def test_what_a_message_holds(data, wanted):
    assert told(nbss(data), d=len(data) % 2) == around(data) + wanted


def test_other_messages_of_a_session_hold_none():
    assert told(nbss(smb1(b"abc"), kind=0x81)) == around(smb1(b"abc"), 0x81)
    assert told(nbss(b"", kind=0x85)) == around(b"", 0x85)


def test_noise_grows_no_more_than_fourfold():
    """Whatever heads claim: each byte is in the session's units and in those of one message, twice each."""
    chance = random.Random(3)
    for _ in range(300):
        made = []
        for _ in range(chance.randrange(20)):
            after, head = chance.choice((0, 1, 65, 72, 2**32 - 1)), chance.choice((0, 1, 64, 65535))
            made.append(smb2(b"x" * chance.randrange(9), after, head))
        message = nbss(b"".join(made))
        assert sum(len(data) for _, data in told(message)) <= 4 * len(message) + 4


@pytest.mark.parametrize("cut", [None, 1, 7])
def test_units_of_both_directions_as_they_come(speak, examples, cut):
    turns, ports, _ = examples["smb"]
    found = speak("smb", turns, ports, cut=cut, settings=ApplicationSettings(units=True)).parser.units
    names = {(tables.UNITS[kind], d) for kind, d, *_ in found}
    for d in (0, 1):
        assert {("smb.nbss.hdr", d), ("smb.smb2.pdu", d), ("smb.smb2.hdr", d), ("smb.smb2.data", d)} <= names
        said = b"".join(data for side, data in turns if side == d)
        assert (
            b"".join(
                data for kind, side, _, data, _ in found if (tables.UNITS[kind], side) == ("smb.nbss.pdu", d)
            )
            == said
        )
    assert not speak("smb", turns, ports, cut=cut).parser.units


def test_older_messages_that_are_passed_over_have_units_too():
    parser = Smb(ApplicationSettings(units=True), (4000, 445))
    parser.wanted = Wanted(calls=False)
    message = nbss(smb1(b"abcdef"))
    parser.feed(0, message, ([len(message)], [1], [1]))
    assert not parser.made
    assert [data for kind, _, _, data, _ in parser.units if tables.UNITS[kind] == "smb.smb1.data"] == [
        b"abcdef"
    ]


def feed(parser, d, data, frame):
    for at in range(0, len(data), 5):
        parser.feed(d, data[at : at + 5], ([len(data[at : at + 5])], [frame], [frame]))


def test_units_go_on_behind_a_gap(examples):
    """With the next message that is found; what is read otherwise ends there, units asked for or not."""
    turns = examples["smb"][0]
    lost = b"\0\0\0\x20rest of what was lost \xfeSM\xfeSMB"
    made = []
    for units in (True, False):
        parser = Smb(ApplicationSettings(units=units), (4000, 445))
        feed(parser, 0, turns[0][1][:-3], 1)
        parser.gap(0, 100)
        assert parser.done == [not units, False]
        feed(parser, 0, lost + nbss(smb2(b"next")) + turns[0][1], 2)
        feed(parser, 1, turns[1][1], 3)
        parser.gap(0, 5)
        feed(parser, 0, nbss(smb2(b"last")) + b"\1\0\0\0" + nbss(smb2(b"is not read")), 4)
        assert parser.done == [True, False]
        assert not any(parser.seeking)
        parser.end(5)
        made.append(parser)
    told = [
        (frame, data)
        for kind, d, frame, data, _ in made[0].units
        if not d and tables.UNITS[kind] == "smb.smb2.data"
    ]
    assert told == [(2, b"next"), (2, turns[0][1][68:]), (4, b"last")]
    assert not made[1].units
    assert made[0].anomalies == made[1].anomalies == []
    assert [each.notes for each in made[0].closed] == [each.notes for each in made[1].closed]
    assert [each.rows for each in made[0].closed] == [each.rows for each in made[1].closed]


def test_what_is_looked_through_is_not_kept():
    parser = Smb(ApplicationSettings(units=True), (4000, 445))
    parser.gap(1, 1)
    for frame in range(100):
        feed(parser, 1, bytes(1000), frame)
    assert len(parser.streams[1].data) < 8
    assert not parser.units
