from __future__ import annotations

from tests.rules.keywords.reading import read, refused


def test_modifiers_belong_to_the_content_before_them():
    rule = read(
        'content:"ab"; nocase; offset:1; depth:9; content:!"cd"; distance:-2; within:5;'
        'content:"efgh"; startswith; fast_pattern:1,2; content:"ij"; endswith;'
    )
    a, b, c, d = rule.buffers[0].ops
    assert (a.nocase, a.offset, a.depth) == (True, 1, 9)
    assert (b.negated, b.distance, b.within) == (True, -2, 5)
    assert (c.starts, c.fast, c.chop) == (True, True, (1, 2))
    assert d.ends


def test_sizes_and_places():
    rule = read(
        'content:"a"; isdataat:!10,relative; urilen:<5,norm; http.uri; bsize:3<>9; content:"x";', "http"
    )
    kinds = {check.kind: [type(op).__name__ for op in check.ops] for check in rule.buffers}
    assert kinds == {"payload": ["Content", "IsDataAt"], "http.uri": ["Size", "Size", "Content"]}


def test_refused():
    assert "only" in refused('content:"a"; offset:1; fast_pattern:only;')
    assert "within the content" in refused('content:"ab"; fast_pattern:1,2;')
    assert "base64_decode" in refused('base64_data; content:"a";')
    assert "isdataat" in refused("isdataat:5,sideways;")
    assert "urilen" in refused("urilen:5,sometimes;", "http")
