from __future__ import annotations

import gzip
import hashlib
import zlib

import pytest

from rules.language.model import Transform
from rules.match.transform import changed


@pytest.mark.parametrize(
    ("name", "arguments", "data", "result"),
    [
        ("strip_whitespace", (), b" a\tb\r\n", b"ab"),
        ("compress_whitespace", (), b"a \t b", b"a b"),
        ("to_lowercase", (), b"AbC", b"abc"),
        ("dotprefix", (), b"a.b", b".a.b"),
        ("url_decode", (), b"a%20b+c%zz", b"a b c%zz"),
        ("xor", (b"\x01\x02",), b"\x01\x02\x03", b"\0\0\x02"),
        ("to_sha256", (), b"x", hashlib.sha256(b"x").digest()),
        ("pcrexform", (rb"u=(\w+)",), b"a u=xy z", b"xy"),
        ("from_base64", (0, 2, "rfc4648"), b"..YWJj", b"abc"),
        ("gunzip", (2,), gzip.compress(b"abc", mtime=0), b"ab"),
        ("zlib_deflate", (9,), zlib.compress(b"abc"), b"abc"),
        ("gunzip", (9,), b"no gzip", b""),
        ("header_lowercase", (), b"A: B\nC: D", b"a: B\nc: D"),
        ("domain", (), b"a.b.example.org", b"example.org"),
        ("domain", (), b"a.b.gov.cn.", b"b.gov.cn"),
        ("domain", (), b"gov.cn", b""),
        ("domain", (), b"a..b", b""),
        ("domain", (), b"", b""),
        ("domain", (), b"printer.example.local", b"example.local"),
        ("tld", (), b"WWW.Example.CO.UK", b"CO.UK"),
        ("tld", (), b"co.uk", b""),
        ("subslice", (-2, 1), b"abc", b"b"),
    ],
)
def test_transforms(name, arguments, data, result):
    assert changed(data, [Transform(name, arguments)]) == result


def test_one_behind_the_other():
    assert changed(b"QUI=", [Transform("from_base64", (0, 0, "rfc4648")), Transform("to_lowercase")]) == b"ab"
