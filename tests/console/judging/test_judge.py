from __future__ import annotations

from typing import Any

import pytest

from console.judging.hosts import named
from console.judging.judge import Said, Score, Verdict, judge
from console.judging.manifest import Row


def row(
    class_: str = "scan", hosts: str = "10.0.0.5", expected: str = "scan", attack: str | None = None
) -> Row:
    return Row("a.pcap", class_, attack or class_, named(hosts), expected, "pcap dl1", "upstream-test")


def said(rule: str = "scan", severity: int = 4, hosts: tuple[str, ...] = ("10.0.0.5", "10.0.1.0/24")) -> Said:
    return Said(rule, severity, hosts[0], hosts[-1], "2024-05-01T12:00:01Z", hosts)


@pytest.mark.parametrize(
    ("row_", "alerts", "found", "reason"),
    [
        (row(), [said()], True, "scan at 10.0.0.5, severity high"),
        (row(), [said("scan.vertical")], True, "scan.vertical at 10.0.0.5, severity high"),
        (row(), [], False, "no alert"),
        (row(), [said("flood")], False, "only alerts of other classes: flood"),
        (row(), [said(severity=1)], False, "only informational: scan"),
        (row(expected="scan (informational)"), [said(severity=1)], True,
         "scan at 10.0.0.5, severity informational"),
        (row(), [said(hosts=("10.9.9.9",))], False, "scan, but at other hosts: 10.9.9.9"),
        (row(hosts="10.0.0.0/16"), [said()], True, "scan at 10.0.0.5, 10.0.1.0/24, severity high"),
        (row(hosts="37,623 spoofed sources"), [said()], True,
         "scan, severity high (no host is named, judged by class)"),
        (row(hosts="50:ed:3c:39:bc:d9"), [said(hosts=("50-ED-3C-39-BC-D9",))], True,
         "scan at 50-ED-3C-39-BC-D9, severity high"),
        (row("dos", "10.10.10.10:25565"), [said("flood", 5, ("10.10.10.10",))], True,
         "flood at 10.10.10.10, severity critical"),
        (row("dos", "ff02::1 / local link"), [said("flood", 3, ("ff02::1",))], True,
         "flood at ff02::1, severity medium"),
        (row("phishing"), [said()], False, "no detector for class phishing in this version"),
        (row("binetflow", attack="scan"), [said()], True, "scan at 10.0.0.5, severity high"),
    ],
)  # fmt: skip
def test_attacks(row_: Row, alerts: list[Said], found: bool, reason: str):
    verdict = judge(row_, alerts, "en")
    assert (verdict.found, verdict.reason) == (found, reason)
    assert verdict.false_alerts == 0


def test_one_right_alert_among_many_is_enough():
    alerts = [said(severity=1), said("flood"), said(hosts=("10.9.9.9",)), said(severity=2), said(severity=3)]
    verdict = judge(row(), alerts, "en")
    assert verdict.reason == "scan at 10.0.0.5, severity medium"
    assert len(verdict.as_object()["alerts"]) == 5


def test_benign_must_be_quiet():
    quiet = judge(row("benign", "-"), [said(severity=1)], "en")
    assert (quiet.found, quiet.false_alerts, quiet.reason) == (False, 0, "quiet, as it should be")
    loud = judge(row("benign", "-"), [said(severity=2), said("flood")], "zh")
    assert (loud.false_alerts, loud.reason) == (2, "2 条误报：flood, scan")


def test_reading_an_alert(make_alert: Any):
    alert = Said.of(make_alert(), "en")
    assert alert.hosts == ("10.0.0.5", "10.0.1.0/24")
    assert alert.as_object() == {
        "rule": "scan", "severity": 4, "source": "10.0.0.5", "target": "10.0.1.0/24",
        "first": "2024-05-01T12:00:01.000000000Z",
    }  # fmt: skip


def test_score():
    verdicts = (
        judge(row(), [said()], "en"),
        judge(row(), [], "en"),
        judge(row("dos"), [said("flood")], "en"),
        judge(row("benign", "-"), [said(), said()], "en"),
        judge(row("benign", "-"), [], "en"),
        Verdict(row("netflow"), found=None, reason="this version does not read: netflow"),
    )
    told = Score(verdicts).as_object()
    assert told["recall"] == 2 / 3
    assert told["benign_alerts"] == 2
    assert told["by_class"] == {"scan": {"captures": 2, "found": 1}, "dos": {"captures": 1, "found": 1}}
    assert told["benign"] == {"captures": 2, "with_alerts": 1}
    assert [c["found"] for c in told["captures"]] == [True, False, True, False, False]
    assert set(told["captures"][0]) >= {"file", "class", "found", "reason", "alerts"}
    assert told["not_evaluated"] == [
        {"file": "a.pcap", "class": "netflow", "reason": "this version does not read: netflow"}
    ]


def test_classes_that_nothing_speaks_of_are_told_apart():
    told = Score((judge(row(), [said()], "en"), judge(row("phishing"), [], "en"))).as_object()
    assert (told["recall"], told["recall_of_classes_seen"]) == (0.5, 1.0)
    assert told["classes_not_seen"] == ["a.pcap"]


def test_nothing_to_judge():
    assert Score(()).as_object()["recall"] is None
