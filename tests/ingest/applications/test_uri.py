from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.applications.uri import host_of, path, split


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        (b"/a/./b/../c", b"/a/c"),
        (b"/a//b", b"/a/b"),
        (b"/a%2fb%5cc\\d", b"/a/b/c/d"),
        (b"/%zz%4", b"/%zz%4"),
        (b"/%u0041%uff0f", b"/A/"),
        (b"/../../etc/passwd", b"/etc/passwd"),
        (b"/a/..", b"/"),
        (b"/x?y=%41+b#f", b"/x?y=A+b#f"),
        (b"http://User@Host.Example.:8080/p?q", b"/p?q"),
        (b"*", b"*"),
    ],
)
def test_targets_have_one_spelling(raw, normal):
    assert split(raw)[0] == normal


def test_hosts():
    assert split(b"http://User@Host.Example.:8080/p")[1:] == (b"host.example", b"8080")
    assert host_of(b" A.B:80 ") == (b"a.b", b"80")
    assert host_of(b"[2001:DB8::1]:443") == (b"[2001:db8::1]", b"443")
    assert split(b"Example.org:443", authority=True) == (b"Example.org:443", b"example.org", b"443")


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_a_rooted_path_stays_rooted_and_holds_no_dot_segment(data):
    out = path(b"/" + data)
    assert out.startswith(b"/")
    assert b"/../" not in out
    assert b"//" not in out or b"/" in data
