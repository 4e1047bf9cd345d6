from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.query import ALERT_NAMES, ALERTS, FLOW_NAMES, FLOWS, MAX_DEPTH, MAX_TERMS, Query, Schema, parse
from alerts.terms import And, Not, Or, Term, quoted
from citywall.errors import QueryError
from citywall.findings import Endpoint

Make = Callable[..., Any]

WORDS = st.text(alphabet='ab网扫 "\\*.:-', max_size=8)
ATOMS = st.one_of(
    st.sampled_from(
        ["scan", "网络扫描", "sca*", "10.0.0.5", "10.0.0.0/8", "fe80::1", "src:10.0.*", "ip:10.0.0.7",
         "sev>=high", "severity:3", "port:22", "count>1", "score<2.5", "time:2024-05-01",
         "last>2024-05-01T12:00:00.5Z", "rule:*", "unit:*", "rule:net*scan", "dst!=10.0.0.9",
         "citywall.detector.facts.targets>20", "detector=SCAN", "entity:0/*", "message:网络",
         "confidence<=1"]
    ),
    st.builds(
        lambda f, w: f + ":" + quoted(w), st.sampled_from(["rule", "entity", "kind", "message"]), WORDS
    ),
    WORDS.filter(lambda w: any(c.isalnum() for c in w)).map(quoted),
)  # fmt: skip
QUERIES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("{} AND {}".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("{} {}".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=200)
@given(QUERIES)
def test_canonical_text_means_the_same(text: str) -> None:
    query = parse(text)
    assert parse(str(query)) == query


SCRAPS = st.sampled_from(
    [
        "(",
        ")",
        '"',
        "AND",
        "OR",
        "NOT",
        ":",
        ">=",
        "*",
        "src",
        "sev",
        " ",
        "1",
        "扫",
        "\\",
        "a:b",
        "\x00",
        "\ud800",
    ]
)


def attempt(text: str, schema: Schema) -> Query | None:
    """The query, or None after checking the place of the error."""
    try:
        return parse(text, schema)
    except QueryError as e:
        place = e.column
    assert 1 <= place <= len(text) + 1
    return None


@settings(max_examples=300)
@given(
    st.one_of(st.text(max_size=60), st.lists(SCRAPS, max_size=15).map("".join)),
    st.sampled_from([ALERTS, FLOWS]),
)
def test_any_text_is_a_query_or_an_error(text: str, schema: Schema) -> None:
    query = attempt(text, schema)
    if query is not None:
        assert parse(str(query), schema) == query
        query.matches({})


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("sev>=", 6, "value is missing"),
        ("severity:tall", 10, "not a number"),
        ("nosuch:1", 1, "no field"),
        ("scan AND", 9, "missing"),
        ("scan OR )", 9, "missing"),
        ("AND scan", 1, "both sides"),
        ("(scan", 1, "never closed"),
        ("scan)", 5, "no parenthesis"),
        ('rule:"x', 6, "quotation mark is never closed"),
        ("src:10.0.0.300", 5, "not an address"),
        ("time>yesterday", 6, "not a time"),
        ("rule>3", 6, "numbers and times only"),
        ("s*an", 2, "only at the end"),
        ("...", 1, "no word"),
        ("count:1e999", 7, "not a number"),
        ("count:" + "9" * 400, 7, "too large"),
        ("a\x01b", 2, "control character"),
        ("a\udc80", 2, "Unicode"),
        ("a" * 5000, 4097, "longer than"),
        ("NOT " * (MAX_DEPTH + 1) + "a", 4 * MAX_DEPTH + 1, "deeper"),
        ("a " * (MAX_TERMS + 1), 2 * MAX_TERMS + 1, "more than"),
    ],
)
def test_errors_name_their_column(text: str, column: int, reason: str) -> None:
    with pytest.raises(QueryError, match=reason) as caught:
        parse(text)
    assert caught.value.column == column
    assert caught.value.exit_code == 2


def test_precedence() -> None:
    node = parse("a b OR NOT c AND d").node
    assert isinstance(node, Or)
    assert isinstance(node.nodes[0], And)
    assert isinstance(node.nodes[1], And)
    assert isinstance(node.nodes[1].nodes[0], Not)


def test_nothing_asked_is_everything(make_document: Make) -> None:
    assert str(parse("  ")) == ""
    assert parse("").matches(make_document())


def test_an_address_alone_is_either_side() -> None:
    for text in ("fe80::1", "10.0.0.0/8", "10.1.*"):
        node = parse(text).node
        assert isinstance(node, Term)
        assert node.name == "ip"
    assert str(parse("10.1.2")) == "10.1.2"


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_every_short_name_is_a_field(name: str) -> None:
    assert parse(f"{name}:*").node is not None


@pytest.mark.parametrize("name", FLOW_NAMES)
def test_every_flow_name_is_a_field(name: str) -> None:
    assert parse(f"{name}:*", FLOWS).node is not None


def test_flows_have_no_text() -> None:
    with pytest.raises(QueryError, match="no text"):
        parse("scan", FLOWS)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("src:10.0.0.5", True),
        ("src:10.0.0.0/24", True),
        ("src:10.0.*", True),
        ("src!=10.0.0.5", False),
        ("dst:10.0.0.5", False),
        ("ip:192.168.7.7", True),
        ("dst:192.168.0.0/16", True),
        ("192.168.7.0/24", True),
        ("::ffff:10.0.0.5", True),
        ("dport:22 port:22 NOT sport:22", True),
        ("sev>=medium sev<high severity:3", True),
        ("rule:scan", True),
        ('rule:"network scan"', True),
        ("rule:*SCAN", True),
        ("rule:*s*n*w*k", False),
        ("网络", True),
        ("扫描", True),
        ("扫", True),
        ("洪水", False),
        ("discov*", True),
        ('"service discovery"', True),
        ('"discovery service"', False),
        ("message:network", True),
        ("message:discovery", False),
        ("message:net*", True),
        ("time:2024-05-01 time>=2024-05-01T12:00 time<2024-05-01T12:01", True),
        ("time>2024-05-01", False),
        ("citywall.detector.facts.targets>=25", True),
        ("citywall.detector.facts.usual:2.5", True),
        ("citywall.detector.facts.port:\"22\"", True),
        ("citywall.detector.facts.nothing:*", False),
        ("unit:*", False),
        ("NOT unit:*", True),
        ("technique:T1046 tactic:discovery class:attack subclass:网络扫描探测 axis:attack", True),
        ("flood OR (scan AND NOT brute)", True),
        ("citywall.targets.exact:true", True),
    ],
)  # fmt: skip
def test_answers(make_document: Make, text: str, answer: bool) -> None:
    document = make_document(target=Endpoint("192.168.7.7", port=22))
    assert parse(text).matches(document) is answer
