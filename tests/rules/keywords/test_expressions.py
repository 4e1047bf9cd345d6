from __future__ import annotations

from tests.rules.keywords.reading import read, refused


def test_old_style_flags_name_the_buffer():
    rule = read('content:"a"; http_uri; pcre:"/b\\d/Ui"; pcre:"/c/R";', "http")
    uri, payload = rule.buffers[0], [c for c in rule.buffers if c.kind == "payload"]
    assert [op.pattern for op in uri.ops] == [b"a", rb"b\d", b"c"]
    assert (uri.ops[1].flags, uri.ops[2].relative, payload) == ("i", True, [])


def test_negation_and_captures():
    rule = read('pcre:!"/x(\\d+)/,n";')
    assert rule.buffers[0].ops[0].negated
    assert rule.buffers[0].ops[0].captures == ("n",)


def test_refused():
    assert "two buffers" in refused('pcre:"/a/UH";', "http")
    assert "closing" in refused('pcre:"/a";')
    assert "host" in refused('pcre:"/a/Wi";', "http")
    assert "capture" in refused('pcre:"/(a)/,a b";')
