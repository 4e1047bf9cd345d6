"""The benchmark of detection, on a short day of few hosts."""

from __future__ import annotations

import msgspec

from bench import results
from bench.benchmarks import detection
from bench.benchmarks.detection import BEGUN, Detection, marks, tells
from bench.registry import BENCHMARKS
from citywall.findings import Endpoint, Finding, Severity
from drills.traffic.injections import INJECTIONS


def test_attacks_of_a_short_day_are_found_and_timed(context, monkeypatch):
    monkeypatch.setattr(detection, "FIRST_S", 8 * 3600 + 60.0)
    monkeypatch.setattr(detection, "EVERY_S", 60.0)
    monkeypatch.setattr(Detection, "hosts", 20)
    monkeypatch.setattr(Detection, "hours", range(8, 9))
    result = Detection().run(context)
    assert set(result["seconds_to_detect"]) == {a.id for a in INJECTIONS}
    assert result["ours"]["recall high"] > 0.9
    fast = result["seconds_to_detect"]["SYN flood"]
    assert 0 <= fast["high"] <= fast["low"] < 10
    assert "SYN flood" in results.readable(result)
    msgspec.json.encode(result)


def test_a_finding_tells_an_attack_by_detector_hosts_and_time():
    hosts, start = marks(0, 1)
    assert start == BEGUN + 9 * 3600 * 10**9
    finding = Finding(
        id="1", detector="scan", version=1, kind="horizontal", session="s", lane="test", time=start,
        began=start, severity=Severity.MEDIUM, confidence=1, score=1, threshold=1, entity="x",
        source=Endpoint(next(iter(hosts))),
    )  # fmt: skip
    assert tells(finding, INJECTIONS[0], hosts, start)
    assert not tells(finding, INJECTIONS[0], hosts, start + 1)
    assert not tells(finding, INJECTIONS[0], {"192.0.2.1"}, start)
    assert not tells(finding, INJECTIONS[6], hosts, start)
    quiet = msgspec.structs.replace(finding, severity=Severity.INFORMATIONAL)
    assert not tells(quiet, INJECTIONS[0], hosts, start)


def test_it_runs_only_where_it_is_named():
    assert BENCHMARKS["detection"].named
