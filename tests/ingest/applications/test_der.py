from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.applications.der import Broken, integer, item_at, items, oid


def test_elements():
    found = items(b"\2\1\xff\4\2hi")
    assert [(i.tag, i.data) for i in found] == [(2, b"\xff"), (4, b"hi")]
    assert integer(found[0].data) == -1
    assert oid(b"\x2b\6\1\4\1\x82\x37") == "1.3.6.1.4.1.311"


@pytest.mark.parametrize("wrong", [b"", b"\2", b"\2\5a", b"\x1f\1a", b"\2\x80", b"\2\x85aaaaa"])
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(Broken):
        item_at(wrong, 0)


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        found = items(data)
    except Broken:
        return
    assert sum(i.end - i.start for i in found) <= len(data)
