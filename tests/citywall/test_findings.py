"""Ids say what the thing says."""

from __future__ import annotations

import msgspec

from citywall.findings import Endpoint, Finding, Severity, derived_id, event_order


def test_derived_ids_are_stable_and_distinct():
    assert derived_id("a", 1) == derived_id("a", 1)
    assert derived_id("a", "b") != derived_id("ab")
    assert len(derived_id("a")) == 32


def test_a_finding_travels_unchanged():
    finding = Finding(
        id="1", detector="scan", version=1, kind="vertical", session="s", lane="live", time=5, began=4,
        severity=Severity.MEDIUM, confidence=0.9, score=3.0, threshold=2.0, entity="0/10.0.0.5",
        source=Endpoint("10.0.0.5", domain=3), facts={"ports": 100},
    )  # fmt: skip
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(finding), type=Finding) == finding


def test_order_is_by_time_then_by_what_is_said():
    def said(time: int, severity: Severity, name: str) -> Finding:
        return Finding(
            id=name, detector="scan", version=1, kind="vertical", session="s", lane="live",
            time=time, began=0,
            severity=severity, confidence=0.9, score=3.0, threshold=2.0, entity="0/10.0.0.5",
        )  # fmt: skip

    findings = [said(2, Severity.LOW, "a"), said(1, Severity.HIGH, "b"), said(1, Severity.LOW, "c")]
    assert [f.id for f in sorted(findings, key=event_order)] == ["c", "b", "a"]
