from __future__ import annotations

from ingest.applications.headers import is_token, merged, parameter, parse


def test_folded_lines_are_one_and_lines_without_a_colon_are_told():
    fields, sound = parse(b"A: x\r\n  y\r\nB :z\r\n")
    assert [(f.name, f.value) for f in fields] == [(b"A", b"x y"), (b"B", b"z")]
    assert sound
    assert not parse(b"nonsense\r\n")[1]


def test_repeated_fields_are_joined_but_lengths_are_not():
    found = merged(parse(b"A: 1\na: 2\nContent-Length: 3\nContent-Length: 4\n")[0])
    assert found[b"a"].value == b"1, 2"
    assert found[b"content-length"].value == b"3"


def test_parameters_may_be_quoted():
    assert parameter(b'form-data; name="a"; FileName="b c"', b"filename") == b"b c"
    assert parameter(b"multipart/mixed; boundary=xx; y=z", b"boundary") == b"xx"
    assert parameter(b"text/html", b"boundary") == b""


def test_tokens():
    assert is_token(b"X-A")
    assert not is_token(b"a b")
