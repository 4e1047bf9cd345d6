from __future__ import annotations

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.tables import UNITS
from ingest.applications.telnet import looks

SETTINGS = ApplicationSettings(units=True)


def units(found):
    return [(UNITS[kind].removeprefix("telnet."), data) for kind, _, _, data, _ in found.parser.units]


def test_commands_and_lines_are_units(speak):
    turns = [(1, b"\xff\xfd\x18\xff\xfa\x18\1\xff\xf0\xff\xf1login: "), (0, b"root\r\nls\n")]
    found = units(speak("telnet", turns, (4000, 23), settings=SETTINGS))
    assert [data for kind, data in found if kind == "ctl"] == [
        b"\xff\xfd\x18", b"\xff\xfa\x18\1\xff\xf0", b"\xff\xf1",
    ]  # fmt: skip
    assert [data for kind, data in found if kind == "data"] == [b"root\r", b"ls"]
    assert len([1 for kind, _ in found if kind == "pdu"]) == 5


def test_where_it_is_cut_changes_nothing(speak):
    turns = [(0, b"\xff\xfb\x18\xff\xfa\x18\0xterm\xff\xf0abc\r\n\xff\xf4d\n")]
    whole = units(speak("telnet", turns, (4000, 23), settings=SETTINGS))
    assert units(speak("telnet", turns, (4000, 23), cut=1, settings=SETTINGS)) == whole


def test_without_units_nothing_is_read(speak):
    found = speak("telnet", [(0, b"root\n")], (4000, 23))
    assert found.parser.done == [True, True]


def test_it_goes_by_its_port():
    assert [looks(0, data, (4000, 23)) for data in (b"", b"x", b"xy")] == [None, None, True]
    assert looks(0, b"xy", (4000, 24)) is False
