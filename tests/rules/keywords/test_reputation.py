from __future__ import annotations

import pytest

from rules.language.model import Number, Reputation
from rules.language.parser import Parser
from rules.reputation import NO_LISTS

_RULE = "alert ip any any -> any any (iprep:%s; sid:1;)"


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("<,10", 0, 9),
        (">,10", 11, 127),
        ("=,7", 7, 7),
        ("<=,0", 0, 0),
        (">=,127", 127, 127),
        ("isset", 0, 127),
    ],
)
def test_comparisons(text: str, low: int, high: int):
    rule = Parser().rule(_RULE % f"src,BadHosts,{text}")
    assert rule.reputations == [Reputation("src", "BadHosts", Number("reputation", low, high))]
    assert rule.cannot == [NO_LISTS]


def test_having_none():
    [asked] = Parser().rule(_RULE % "any, BadHosts, isnotset").reputations
    assert (asked.side, asked.missing) == ("any", True)


@pytest.mark.parametrize(
    "text", ["", "src,Bad", "up,Bad,>,1", "src,Bad,~,1", "src,Bad,>,128", "src,Bad,is", "src,,>,1"]
)
def test_what_may_not_be_said(text: str):
    assert Parser().text(_RULE % text).rejected
