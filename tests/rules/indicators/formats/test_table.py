from __future__ import annotations

import pytest

from citywall.errors import InputError
from rules.indicators.formats import table
from rules.indicators.formats.base import Listing


def read(text: str) -> Listing:
    listing = Listing("t.csv", "t")
    table.read(text, listing)
    return listing


def test_columns_by_name():
    found = read(
        "type,value,source,confidence,valid_until,description\n"
        'domain,bad.example,feed A,75,2027-01-01,"a, b"\n'
        "ip:port,203.0.113.9:8080,,,,\n"
        "email-src,a@b.example,,,,\n"
        "ip,not-an-ip,,,,\n"
    ).into
    first, second = found.found
    assert (first.value, first.source, first.confidence, first.title) == (
        "bad.example",
        "feed A",
        0.75,
        "a, b",
    )
    assert (second.kind, second.value, second.source) == ("address", "203.0.113.9", "t")
    assert [(r.place, r.value) for r in found.refused] == [("line 4", "a@b.example"), ("line 5", "not-an-ip")]


def test_a_remark_may_name_the_columns():
    text = '# "first_seen_utc","ioc_value","ioc_type"\n"2024-01-01 00:00:00","bad.example","domain"\n'
    assert table.delimiter_of(text) == ","
    (found,) = read(text).into.found
    assert found.begins > 0


def test_several_values_of_one_line():
    found = read("md5\tsha256\tmalware\n" + "a" * 32 + "\t" + "b" * 64 + "\tWorm\nx\t\t\n").into
    assert [(i.kind, i.title) for i in found.found] == [("md5", "Worm"), ("sha256", "Worm")]
    assert found.refused_count == 1


def test_lines_with_too_many_columns_are_refused():
    found = read("type,value\ndomain,a.example,b,c\n").into
    assert found.refused[0].reason == "4 columns where 2 are named"


def test_columns_that_are_not_known():
    assert table.delimiter_of("a,b\n1,2\n") == ""
    with pytest.raises(InputError):
        read("a,b\n1,2\n")
