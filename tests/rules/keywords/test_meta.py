from __future__ import annotations

from rules.language.parser import Parser
from tests.rules.keywords.reading import read, refused


def test_what_a_rule_says_of_itself():
    rule = read(
        'msg:"a\\; b"; rev:4; gid:3; priority:2; reference:url,x.example; classtype:Trojan-Activity;'
        "metadata:created_at 2024_01_01, tag one, tag two; target:dest_ip;"
    )
    assert (rule.message, rule.rev, rule.gid, rule.priority) == ("a; b", 4, 3, 2)
    assert rule.references == [("url", "x.example")]
    assert rule.classtype == "trojan-activity"
    assert rule.metadata == {"created_at": ["2024_01_01"], "tag": ["one", "two"]}
    assert rule.attacked == "dest_ip"


def test_requires():
    def left_out(text: str) -> int:
        return Parser().text(f"alert tcp any any -> any any (requires: {text}; sid:1;)").left_out

    assert [left_out(t) for t in ("version >= 8.0.0", "version < 8", "keyword nonsense", "feature ja3")] == [
        0,
        1,
        1,
        0,
    ]


def test_refused():
    assert "priority" in refused("priority:0;")
    assert "reference" in refused("reference:url;")
    assert "target" in refused("target:them;")
    assert "requires" in refused("requires: luck;")
    assert "quotes" in refused("msg:plain;")
