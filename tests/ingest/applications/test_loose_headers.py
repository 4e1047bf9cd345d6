"""Strange ends of lines: libhtp's own table of cases, and that any bytes are borne."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.applications import headers, loose_headers
from ingest.applications.loose_headers import is_strange, parse

CASES = {
    "a bare CR ends a line": (
        b"k1:v1\rk2: v2\r\r\n\r\nbody", [(b"k1", b"v1"), (b"k2", b"v2")], b"\r\nbody",
    ),
    "LF CR does too": (b"a: 1\n\rb: 2\n\r\r\nbody", [(b"a", b"1"), (b"b", b"2")], b"body"),
    "a line that goes on": (b"a: 1\r\n 2\r\n\t3\r\n\r\nbody", [(b"a", b"1 2\t3")], b"body"),
    "what seems to go on may be a field": (
        b"a: 1\r\n Transfer-Encoding : chunked\r\n\r\nbody",
        [(b"a", b"1"), (b"Transfer-Encoding", b"chunked")], b"body",
    ),
    "a line of blanks ends nothing where more follows": (
        b"a: \r\n \r\n chunked \r\n \r\nb: 2\r\n\r\nbody", [(b"a", b"chunked"), (b"b", b"2")], b"body",
    ),
    "a zero byte goes on": (b"a:\n\0gzip\r\n\r\nbody", [(b"a", b"gzip")], b"body"),
    "a CR before the colon": (b"a\r : 1\r\n\r\nbody", [(b"a", b"1")], b"body"),
    "CR LF CR and blanks": (b"a: 1\r\n\r \rb: 2\r\n\r\nbody", [(b"a", b"1"), (b"b", b"2")], b"body"),
    "LF CR CR LF before an end": (b"a: 1\n\r\r\n\r\nbody", [(b"a", b"1")], b"body"),
    "no colon": (b"a\rb: 2\r\n\r\nbody", [(b"", b"a"), (b"b", b"2")], b"body"),
    "nothing": (b"\r\nbody", [], b"body"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_strange_lines_are_fields(name):
    data, wanted, rest = CASES[name]
    fields, _, end = parse(data, 0)
    assert [(f.name, f.value) for f in fields] == wanted
    assert data[end:] == rest


def test_a_missing_colon_is_told():
    assert parse(b"a\rb: 2\r\n\r\nx", 0)[1] is False
    assert parse(b"a: 1\rb: 2\r\n\r\nx", 0)[1] is True


def test_ordinary_heads_are_not_strange():
    assert not is_strange(b"a: 1\r\nb: 2\r\n")
    assert not is_strange(b"a: 1\nb: 2\n")
    assert all(is_strange(b) for b in (b"a: 1\rb: 2\r\n", b"a: 1\r\n b\r\n", b"a:\n\0b\r\n", b"a: 1\n\rb: 2"))


names = st.text("abcXYZ-", min_size=1, max_size=8).map(str.encode)
values = st.text("abc xyz09", max_size=12).map(lambda text: text.strip().encode())


@given(st.lists(st.tuples(names, values), min_size=1, max_size=6), st.sampled_from([b"\r\n", b"\n"]))
def test_ordinary_heads_are_read_as_the_fast_way_reads_them(pairs, end):
    block = b"".join(name + b": " + value + end for name, value in pairs)
    fields, sound, at = parse(block + end + b"body", 0)
    assert (fields, sound) == headers.parse(block)
    assert at == len(block) + len(end)


@given(st.lists(st.sampled_from([b"a", b":", b" ", b"\t", b"\0", b"\r", b"\n", b"\r\n"]), max_size=40))
def test_any_bytes_end_or_ask_for_more(parts):
    data = b"".join(parts)
    read = parse(data, 0)
    assert read is None or read[2] <= len(data)


def slowly(data, at):
    """The colon behind a name, byte by byte."""
    ended = 0
    for i in range(at, len(data)):
        c = data[i]
        if not ended:
            if c == 58:
                return i
            if c in (10, 13):
                ended = c
        elif c == 32:
            ended = 0
        elif c == 10 and ended == 13:
            ended = 10
        else:
            return -1
    return -1


@given(st.lists(st.sampled_from([b"a", b":", b"\r", b"\n", b" ", b"\r\n ", b"\t", b"\0"]), max_size=12))
def test_the_colon_behind_a_name(parts):
    data = b"".join(parts)
    for at in range(len(data) + 1):
        assert loose_headers._colon(data, at) == slowly(data, at)


def test_a_name_may_go_on_over_many_lines():
    data = b"a\n " * 5000
    assert loose_headers._colon(data, 0) == -1
    assert loose_headers._colon(data + b":", 0) == len(data)
