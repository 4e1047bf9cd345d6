"""Data sets as files have them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from rules.language.parser import Parser


def read(folder: Path, keyword: str, **files: str):
    for name, text in files.items():
        (folder / name).write_text(text)
    path = folder / "a.rules"
    path.write_text(f"alert http any any -> any any (http.host; {keyword}; sid:1;)\n")
    return Parser().files([path])


def op(folder: Path, keyword: str, **files: str):
    found = read(folder, keyword, **files)
    assert not found.rejected, found.rejected
    return found.rules[0].buffers[0].ops[0]


def test_strings_are_in_base64_and_keep_their_case(tmp_path):
    text = base64.b64encode(b"Www.Example").decode()
    found = op(tmp_path, "dataset:isset,n,type string,load names", names=f"# known\n{text}\n\n")
    assert (found.name, found.op, found.values) == ("n", "isset", {b"Www.Example"})


def test_a_state_that_is_not_there_yet_is_empty(tmp_path):
    assert op(tmp_path, "dataset:set,n,type string,state names").values == frozenset()
    text = base64.b64encode(b"a.example").decode()
    assert op(tmp_path, "dataset:set,n,type string,state names", names=text).values == {b"a.example"}
    found = read(tmp_path, "dataset:isset,n,type string,load none,state names", names=text)
    assert "cannot be read" in found.rejected[0].reason


def test_digests_and_addresses_are_bytes(tmp_path):
    assert op(tmp_path, "dataset:isset,n,type md5,load f", f="AB" * 16).values == {b"\xab" * 16}
    assert op(tmp_path, "dataset:isset,n,type ipv4,load f", f="10.0.0.1").values == {b"\x0a\0\0\1"}
    for kind in ("ip", "ipv6"):
        found = op(tmp_path, f"dataset:isnotset,n,type {kind},load f", f="10.0.0.1\n2001:db8::1")
        assert found.wide
        assert bytes(10) + b"\xff\xff\x0a\0\0\1" in found.values


@pytest.mark.parametrize(("how", "rows", "more"), [
    ("json", {"a": {"b": [{"h": {"n": "x.y"}}, {"h": 1}]}}, "value_key h.n,array_key a.b"),
    ("json", [{"h": "x.y"}], "value_key h"),
])  # fmt: skip
def test_json_names_where_values_are(tmp_path, how, rows, more):
    keyword = f"dataset:isset,n,type string,load f,format {how},context_key c,{more}"
    assert op(tmp_path, keyword, f=json.dumps(rows)).values == {b"x.y"}


def test_json_line_by_line(tmp_path):
    keyword = "dataset:isset,n,type string,load f,format ndjson,context_key c,value_key h"
    assert op(tmp_path, keyword, f='{"h": "a"}\n\n{"h": "b"}\n').values == {b"a", b"b"}


def test_reputations_are_compared(tmp_path):
    rows = "\n".join(f"{base64.b64encode(name).decode()},{n}" for name, n in ((b"low", 100), (b"high", 255)))
    assert op(tmp_path, "datarep:n,>,200,load f,type string", f=rows).values == {b"high"}


@pytest.mark.parametrize(("keyword", "reason"), [
    ("dataset:isset,n,type string,load ../f", "beside the rules"),
    ("dataset:isset,n,type string,load none", "cannot be read"),
    ("dataset:isset,n,type string,load f", "base64"),
    ("dataset:isset,n,type md5,load f", "is none"),
    ("dataset:isset,n,type ip,load f", "addresses"),
    ("dataset:isset,n,type string,load f,format json,context_key c,value_key h", "cannot be read"),
    ("dataset:isset,n,type string,load f,format xml", "no format"),
    ("dataset:maybe,n,type string", "an operation"),
    ("dataset:isset,n,type colour", "no type"),
    ("datarep:n,>,200,load f,type string", "without a reputation"),
    ("datarep:n,~,200,load f,type string", "a comparison"),
    ("filemd5:../f", "beside the rules"),
])  # fmt: skip
def test_refused(tmp_path, keyword, reason):
    assert reason in read(tmp_path, keyword, f="not~base64\n").rejected[0].reason


def test_deep_json_is_refused(tmp_path):
    keyword = "dataset:isset,n,type string,load f,format json,context_key c,value_key h"
    assert read(tmp_path, keyword, f="[" * 100_000).rejected


def test_what_lies_in_a_domain(tmp_path):
    text = base64.b64encode(b".evil.com").decode()
    assert op(tmp_path, "dataset:isset,n,type string,match subdomain,load f", f=text).above
    for bad in ("isset,n,type md5,match subdomain", "set,n,type string,match subdomain", "isset,n,match all"):
        assert read(tmp_path, f"dataset:{bad}").rejected
