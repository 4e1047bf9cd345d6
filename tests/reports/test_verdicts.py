from __future__ import annotations

from typing import Any

import pytest

from citywall.i18n import catalogue as texts
from posture.records import Register, System, Unit
from reports.clauses import catalogue
from reports.inputs import Audit, DetectorFact, Run, Sensor, Service, Stream
from reports.nightly import build
from reports.rooms import BackupFact, CaseFact, DrillFact, ModelFact, NoticeFact, RunFact
from reports.verdicts import VERDICTS

LONG = (Stream("alerts", ("2023-10-01", "2024-05-01"), 1, 1, 190, "2024-05-01"),)


def verdict(inputs: Any, clause: str) -> str:
    return build(inputs).judgements[clause].verdict


def test_a_blind_day_shows_nothing(blind: Any):
    assert {j.verdict for j in build(blind).judgements.values()} == {"not_observable"}


def test_every_verdict_has_a_reason_in_words(inputs: Any, fact: Any, blind: Any):
    for facts in (blind, inputs(), inputs(fact(), fact(2, complete=False))):
        for judged in build(facts).judgements.values():
            assert judged.verdict in VERDICTS
            assert judged.reasons
            assert [r.code for r in judged.reasons if f"report_reason.{r.code}" not in texts()] == []


def test_attacks_are_looked_for_in_part(inputs: Any):
    assert verdict(inputs(), "8.1.3.3.a") == "evidence_partial"  # three axes have no detector
    assert verdict(inputs(detectors=()), "8.1.3.3.a") == "gap_found"
    assert verdict(inputs(detectors=()), "8.1.3.3.c") == "not_observable"


def test_a_model_that_judges_the_stream_is_not_passed_over(inputs: Any):
    def reason(*models: ModelFact) -> str:
        (said,) = build(inputs(models=models)).judgements["8.1.3.3.c"].reasons
        return said.code

    assert reason() == "no_models"
    assert reason(ModelFact("flow", "m1", "fine", 3)) == "no_models"  # in use, and not asked
    assert reason(ModelFact("flow", "m1", "fine", 3, serves=True)) == "models_on"
    assert reason(ModelFact("flow", "m1", "refused", 3, serves=True)) == "no_models"


def test_what_an_alert_must_record(inputs: Any, fact: Any):
    assert verdict(inputs(), "8.1.3.3.d") == "not_observable"
    assert verdict(inputs(fact(complete=False)), "8.1.3.3.d") == "gap_found"
    assert verdict(inputs(fact()), "8.1.3.3.d") == "evidence_partial"  # nobody has acted on it
    assert verdict(inputs(fact(acknowledged=1, status="resolved")), "8.1.3.3.d") == "evidence_present"


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        (LONG, "evidence_present"),
        ((Stream("alerts", ("2024-05-01",), 1, 1, 190, "2024-05-01"),), "evidence_partial"),
        ((Stream("alerts", ("2023-10-01", "2024-05-01"), 1, 1, 30, "2024-05-01"),), "gap_found"),
        ((), "not_observable"),
    ],
)
def test_logs_are_kept_as_long_as_the_law_asks(inputs: Any, streams: Any, expected: str):
    assert verdict(inputs(streams=streams), "8.1.5.4.d") == expected


def test_the_audit_log(inputs: Any):
    assert verdict(inputs(), "8.1.3.5.c") == "evidence_partial"
    assert verdict(inputs(audit=Audit(sound=False, problem="x")), "8.1.3.5.c") == "gap_found"
    assert verdict(inputs(audit=None), "8.1.3.5.b") == "not_observable"


def test_the_audit_log_is_backed_up(inputs: Any, day: Any):
    hour = 3_600_000_000_000
    made, tried = (BackupFact(day.until - hour, what, "b.tar", 1, 1, True) for what in ("made", "tried"))
    assert verdict(inputs(backups=(made,)), "8.1.3.5.c") == "evidence_partial"  # never tried
    assert verdict(inputs(backups=(made, tried)), "8.1.3.5.c") == "evidence_present"
    old = BackupFact(day.until - 200 * hour, "made", "b.tar", 1, 1, True)
    assert verdict(inputs(backups=(old, tried)), "8.1.3.5.c") == "evidence_partial"


def test_ways_out_that_nobody_allowed(inputs: Any, fact: Any):
    assert verdict(inputs(), "8.1.3.1.c") == "not_observable"
    policy = (DetectorFact("policy", 1, "Policy", "策略", "leak", "violation"),)
    assert verdict(inputs(detectors=policy), "8.1.3.1.c") == "evidence_partial"
    assert verdict(inputs(fact(rule="policy"), detectors=policy), "8.1.3.1.c") == "gap_found"
    assert (
        verdict(inputs(fact(rule="policy", severity=1), detectors=policy), "8.1.3.1.c") == "evidence_partial"
    )


def test_clear_text_management(inputs: Any):
    assert verdict(inputs(), "8.1.4.1.c") == "evidence_present"
    assert verdict(inputs(seen=frozenset({("oa", "data")})), "8.1.4.1.c") == "evidence_partial"
    assert verdict(inputs(services=(Service("10.0.0.5", 23, "", "", 1),)), "8.1.4.1.c") == "gap_found"


def test_duties(inputs: Any):
    assert verdict(inputs(), "8.1.5.1-3") == "evidence_partial"
    assert verdict(inputs(accounts=(("administrator",),)), "8.1.5.1-3") == "gap_found"
    assert verdict(inputs(accounts=(("administrator", "auditor"),)), "8.1.5.1-3") == "gap_found"


def test_sensors(inputs: Any, day: Any):
    sensor = (Sensor("eth0", 1, 0, 0, ended=False),)
    assert verdict(inputs(), "8.1.5.4.c") == "evidence_partial"
    silent = Run("running", day.since, day.until, 1, 0, sensor, ("eth0",))
    assert verdict(inputs(run=silent), "8.1.5.4.c") == "gap_found"


def test_handling(inputs: Any, fact: Any):
    done = fact(2, status="resolved", acknowledged=1)
    assert verdict(inputs(), "8.1.5.4.f") == "evidence_present"
    assert verdict(inputs(fact()), "8.1.5.4.f") == "evidence_partial"
    assert [verdict(inputs(*a), "8.1.10.6") for a in ((), (fact(),), (fact(), done), (done,))] == [
        "not_observable", "gap_found", "evidence_partial", "evidence_present",
    ]  # fmt: skip


def test_rooms_without_records(inputs: Any):
    for clause in ("8.1.10.12.a", "8.1.10.12.c", "8.1.10.13.b", "8.1.10.13.c", "8.1.10.13.d"):
        assert verdict(inputs(), clause) == "not_observable"


def test_rooms_with_records(inputs: Any, day: Any):
    at = day.since + 1
    notice = NoticeFact("n", "data", at, day.until + 1, day.until + 2)
    late = NoticeFact("m", "data", at, at + 1, at + 2)
    case = CaseFact("c", ("a", "a"), "data", 4, "", at, closed=at + 1)
    whole = CaseFact("d", ("a", "a"), "data", 4, "", at, closed=at + 1, whole=True)
    for clause, facts, expected in (
        ("8.1.10.12.a", {"notices": ()}, "not_observable"),
        ("8.1.10.12.a", {"notices": (notice,)}, "evidence_present"),
        ("8.1.10.12.a", {"notices": (notice, late)}, "gap_found"),
        ("8.1.10.12.c", {"cases": ()}, "not_observable"),
        ("8.1.10.12.c", {"cases": (case,)}, "gap_found"),
        ("8.1.10.12.c", {"cases": (case, whole)}, "evidence_partial"),
        ("8.1.10.12.c", {"cases": (whole,)}, "evidence_present"),
        ("8.1.10.13.b", {"playbooks": ()}, "not_observable"),
        ("8.1.10.13.b", {"playbooks": (RunFact("r", ("a", "a"), "completed", at),)}, "evidence_partial"),
        ("8.1.10.13.c", {"drills": ()}, "gap_found"),
        ("8.1.10.13.c", {"drills": (DrillFact("d", ("a", "a"), at),)}, "evidence_present"),
    ):
        assert verdict(inputs(**facts), clause) == expected, (clause, facts)


def test_levels_that_nobody_has(inputs: Any, fact: Any):
    low = Register(units=(Unit("u", "U"),), systems=(System("s", "S", "u", 3, mlps_level=2),))
    judged = build(inputs(fact(), register=low)).judgements
    levels = {c.id: min(c.levels) for c in catalogue()}
    assert {i for i, j in judged.items() if j.verdict == "not_applicable"} == {
        i for i, level in levels.items() if level == 3
    }
