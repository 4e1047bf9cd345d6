from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.correlate import FEW_OPEN, Correlator, SessionState
from alerts.times import SECOND
from citywall.cards import DetectorCard
from citywall.findings import Endpoint, Finding, Severity, event_order
from citywall.sessions import Session
from citywall.settings import CorrelateSettings

SETTINGS = CorrelateSettings(window_s=60, cap_s=300)
Cards = dict[str, DetectorCard]
Make = Callable[..., Any]


def final(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {d["event"]["id"]: d for d in documents}


def test_findings_in_the_window_are_one_alert(cards: Cards, make_finding: Make, make_session: Make) -> None:
    correlator = Correlator(SETTINGS, cards)
    (first,) = correlator.add([make_finding(0)], make_session())
    (second,) = correlator.add([make_finding(60)], make_session())
    (third,) = correlator.add([make_finding(121)], make_session())
    assert first["event"]["id"] == second["event"]["id"] != third["event"]["id"]
    assert [d["citywall"]["dedup"]["count"] for d in (first, second, third)] == [1, 2, 1]
    assert second["@timestamp"] == first["@timestamp"] == "2024-05-01T12:00:00.000000000Z"
    assert second["citywall"]["dedup"]["last_seen"] == "2024-05-01T12:01:00.000000000Z"


def test_the_cap_begins_a_new_alert(cards: Cards, make_finding: Make, make_session: Make) -> None:
    findings = [make_finding(50 * i) for i in range(10)]
    found = Correlator(SETTINGS, cards).add(findings, make_session())
    assert [d["citywall"]["dedup"]["count"] for d in found] == [7, 3]


@pytest.mark.parametrize(
    "change",
    [{"kind": "vertical"}, {"entity": "0/10.0.0.6"}, {"detector": "flood"}],
    ids=lambda c: next(iter(c)),
)
def test_another_key_is_another_alert(
    cards: Cards, make_finding: Make, make_session: Make, change: dict[str, str]
) -> None:
    found = Correlator(SETTINGS, cards).add([make_finding(0), make_finding(0, **change)], make_session())
    assert len({d["event"]["id"] for d in found}) == 2


def test_the_id_tells_sessions_and_lanes_apart(cards: Cards, make_finding: Make, make_session: Make) -> None:
    ids = set()
    for session in (make_session(), make_session("other"), make_session(lane="drill")):
        finding = make_finding(0, session=session.id, lane=session.lane)
        ids |= {d["event"]["id"] for d in Correlator(SETTINGS, cards).add([finding], session)}
    assert len(ids) == 3


def test_a_rise_in_severity_shows(cards: Cards, make_finding: Make, make_session: Make) -> None:
    findings = [
        make_finding(0, severity=Severity.LOW, score=1.0),
        make_finding(10, severity=Severity.HIGH, score=9.0, facts={"targets": 900}),
        make_finding(20, severity=Severity.LOW, score=99.0),
        make_finding(30, severity=Severity.CRITICAL, score=2.0, confidence=0.5),
    ]
    (document,) = Correlator(SETTINGS, cards).add(findings, make_session())
    assert document["event"]["severity"] == 5
    assert document["event"]["risk_score"] == 90
    assert document["citywall"]["detector"]["score"] == 2.0
    assert document["citywall"]["dedup"]["max_severity"] == 5
    assert [(b["from"], b["to"], b["time"][17:19]) for b in document["citywall"]["dedup"]["breakouts"]] == [
        (2, 4, "10"),
        (4, 5, "30"),
    ]
    assert document["message"].endswith("(severity has risen from low to critical)")
    assert document["citywall"]["message_zh"].endswith("（严重程度由低升至严重）")


def test_what_is_said_again_counts_once(cards: Cards, make_finding: Make, make_session: Make) -> None:
    correlator = Correlator(SETTINGS, cards)
    findings = [make_finding(i * 100) for i in range(5)]
    before = final(correlator.add(findings, make_session()))
    assert len(before) == 5
    assert correlator.add(findings[1:], make_session()) == []
    assert correlator.counts(make_session()) == {"repeated": 4, "closed_early": 0}


def test_a_late_finding_joins_the_open_alert(cards: Cards, make_finding: Make, make_session: Make) -> None:
    correlator = Correlator(SETTINGS, cards)
    correlator.add([make_finding(100)], make_session())
    (document,) = correlator.add([make_finding(20)], make_session())
    assert document["citywall"]["dedup"]["count"] == 2
    assert document["@timestamp"][17:19] == "40"
    assert document["event"]["start"][14:19] == "00:15"


def test_evidence_is_bounded(
    cards: Cards, make_finding: Make, make_evidence: Make, make_session: Make
) -> None:
    findings = [
        make_finding(i, evidence=tuple(make_evidence(i, 3 * i + k, f"10.1.{i}.{k}") for k in range(3)))
        for i in range(50)
    ]
    (document,) = Correlator(SETTINGS, cards).add(findings, make_session())
    own = document["citywall"]
    assert own["evidence_count"] == 150
    assert [e["frame"] for e in own["evidence"]] == [1, 2, 3, 4, 5, 146, 147, 148, 149, 150]
    assert len(own["targets"]["sample"]) == 20
    assert not own["targets"]["exact"]
    assert 100 < own["targets"]["count"] < 210
    assert own["sources"] == {"count": 1, "exact": True, "sample": ["10.0.0.5"]}


def test_memory_is_bounded(cards: Cards, make_finding: Make, make_session: Make) -> None:
    correlator = Correlator(SETTINGS, cards, max_open=50, max_remembered=20)
    correlator.add([make_finding(i / 100, entity=f"e{i}") for i in range(500)], make_session())
    assert correlator.open_alerts <= 50
    assert correlator.counts(make_session())["closed_early"] >= 450
    state = correlator._sessions["5e55"]
    assert len(state.remembered) == 20
    assert {a.key[4] for a in state.open.values()} >= {f"e{i}" for i in range(460, 500)}


def test_expired_alerts_make_room_first(cards: Cards, make_finding: Make, make_session: Make) -> None:
    correlator = Correlator(SETTINGS, cards, max_open=10)
    correlator.add([make_finding(0, entity=f"old{i}") for i in range(10)], make_session())
    correlator.add([make_finding(1000, entity="new")], make_session())
    assert correlator.open_alerts == 1
    assert correlator.counts(make_session())["closed_early"] == 0


def test_alerts_that_nothing_can_join_are_let_go_and_that_changes_nothing(
    cards: Cards, make_finding: Make, make_session: Make
) -> None:
    findings = [make_finding(i, entity=f"e{i % 1500}") for i in range(3000)]
    correlator, keeping = Correlator(SETTINGS, cards), Correlator(SETTINGS, cards)
    keeping._sessions["5e55"] = SessionState(room=1 << 30)
    documents = correlator.add(findings[:1400], make_session())
    again = Correlator(SETTINGS, cards)
    again.restore(correlator.snapshot())
    documents += again.add(findings[1400:], make_session())
    assert final(documents) == final(keeping.add(findings, make_session()))
    assert again.open_alerts <= FEW_OPEN < 1500 == keeping.open_alerts
    assert again.counts(make_session())["closed_early"] == 0


def test_a_closed_session_is_forgotten(cards: Cards, make_finding: Make, make_session: Make) -> None:
    correlator = Correlator(SETTINGS, cards)
    (first,) = correlator.add([make_finding(0)], make_session())
    correlator.close_session(make_session())
    assert correlator.open_alerts == 0
    assert correlator.add([make_finding(0)], make_session()) == [first]


def test_faults_of_the_program_are_told(cards: Cards, make_finding: Make, make_session: Make) -> None:
    correlator = Correlator(SETTINGS, cards)
    with pytest.raises(ValueError, match="not of session"):
        correlator.add([make_finding(0, session="else")], make_session())
    with pytest.raises(ValueError, match="no card"):
        correlator.add([make_finding(0, detector="nobody")], make_session())
    with pytest.raises(ValueError, match="cannot be read"):
        correlator.restore({"correlator": b"\xff\x00"})
    with pytest.raises(ValueError, match="schema 7"):
        correlator.restore({"correlator": b"\x82\xa6schema\x07\xa8sessions\x80"})


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, int, int, int]]:
    step = st.tuples(st.integers(0, 90), st.integers(0, 2), st.integers(1, 5), st.integers(0, 6))
    return draw(st.lists(step, max_size=25))


def findings_of(
    history: list[tuple[int, int, int, int]], make_finding: Make, make_evidence: Make
) -> list[Finding]:
    """Findings in the order in which the stream brings them."""
    seconds, found = 0, []
    for number, (gap, entity, severity, width) in enumerate(history):
        seconds += gap
        found.append(
            make_finding(
                seconds,
                id=f"{number:04d}",
                entity=f"e{entity}",
                severity=Severity(severity),
                score=float(width),
                source=Endpoint(f"10.0.0.{entity}"),
                evidence=tuple(
                    make_evidence(seconds, number * 10 + k, f"10.9.{number}.{k}") for k in range(width)
                ),
            )
        )
    return sorted(found, key=event_order)


@settings(max_examples=60, deadline=None)
@given(history=histories(), data=st.data())
def test_batches_crashes_and_repeats_change_nothing(
    history: list[tuple[int, int, int, int]],
    data: st.DataObject,
    cards: Cards,
    make_finding: Make,
    make_evidence: Make,
    make_session: Make,
) -> None:
    session: Session = make_session()
    findings = findings_of(history, make_finding, make_evidence)
    whole = final(Correlator(SETTINGS, cards).add(findings, session))

    pieces: dict[str, dict[str, Any]] = {}
    correlator, at = Correlator(SETTINGS, cards), 0
    while at < len(findings):
        step = data.draw(st.integers(1, 6), label="batch")
        batch = findings[at : at + step]
        if data.draw(st.booleans(), label="crash"):
            kept = correlator.snapshot()
            pieces |= final(correlator.add(batch, session))  # written, then the process dies
            correlator = Correlator(SETTINGS, cards)
            correlator.restore(kept)
        if data.draw(st.booleans(), label="repeat") and at:
            pieces |= final(correlator.add(findings[max(0, at - 3) : at], session))
        pieces |= final(correlator.add(batch[::-1], session))
        at += step
    assert pieces == whole
    assert sum(d["citywall"]["dedup"]["count"] for d in whole.values()) == len(findings)


def test_snapshot_is_exact(cards: Cards, make_finding: Make, make_evidence: Make, make_session: Make) -> None:
    one, other = Correlator(SETTINGS, cards), Correlator(SETTINGS, cards)
    one.add([make_finding(i, evidence=(make_evidence(i, i),)) for i in range(30)], make_session())
    other.restore(one.snapshot())
    assert other.snapshot() == one.snapshot()


def test_snapshots_before_change_no_later_one(cards: Cards, make_finding: Make, make_session: Make) -> None:
    """What was packed before and did not change is taken as it is."""
    often, once = Correlator(SETTINGS, cards), Correlator(SETTINGS, cards)
    for i in range(30):
        found = [make_finding(i, entity=f"10.0.0.{i % 7 if i < 20 else 1}")]
        assert often.add(found, make_session()) == once.add(found, make_session())
        often.snapshot()
    assert often.snapshot() == once.snapshot()
    often.restore(once.snapshot())
    often.add([make_finding(40, entity="10.0.0.1")], make_session())
    once.add([make_finding(40, entity="10.0.0.1")], make_session())
    assert often.snapshot() == once.snapshot()


def test_named_domains(cards: Cards, make_finding: Make, make_session: Make) -> None:
    finding = make_finding(0, source=Endpoint("10.0.0.5", 12))
    (document,) = Correlator(SETTINGS, cards).add([finding], make_session())
    assert document["citywall"]["domain"] == document["citywall"]["source"]["domain"] == "vlan 12"
    finding = make_finding(0, source=Endpoint("10.0.0.5", (1 << 24) + 3))
    (document,) = Correlator(SETTINGS, cards).add([finding], make_session())
    assert document["citywall"]["domain"] == "domain 3"


def test_window_is_in_event_time_only(cards: Cards, make_finding: Make, make_session: Make) -> None:
    (document,) = Correlator(SETTINGS, cards).add([make_finding(0)], make_session(received_at=SECOND))
    (later,) = Correlator(SETTINGS, cards).add([make_finding(0)], make_session(received_at=9 * SECOND))
    document["event"].pop("ingested")
    later["event"].pop("ingested")
    assert document == later
