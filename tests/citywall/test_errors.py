"""Every error says where it is."""

from __future__ import annotations

from citywall.errors import InputError, QueryError, Refused, UnsupportedInput, UsageError


def test_places():
    assert str(InputError("a.pcap", "is cut short", offset=24)) == "a.pcap at byte 24: is cut short"
    assert str(InputError("conn.log", "no such field", line=7)) == "conn.log, line 7: no such field"
    assert str(UnsupportedInput("x", "is text")) == "x: is text"
    assert "column 3" in str(QueryError("a b", 3, "unexpected"))


def test_exit_codes():
    assert UsageError.exit_code == 2
    assert InputError.exit_code == 1


def test_a_refusal_names_who_tried_what():
    error = Refused("other_unit", "li", "cases.read", "case:7", unit="x")
    assert str(error) == "refused: cases.read on case:7 by li: other_unit"
    assert (error.code, error.values, error.exit_code) == ("other_unit", {"unit": "x"}, 1)
