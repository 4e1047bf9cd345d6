"""What happened, in order, by both clocks."""

from __future__ import annotations

from alerts.workflow import Step, Workflow
from citywall.i18n import LANGUAGES, catalogue
from drills.running import Attempt, Observed, Run
from drills.timeline import timeline

from .test_scoring import BEGIN, SCAN, SECOND, SYN, TRUTH, WALL


def test_timeline():
    run = Run("s", "1", "r", {}, (Attempt(WALL, 10.0), Attempt(WALL + 5, 0.0)), WALL + 900 * SECOND)
    work = Workflow()
    for step in (
        Step(WALL + 30 * SECOND, "wang", status="acknowledged", note="mine"),
        Step(WALL + 31 * SECOND, "wang", owner="li"),
        Step(WALL + 32 * SECOND, "li", note="looking"),
    ):
        work = work.after(step)
    seen = {"a1": WALL + SECOND, "a2": WALL + 2 * SECOND}
    moments = timeline(TRUTH, Observed(run, (SYN, SCAN), seen, {"a1": work}))
    event = [(m.what, m.of) for m in moments if m.clock == "event"]
    assert event[:3] == [("attack_begins", "scan"), ("alert", "a1"), ("attack_ends", "scan")]
    assert moments[1].note == "scan x 192.0.2.9 > 10.0.0.1"
    assert moments[0].at == "2026-03-02T01:01:40.000000000Z"
    assert BEGIN // SECOND == 1_772_413_200
    wall = [(m.what, m.of, m.by, m.note) for m in moments if m.clock == "wall"]
    assert wall == [
        ("run_begins", "", "", "x10"), ("run_resumes", "", "", ""), ("alert_seen", "a1", "", ""),
        ("alert_seen", "a2", "", ""), ("status_acknowledged", "a1", "wang", "mine"),
        ("owner", "a1", "wang", "li"), ("note", "a1", "li", "looking"), ("run_ends", "", "", ""),
    ]  # fmt: skip
    for moment in moments:
        assert set(catalogue()[f"drill_moment.{moment.what}"]) == set(LANGUAGES)


def test_nothing_happened_yet():
    assert {m.what for m in timeline(TRUTH, Observed())} == {"attack_begins", "attack_ends"}
