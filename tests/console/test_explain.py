from __future__ import annotations

from typing import Any

import pytest

from alerts.workflow import Step, Workflow
from console.display.sheet import layout, plain
from console.explain import explain
from console.text import width

WORKED = Workflow(
    "in_progress", "li", (Step(1_714_564_800_000_000_000, "li", "in_progress", "li", "查看中"),)
)


def told(document: dict[str, Any], language: str, workflow: Workflow | None = None) -> str:
    return "\n".join(plain(layout(explain(document, workflow or Workflow(), language), 110)))


def test_it_says_why_whose_when_what_and_what_to_do(real_alerts: Any):
    said = told(real_alerts(5)[4], "en", WORKED)
    for words in (
        "One port on many hosts", "Network scan", "25 (threshold 20)", "failures", "10.20.1.10:22",
        "192.0.2.5", "Discovery", "T1046 Network Service Discovery", "network attack", "against attack",
        "1:000000000000000", "/captures/scan.pcap", "May be fooled by", "in progress", "2024-05-01 12:00 li",
        "查看中",
    ):  # fmt: skip
        assert words in said, words


def test_the_register_is_in_it_in_chinese(real_alerts: Any):
    said = told(real_alerts(1)[0], "zh")
    for words in (
        "门户网站服务器",
        "公众门户",
        "等保3级",
        "责任单位",
        "网络攻击事件",
        "未处理",
        "失败数",
        "处置建议",
    ):
        assert words in said, words
    for line in said.splitlines():
        assert width(line) <= 110


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("document", [
    {}, {"event": {"severity": "x"}, "citywall": {"detector": {"facts": [], "score": "y"}, "evidence": {}}},
    {"threat": {"tactic": {"id": "TA1"}}, "citywall": {"evidence": [{}], "sources": {"count": 3}}},
])  # fmt: skip
def test_what_a_document_lacks_is_left_out(document: dict[str, Any], language: str):
    assert told(document, language)


def test_control_characters_do_not_reach_the_terminal(real_alerts: Any):
    document = real_alerts(1)[0]
    document["citywall"]["detector"]["facts"] = {"a\x1b[2J": "b\x1b[3J"}
    document["message"] = "\x1b]0;x\x07"
    note = Workflow(history=(Step(1, "li", note="\x1b[2J"),))
    assert "\x1b" not in told(document, "en", note)
