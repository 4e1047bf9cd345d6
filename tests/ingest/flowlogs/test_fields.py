"""Typed columns and the complaints kept beside them."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.flowlogs.fields import Fields, Vocabulary, cut, read_json, word_of
from ingest.flowlogs.lines import MAX_LINE, REASONS, split

NAMES = ("ts", "port", "host")


def fields_of(text: str) -> Fields:
    fields = Fields(split(text.encode(), 1), NAMES)
    cut(fields, NAMES, ",")
    return fields


def reasons(fields: Fields) -> list[str]:
    return [REASONS[s] for s in fields.status]


def test_the_first_complaint_stays():
    fields = fields_of("x,y,z\n1,y,z\n1,2,z\n1,2,::1\n,2,::1\n1,2")
    fields.require("ts")
    fields.times("ts")
    fields.ports("port")
    fields.addresses("host")
    assert reasons(fields) == [
        "bad_time",
        "bad_port",
        "bad_address",
        "none",
        "missing_field",
        "too_few_columns",
    ]


def test_absent_and_hexadecimal():
    fields = fields_of("1,0x0303,\n1,,\n1,16,\n1,0x,")
    assert fields.hexadecimal("port").tolist() == [True, False, False, False]
    assert fields.ports("port").tolist() == [0x303, 0, 16, 0]
    assert fields.present("port").tolist() == [True, False, True, True]
    assert fields.present("host").tolist() == [False] * 4
    assert reasons(fields)[3] == "bad_port"
    assert fields_of("").hexadecimal("port").tolist() == []


@pytest.mark.parametrize(("text", "want"), [("5", [5]), ("5.0", [5]), ("-1", [0])])
def test_counts(text, want):
    fields = fields_of(f"1,{text},")
    assert fields.counts("port").tolist() == want


def test_a_line_too_long():
    fields = fields_of("1,2," + "x" * MAX_LINE + "\n1,2,::1")
    assert reasons(fields) == ["line_too_long", "none"]
    json = Fields(split(b'{"host":"::1"}\n{"ts":"' + b"x" * MAX_LINE + b'"}', 1), NAMES)
    read_json(json)
    assert reasons(json) == ["none", "line_too_long"]


def test_vocabulary():
    words = Vocabulary({"tcp": (6, 1), "UDP": (17, 2)})
    rows, known = words.look_up(np.array([word_of("TCP"), word_of("udp"), word_of("x"), 0], np.uint64))
    assert rows.tolist() == [[6, 1], [17, 2], [0, 0], [0, 0]]
    assert known.tolist() == [True, True, False, False]
    assert word_of("id.orig_h") == word_of("ID_ORIG_H") != 0 == word_of("")
