"""That the clauses mean what they say is tested over the server, in tests/alerts/test_store.py."""

from __future__ import annotations

import json

import pytest

from alerts.elastic.dsl import NOTHING, compiled, span
from alerts.query import MAX_DEPTH, parse


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("", True), ("sev>=3 scan src:10.0.0.0/8", True), ("NOT (src:10.0.0.0/8 OR detector:sc*)", True),
        ("time:2024-05-01 last>=2024-05-01", True), ("rule:*scan port:22 NOT unit:*", True),
        ("technique:T1046", True), ("扫", True), ("sca*", True), ("citywall.targets.exact:true", True),
        ("citywall.detector.facts.n:*", True), ("score<0.5", True), ("event.start:*", True),
        ("message:scan", False), ("NOT message:scan", False), ("message:*", False), ('"网络 sc*"', True),
        ("ssh扫", False), ("citywall.detector.facts.n>3", False), ("event.start>2024-05-01", False),
        ("score:9007199254740993", False), ("entity:*a*b*c*d*e*f*g*h*i*", False),
    ],
)  # fmt: skip
def test_what_the_server_can_answer(text: str, exact: bool) -> None:
    assert compiled(parse(text).node).exact is exact


def test_deep_queries_are_cut_before_the_server_refuses_them() -> None:
    found = compiled(parse("NOT " * (MAX_DEPTH - 1) + "scan").node)
    assert not found.exact

    def depth(node: object) -> int:
        if isinstance(node, dict):
            return ("bool" in node) + max(map(depth, node.values()), default=0)
        return max(map(depth, node), default=0) if isinstance(node, list) else 0

    nested = "scan"
    for _ in range(MAX_DEPTH // 2 - 2):
        nested = f"(sev:1 OR (port:2 AND {nested}))"
    deep = compiled(parse(nested).node)
    assert not deep.exact
    assert depth(deep.clause) <= 30


def test_text_cannot_become_a_pattern_or_syntax() -> None:
    told = json.dumps(compiled(parse(r'entity:a?b\c* OR entity:"x*?"').node).clause)
    assert json.loads(told)["bool"]["should"] == [
        {"wildcard": {"citywall.entity": {"value": r"a\?b\\c*"}}},
        {"term": {"citywall.entity": {"value": "x*?"}}},
    ]


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("count<2.5", {"gte": -(1 << 63), "lte": 2}), ("count<=2.5", {"gte": -(1 << 63), "lte": 2}),
        ("count>2.5", {"gte": 3, "lte": (1 << 63) - 1}), ("count>2", {"gte": 3, "lte": (1 << 63) - 1}),
        ("count>=2.5", {"gte": 3, "lte": (1 << 63) - 1}), ("count:2.0", {"gte": 2, "lte": 2}),
        ("count<2", {"gte": -(1 << 63), "lte": 1}), ("count<1e30", {"gte": -(1 << 63), "lte": (1 << 63) - 1}),
    ],
)  # fmt: skip
def test_whole_numbers_are_compared_as_such(text: str, bounds: dict[str, int]) -> None:
    assert compiled(parse(text).node).clause == {"range": {"citywall.dedup.count": bounds}}


@pytest.mark.parametrize("text", ["count:2.5", "count>1e30", "count<-1e30", "citywall.targets.exact:yes"])
def test_what_nothing_can_answer(text: str) -> None:
    assert compiled(parse(text).node) == NOTHING


def test_spans() -> None:
    assert span(None, None) == []
    (since, until) = span(-5, 1 << 80)
    assert since.clause == {"range": {"citywall_search.last": {"gte": -5}}}
    assert until.clause == {"range": {"citywall_search.time": {"lt": (1 << 63) - 1}}}
