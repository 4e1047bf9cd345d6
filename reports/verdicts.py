"""What the figures mean for a clause: five verdicts, each with its reason. Never that somebody complies.

A rule is a pure function of the figures it names. `evidence_present`: what was observed shows the control
at work; `evidence_partial`: it shows a part, or not everything could be seen; `gap_found`: it shows the
contrary; `not_observable`: nothing can be said from here; `not_applicable`: no system of the register is of
a level that asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from posture.records import Register
from reports.clauses import Clause
from reports.figures import Figure, Said

Verdict = Literal["evidence_present", "evidence_partial", "gap_found", "not_observable", "not_applicable"]
VERDICTS: tuple[Verdict, ...] = (
    "gap_found", "evidence_partial", "evidence_present", "not_observable", "not_applicable",
)  # fmt: skip
Figures = Mapping[str, Figure]
#: Of a thousand alerts, those with all four fields.
_COMPLETE = 990


class Judgement(msgspec.Struct, frozen=True):
    """A verdict, why, and the queries it rests on."""

    verdict: Verdict
    reasons: tuple[Said, ...]
    queries: tuple[str, ...] = ()


def judge(clause: Clause, figures: Figures, register: Register | None) -> Judgement:
    """The verdict on a clause."""
    if register is not None:
        graded = {s.mlps_level for s in register.systems if s.mlps_level is not None}
        if graded and not any(level >= min(clause.levels) for level in graded):
            return Judgement("not_applicable", (Said("no_such_level", {"level": min(clause.levels)}),))
    return RULES[clause.rule](figures)


def _say(verdict: Verdict, queries: str, code: str, **values: str | int) -> Judgement:
    return Judgement(verdict, (Said(code, values),), tuple(queries.split()))


def _unseen(figures: Figures, *queries: str) -> Judgement | None:
    """Not observable, with what the first such figure gives as its reason."""
    for query in queries:
        if figures[query].state == "not_observable":
            return Judgement("not_observable", figures[query].reasons, (query,))
    return None


def _value(figures: Figures, query: str, name: str) -> Any:
    return figures[query].values[name]


def _unknown_egress(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "policy_breaches"):
        return unseen
    if found := _value(figures, "policy_breaches", "breaches"):
        return _say("gap_found", "policy_breaches", "egress_found", count=found)
    return _say("evidence_partial", "policy_breaches coverage", "egress_none")


def _services_closed(_figures: Figures) -> Judgement:
    return _say("not_observable", "", "no_service_census")


def _attacks_detected(figures: Figures) -> Judgement:
    on = "detectors_on alerts_by_origin coverage"
    if unseen := _unseen(figures, "alerts_by_origin"):
        return unseen
    if figures["detectors_on"].state == "not_observable":
        return _say("gap_found", on, "no_detectors")
    if figures["coverage"].state == "observed" and figures["detectors_on"].state == "observed":
        return _say("evidence_present", on, "watched_whole")
    return _say("evidence_partial", on, "watched_partly")


def _behaviour_analysed(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "alerts_by_origin", "detectors_on"):
        return unseen
    detectors, models = _value(figures, "detectors_on", "detectors"), 0
    if figures["models"].state != "not_observable":
        models = _value(figures, "models", "serving")
    if models:
        return _say("evidence_partial", "detectors_on models", "models_on", count=detectors, models=models)
    return _say("evidence_partial", "detectors_on", "no_models", count=detectors)


def _attacks_recorded(figures: Figures) -> Judgement:
    on = "alert_fields alert_handling"
    if unseen := _unseen(figures, "alert_fields"):
        return unseen
    share = _value(figures, "alert_fields", "permille")
    if share < _COMPLETE:
        return _say("gap_found", on, "fields_missing", permille=share)
    if waiting := _value(figures, "alert_handling", "open_high"):
        return _say("evidence_partial", on, "alarm_unproved", count=waiting)
    return _say("evidence_present", on, "fields_whole", count=_value(figures, "alert_fields", "alerts"))


def _audit_fields(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "audit_chain"):
        return unseen
    return _say("evidence_partial", "audit_chain", "own_audit_only")


def _audit_protected(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "audit_chain"):
        return unseen
    if not _value(figures, "audit_chain", "sound"):
        return Judgement("gap_found", figures["audit_chain"].reasons, ("audit_chain",))
    on, kept = "audit_chain backups", figures["backups"]
    if kept.state == "not_observable":
        return _say("evidence_partial", on, "no_backup_record")
    if kept.state == "partial":
        return Judgement("evidence_partial", kept.reasons, ("audit_chain", "backups"))
    return _say("evidence_present", on, "backed_up", days=_value(figures, "backups", "made_days"))


def _management_encrypted(figures: Figures) -> Judgement:
    on = "cleartext_management coverage"
    if unseen := _unseen(figures, "cleartext_management"):
        return unseen
    if found := _value(figures, "cleartext_management", "hosts"):
        return _say("gap_found", on, "cleartext_found", count=found)
    if figures["coverage"].state == "observed":
        return _say("evidence_present", on, "cleartext_none")
    return _say("evidence_partial", on, "cleartext_none_seen")


def _pages_whole(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "portals"):
        return unseen
    if drifting := _value(figures, "portals", "drifting"):
        return _say("gap_found", "portals", "pages_drift", count=drifting)
    return _say("evidence_partial", "portals", "pages_as_known", count=_value(figures, "portals", "visited"))


def _important_watched(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "important_systems"):
        return unseen
    found = _attacks_detected(figures)
    return msgspec.structs.replace(found, queries=("important_systems", *found.queries))


def _duties_separate(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "role_separation"):
        return unseen
    figure = figures["role_separation"]
    if figure.values["both"]:
        return _say("gap_found", figure.query, "duties_joined", count=figure.values["both"])
    if figure.values["lacking"]:
        return Judgement("gap_found", figure.reasons, (figure.query,))
    return _say("evidence_partial", figure.query, "duties_own")


def _sensors_monitored(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "sensors"):
        return unseen
    figure = figures["sensors"]
    if figure.values["silent"]:
        return Judgement("gap_found", figure.reasons, ("sensors",))
    return _say("evidence_partial", "sensors", "sensors_only", count=figure.values["sensors"])


def _logs_kept(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "log_retention"):
        return unseen
    figure = figures["log_retention"]
    if figure.values["short"]:
        return Judgement("gap_found", figure.reasons, ("log_retention",))
    if figure.values["young"]:
        return Judgement("evidence_partial", figure.reasons, ("log_retention",))
    return _say("evidence_present", "log_retention", "kept_long", days=figure.values["least"])


def _events_recognised(figures: Figures) -> Judgement:
    on = "alerts_by_class alert_handling"
    if unseen := _unseen(figures, "alerts_by_class"):
        return unseen
    if figures["alert_handling"].state != "not_observable" and (
        waiting := _value(figures, "alert_handling", "open_high")
    ):
        return _say("evidence_partial", on, "high_waiting", count=waiting)
    return _say("evidence_present", on, "events_classed", count=_value(figures, "alerts_by_class", "alerts"))


def _alerts_worked(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "alert_handling"):
        return unseen
    worked = _value(figures, "alert_handling", "acknowledged")
    every = figures["alert_handling"].inputs["alerts"]
    verdict: Verdict = (
        "evidence_present" if worked == every else "evidence_partial" if worked else "gap_found"
    )
    return _say(verdict, "alert_handling", "worked", count=worked, all=every)


def _notices_sent(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "notices"):
        return unseen
    every, late = (_value(figures, "notices", name) for name in ("notices", "overdue"))
    if not every:
        return _say("not_observable", "notices", "room_empty", room="notices")
    if late:
        return _say("gap_found", "notices", "notices_overdue", count=late, all=every)
    return _say("evidence_present", "notices", "notices_kept", all=every)


def _cases_complete(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "cases"):
        return unseen
    closed, whole = (_value(figures, "cases", name) for name in ("closed", "whole"))
    if not closed:
        return _say("not_observable", "cases", "room_empty", room="cases")
    verdict: Verdict = "evidence_present" if whole == closed else "evidence_partial" if whole else "gap_found"
    return _say(verdict, "cases", "files_whole", count=whole, all=closed)


def _plans_held(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "playbooks"):
        return unseen
    if not _value(figures, "playbooks", "runs"):
        return _say("not_observable", "playbooks", "room_empty", room="playbooks")
    return _say("evidence_partial", "playbooks", "room_records")


def _drills_held(figures: Figures) -> Judgement:
    if unseen := _unseen(figures, "drills"):
        return unseen
    if held := _value(figures, "drills", "drills"):
        return _say("evidence_present", "drills", "drills_held", count=held)
    return _say("gap_found", "drills", "no_drill")


#: One line a rule.
RULES: dict[str, Callable[[Figures], Judgement]] = {
    "unknown_egress": _unknown_egress,
    "services_closed": _services_closed,
    "attacks_detected": _attacks_detected,
    "behaviour_analysed": _behaviour_analysed,
    "attacks_recorded": _attacks_recorded,
    "audit_fields": _audit_fields,
    "audit_protected": _audit_protected,
    "management_encrypted": _management_encrypted,
    "important_watched": _important_watched,
    "pages_whole": _pages_whole,
    "duties_separate": _duties_separate,
    "sensors_monitored": _sensors_monitored,
    "logs_kept": _logs_kept,
    "events_recognised": _events_recognised,
    "alerts_worked": _alerts_worked,
    "notices_sent": _notices_sent,
    "cases_complete": _cases_complete,
    "plans_held": _plans_held,
    "drills_held": _drills_held,
}
