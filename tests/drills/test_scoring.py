"""Scores: what counts as found, true, late, taken on and closed; and why something has no value."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import times
from alerts.workflow import Step, Workflow
from drills.running import Attempt, Observed, Run, Started
from drills.scenario import Detection, Response, Scenario, Words
from drills.scoring import encode, score
from drills.truth import AttackTruth, Truth

SECOND = 10**9
BEGIN = 1_772_413_200 * SECOND
WALL = 1_800_000_000 * SECOND
ATTACKER = "192.0.2.9"


def attack(id_: str, at: int, **changes: Any) -> AttackTruth:
    facts = {
        "id": id_, "kind": "scan", "attck": ("T1046",), "detector": "scan", "sources": ("192.0.2.9",),
        "targets": ("10.0.0.1",), "spoofed": False, "frames": ((1, 5),), "first_frame": 1, "last_frame": 5,
        "packets": 5, "start": BEGIN + at * SECOND, "end": BEGIN + (at + 20) * SECOND,
    }  # fmt: skip
    return AttackTruth(**(facts | changes))


FLOOD = attack("flood", 200, kind="dos", detector="flood", sources=(), targets=("10.0.0.2",), spoofed=True,
               attck=("T1498",))  # fmt: skip
BEACON = attack("beacon", 300, kind="c2", detector="", attck=("T1071.001",), targets=("192.0.2.50",))
TRUTH = Truth("x.pcap", 1, 10, 9, 900, BEGIN, BEGIN + 600 * SECOND, (attack("scan", 100), FLOOD, BEACON),
              ("10.0.0.1", "10.0.0.7"))  # fmt: skip
WORDS = Words("x")
SCENARIO = Scenario(
    "s", WORDS, WORDS, WORDS,
    detections=(Detection("scan", within=10, severity=3), Detection("flood", within=10)),
    responses=(Response("scan", acknowledge=60, playbook="scan", start_playbook=100, close=600),),
)  # fmt: skip
RUN = Run("session", "1", "r", {"scan": ("T1046",), "flood": ("T1498",)}, (Attempt(WALL, 0.0),), WALL + 1)


def alert(id_: str, at: float, detector: str = "scan", source: str = ATTACKER, target: str = "10.0.0.1",
          severity: int = 3, techniques: tuple[str, ...] = ()) -> dict[str, Any]:  # fmt: skip
    when = times.to_iso(BEGIN + int(at * SECOND))
    made: dict[str, Any] = {
        "@timestamp": when,
        "event": {"id": id_, "severity": severity, "start": when, "end": when, "action": "x"},
        "rule": {"id": detector},
        "citywall": {"detector": {"name": detector}},
        "threat": {"technique": {"id": list(techniques)}},
    }
    for side, address in (("source", source), ("destination", target)):
        if address:
            made[side] = {"address": address}
    return made


SCAN, SYN = alert("a1", 103), alert("a2", 204, "flood", "", "10.0.0.2", 4)


def observed(*alerts: dict[str, Any], run: Run | None = RUN, seen: bool = True,
             **works: tuple[Step, ...]) -> Observed:  # fmt: skip
    workflows = {}
    for id_, steps in works.items():
        work = Workflow()
        for step in steps:
            work = work.after(step)
        workflows[id_] = work
    ids = [a["event"]["id"] for a in alerts]
    return Observed(run, alerts, dict.fromkeys(ids, WALL) if seen else {}, workflows)


def scored(*alerts: dict[str, Any], **more: Any):
    return score("d", "sm3:0", SCENARIO, TRUTH, observed(*alerts, **more))


def step(after: float, status: str | None = None, **more: Any) -> Step:
    return Step(WALL + int(after * SECOND), "wang", status, **more)


def test_not_run():
    made = scored(run=None)
    assert made.state == "not_run"
    assert set(made.reasons.values()) == {"not_run"}
    assert len(made.reasons) == 5
    assert {d.reason for d in made.detections} == {"not_run"}


def test_what_was_found():
    made = scored(SCAN, SYN)
    assert made.coverage == pytest.approx(2 / 3, abs=1e-4)
    assert made.precision == 1.0
    assert made.time_to_detect == 3.5
    assert [(d.attack, d.status, d.reason, d.time_to_detect) for d in made.detections] == [
        ("scan", "found", None, 3.0), ("flood", "found", None, 4.0),
        ("beacon", "missed", "no_detector", None),
    ]  # fmt: skip
    assert made.reasons == {"time_to_acknowledge": "not_acknowledged", "time_to_respond": "open"}


@pytest.mark.parametrize(
    ("given_alert", "status", "reason"),
    [
        (alert("x", 111), "late", "late"),
        (alert("x", 103, severity=2), "missed", "too_mild"),
        (alert("x", 103, source="10.0.0.7"), "missed", "other_hosts"),
        (alert("x", 103, target="10.9.9.9"), "missed", "other_hosts"),
        (alert("x", 103, target=""), "found", None),
        (alert("x", 103, source="", target=""), "missed", "other_hosts"),
        (alert("x", 103, "bruteforce"), "missed", "no_alert"),
        (alert("x", 103, "new", techniques=("T1046",)), "found", None),
        (alert("x", 150), "missed", "no_alert"),
        (alert("x", 90), "missed", "no_alert"),
    ],
)
def test_one_detection(given_alert, status, reason):
    (first, *_) = scored(given_alert).detections
    assert (first.status, first.reason) == (status, reason)


def test_an_attack_of_the_same_kind_at_another_time_is_another():
    again = Truth(*[getattr(TRUTH, f) if f != "attacks" else (attack("one", 100), attack("two", 160))
                    for f in TRUTH.__struct_fields__])  # fmt: skip
    scenario = Scenario("s", WORDS, WORDS, WORDS)
    made = score("d", "", scenario, again, observed(alert("x", 103)))
    assert [d.status for d in made.detections] == ["found", "missed"]


def test_a_technique_stands_for_a_detector_that_nobody_knew_of():
    found = alert("x", 305, "beaconing", "192.0.2.9", "192.0.2.50", techniques=("T1071.001",))
    beacon = scored(found).detections[2]
    assert (beacon.status, beacon.time_to_detect) == ("found", 5.0)
    looking = Run("session", "1", "r", {"beaconing": ("T1071.001",)}, (Attempt(WALL, 0.0),))
    assert scored(run=looking).detections[2].reason == "unfinished"


def test_precision():
    benign = "10.0.0.7"
    made = scored(SCAN, alert("false", 50, source=benign), alert("mild", 50, source=benign, severity=1))
    assert made.precision == 0.5
    assert made.false_alerts == ("false",)
    assert made.alerts == {"total": 3, "informational": 1, "true": 1, "false": 1}
    assert scored(alert("mild", 50, severity=1)).reasons["precision"] == "no_alert"


def test_what_people_did():
    made = scored(
        SCAN, SYN, a1=(step(5, note="hm"), step(40, "acknowledged"), step(700, "resolved")),
        a2=(step(100, "in_progress"), step(300, "resolved")),
    )  # fmt: skip
    assert (made.time_to_acknowledge, made.time_to_respond) == (70.0, 500.0)
    first, second, third = made.responses
    assert (first.acknowledged_by, first.time_to_acknowledge, first.time_to_respond) == ("wang", 40.0, 700.0)
    assert first.met == {"acknowledge": True, "playbook": None, "close": False}
    assert first.reasons == {"playbook": "no_playbook_records"}
    assert second.met == {}
    assert set(third.reasons.values()) == {"nothing_detected"}


@pytest.mark.parametrize(
    ("started", "took", "kept", "reason"),
    [
        ((("scan", 70, "a1"), ("scan", 60, "a1")), 60.0, True, None),
        ((("playbook--scan", 130, "a1"),), 130.0, False, None),
        ((), None, None, "playbook_not_started"),
        ((("other", 9, "a1"), ("scan", 9, "a2")), None, None, "playbook_not_started"),
        ((("scan", -9, "a1"),), None, None, "before_seen"),
    ],
)
def test_when_a_playbook_was_started(started, took, kept, reason):
    runs = tuple(Started((n, f"id--{n}"), WALL + at * SECOND, frozenset({a})) for n, at, a in started)
    if started and started[0][0].startswith("playbook--"):
        runs = (Started(("short", "scan"), runs[0].at, runs[0].alerts),)  # named by its id
    seen = msgspec.structs.replace(observed(SCAN, SYN), playbooks=runs)
    first = score("d", "sm3:0", SCENARIO, TRUTH, seen).responses[0]
    assert (first.time_to_start_playbook, first.met["playbook"]) == (took, kept)
    assert first.reasons.get("playbook") == reason


@pytest.mark.parametrize(
    ("steps", "acknowledge", "respond"),
    [
        ((), "not_acknowledged", "open"),
        ((step(-3, "acknowledged"),), "before_seen", "open"),
        ((step(3, "false_alarm"),), None, "dismissed"),
        ((step(3, "resolved"), step(4, "in_progress")), None, "open"),
    ],
)
def test_why_there_is_no_time(steps, acknowledge, respond):
    made = scored(SCAN, a1=steps)
    assert made.responses[0].reasons.get("time_to_acknowledge") == acknowledge
    assert made.responses[0].reasons["time_to_respond"] == respond
    assert made.dismissed == (("a1",) if respond == "dismissed" else ())
    assert scored(SCAN, seen=False).reasons["time_to_respond"] == "not_seen"


def test_all_alerts_of_an_attack_are_to_be_closed():
    two = (SCAN, alert("a3", 105))
    made = scored(*two, a1=(step(10, "resolved"),))
    assert made.responses[0].reasons["time_to_respond"] == "open"
    made = scored(*two, a1=(step(10, "resolved"),), a3=(step(90, "resolved"),))
    assert made.responses[0].time_to_respond == 90.0


ALERTS = st.lists(
    st.builds(
        alert, st.text("abc", min_size=1, max_size=3), st.integers(0, 400),
        st.sampled_from(["scan", "flood", "bruteforce"]), st.sampled_from(["", "192.0.2.9", "10.0.0.7"]),
        st.sampled_from(["", "10.0.0.1", "10.0.0.0/24", "10.0.0.2"]), st.integers(1, 5),
    ),
    max_size=8, unique_by=lambda a: a["event"]["id"],
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(ALERTS, st.randoms())
def test_the_same_observations_give_the_same_bytes(alerts, dice):
    made = scored(*alerts)
    dice.shuffle(alerts)
    assert encode(scored(*alerts)) == encode(made)
    assert made.coverage is not None
    assert 0 <= made.coverage <= 1
    assert made.alerts["true"] + made.alerts["false"] + made.alerts["informational"] == made.alerts["total"]
    assert made.precision is None or 0 <= made.precision <= 1
