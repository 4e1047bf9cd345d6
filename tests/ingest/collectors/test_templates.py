"""Templates: what is in a set, what is refused, how layouts are shared."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.collectors import kernels as k
from ingest.collectors import templates
from ingest.collectors.templates import VARIABLE, Field, Layouts, Refused, Template, Withdrawn, read_set
from tests.exporters import options, template


def read(raw: bytes, version: int, options: bool = False):
    return list(read_set(raw[4:], version, options))


def test_fields_scopes_and_enterprises():
    (nine,) = read(template(256, [(8, 4), (40001, 4)]), 9)
    assert nine == Template(256, (Field(0, 8, 4), Field(0, 40001, 4)))
    (ten,) = read(template(300, [(8, 4), (33, VARIABLE, 6871)], 10), 10)
    assert ten.fields == (Field(0, 8, 4), Field(6871, 33, VARIABLE))
    (of_nine,) = read(options(257, [(1, 4)], [(34, 4)]), 9, options=True)
    assert of_nine.scopes == 1
    assert of_nine.fields[0].enterprise == templates.SCOPE
    assert of_nine.telling
    (of_ten,) = read(options(258, [(144, 4)], [(160, 8)], 10), 10, options=True)
    assert (of_ten.scopes, len(of_ten.fields), of_ten.telling) == (1, 2, True)


def test_withdrawals():
    assert read(b"\0\2\0\10\1\0\0\0", 10) == [Withdrawn(256, options=False)]
    assert read(b"\0\2\0\10\0\2\0\0", 10) == [Withdrawn(0, options=False)]


def test_what_cannot_be_used_is_refused_with_a_reason():
    assert read(template(256, [(8, 0)]), 9) == [Refused(256, "template_empty")]
    assert read(template(256, [(8, 4)])[:-2], 9) == [Refused(256, "template_truncated")]
    assert read(template(255, [(8, 4)]), 9) == [Refused(255, "template_id")]
    assert read(options(258, [], [(160, 8)], 10), 10, options=True) == [Refused(258, "template_scope")]
    assert read(template(256, [(1, 40000), (2, 40000)]), 9) == [Refused(256, "template_too_long")]
    assert read(template(256, [(8, 4)]) + bytes(4), 9)[1:] == []  # padding


def test_equal_layouts_are_one_and_there_are_not_too_many(monkeypatch):
    layouts = Layouts()
    fields = (Field(0, 8, 4), Field(0, 12, 4), Field(0, 82, VARIABLE))
    one = layouts.add(fields, options=False)
    assert layouts.add(fields, options=False) == one
    row = layouts.table[one]
    assert (row["length"], row["fixed"], row["useful"]) == (9, 0, 1)
    assert layouts.ops[row["first"] : row["stop"]]["length"].tolist() == [4, 4, -1]
    assert layouts.table[layouts.v5]["length"] == 48
    monkeypatch.setattr(templates, "MAX_LAYOUTS", 2)
    assert layouts.add(fields[:1], options=False) == templates.NO_ROOM


@settings(max_examples=60)
@given(st.binary(max_size=60), st.sampled_from([9, 10]), st.booleans())
def test_no_bytes_make_it_fail(raw, version, options):
    layouts = Layouts()
    for each in read_set(raw, version, options):
        if isinstance(each, Template):
            at = layouts.add(each.fields, options=options)
            assert layouts.table[at]["length"] > 0
            ops = layouts.ops[layouts.table[at]["first"] : layouts.table[at]["stop"]]
            assert (ops["column"] < k.COLUMNS).all()
            if layouts.table[at]["fixed"]:
                assert (ops["at"] + np.maximum(ops["length"], 0) <= layouts.table[at]["length"]).all()
