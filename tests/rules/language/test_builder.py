from __future__ import annotations

import pytest

from citywall.errors import RuleFault
from rules.language.builder import Builder
from rules.language.model import ByteExtract, Content, IsDataAt, Rule, Transform


@pytest.fixture
def builder() -> Builder:
    made = Builder(Rule("alert", "http", "", "-", 1))
    made.column = 5
    return made


def test_ops_go_to_the_sticky_buffer_and_back_to_the_payload(builder):
    builder.stick("http.uri")
    builder.add(Content(b"a"))
    builder.stick(None)
    builder.add(Content(b"b"))
    assert [(c.kind, len(c.ops)) for c in builder.rule.buffers] == [("http.uri", 1), ("payload", 1)]


def test_old_style_ops_that_count_from_the_last_match_follow_it(builder):
    builder.add(Content(b"a"))
    builder.move("http.uri", "http_uri")
    builder.add(IsDataAt(1, relative=True))
    assert [(c.kind, len(c.ops)) for c in builder.rule.buffers] == [("http.uri", 2)]


def test_a_transform_begins_another_check(builder):
    builder.stick("http.uri")
    builder.transform(Transform("to_lowercase"))
    builder.add(Content(b"a"))
    assert builder.rule.buffers[0].transforms == (Transform("to_lowercase"),)
    with pytest.raises(RuleFault):
        Builder(builder.rule).transform(Transform("xor"))


def test_variables_are_known_once_set(builder):
    with pytest.raises(RuleFault, match="no variable"):
        builder.amount("n", "depth")
    builder.add(ByteExtract(1, 0, "n"))
    assert builder.amount("n", "depth") == "n"
    with pytest.raises(RuleFault, match="twice"):
        builder.add(ByteExtract(1, 0, "n"))


def test_faults_carry_the_column(builder):
    with pytest.raises(RuleFault) as caught:
        builder.number("x", "ttl")
    assert caught.value.column == 5
    with pytest.raises(RuleFault, match="within"):
        builder.number("300", "ttl", 0, 255)


def test_protocols_narrow_down(builder):
    builder.allow(frozenset({"http", "smtp"}), "file.data")
    builder.allow(frozenset({"http"}), "http.uri")
    assert builder.protocols == {"http"}
    builder.allow(frozenset({"dns"}), "dns.query")
    assert builder.protocols == {"doh2"}  # which is both
    with pytest.raises(RuleFault, match="go together"):
        builder.allow(frozenset({"ssh"}), "ssh.proto")
