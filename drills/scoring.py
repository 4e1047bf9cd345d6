"""How a drill went: what was detected and when, what of it was true, and how fast people were.

Detection is timed by event time, from an attack's first frame to the alert's first finding; people by the
wall clock, from the moment when an alert was there to what they did with it. What was not observed has no
value but a reason. Pure: the same observations give the same score, byte for byte.

The indicators follow 实战演练评估指标 of GB/T 46792-2025 (appendix A) by analogy: that standard is of
drills in general.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from alerts import times
from alerts.workflow import Workflow
from drills import truth
from drills.classes import detectors_of
from drills.planning import expected_of
from drills.running import Observed, Run
from drills.scenario import Detection, Response, Scenario
from drills.truth import AttackTruth, Truth, covers, named, value_at

#: An alert may name evidence this long (ns) before an attack's first frame or after its last.
SLACK = 2_000_000_000
FOUND, LATE, MISSED = "found", "late", "missed"
_HANDLED = frozenset({"acknowledged", "in_progress", "resolved", "false_alarm"})
Document = dict[str, Any]


class DetectionScore(msgspec.Struct, frozen=True):
    """One expected detection. `time_to_detect` in s of event time; `reason` where it was not `found`."""

    attack: str
    class_: str = msgspec.field(name="class")
    techniques: tuple[str, ...]
    status: str
    reason: str | None
    within: float | None
    time_to_detect: float | None
    alerts: tuple[str, ...]


class ResponseScore(msgspec.Struct, frozen=True):
    """What people did about an attack. Times in s of the wall clock from its first alert; `limits` likewise.

    `met` says of each limit whether it was kept, None where that was not observed; `reasons` says why not.
    """

    attack: str
    seen_at: str | None
    acknowledged_by: str | None
    time_to_acknowledge: float | None
    time_to_respond: float | None
    time_to_start_playbook: float | None
    playbook: str | None
    limits: dict[str, float]
    met: dict[str, bool | None]
    reasons: dict[str, str]


class Score(msgspec.Struct, frozen=True):
    """A drill's score. `time_to_*` are medians over what was observed; `reasons` says why one has no value.

    `coverage` is the share of expected detections that came in time; `precision` the share of alerts above
    informational that are about an attack.
    """

    drill: str
    scenario: str
    digest: str
    session: str | None
    state: str
    coverage: float | None
    precision: float | None
    time_to_detect: float | None
    time_to_acknowledge: float | None
    time_to_respond: float | None
    reasons: dict[str, str]
    detections: tuple[DetectionScore, ...]
    responses: tuple[ResponseScore, ...]
    alerts: dict[str, int]
    false_alerts: tuple[str, ...]
    dismissed: tuple[str, ...]


def score(name: str, digest: str, scenario: Scenario, known: Truth, observed: Observed) -> Score:
    """Score what was observed of a drill."""
    run, alerts = observed.run, observed.alerts
    state = "not_run" if run is None else "ended" if run.ended else "running"
    attacks = {attack.id: attack for attack in known.attacks}
    detections = [_detection(d, attacks[d.attack], run, alerts) for d in expected_of(scenario, known)]
    judged = truth.score(known, alerts)
    hits = {a: _hits(a, judged, detections) for a in attacks}
    responses = [_response(a, scenario.responses, hits[a], observed) for a in attacks]
    loud = [a for a in alerts if _severity(a) > truth.INFORMATIONAL]
    # What hit an attack by class or technique is true, whichever detector was planned.
    right = {alert for ids in hits.values() for alert in ids}
    false = tuple(sorted(a for a in judged.false_alerts if a not in right))
    found = sum(d.status == FOUND for d in detections)
    reasons: dict[str, str] = {}
    values = {
        "coverage": found / len(detections) if run and detections else None,
        "precision": (len(loud) - len(false)) / len(loud) if loud else None,
        "time_to_detect": _median(d.time_to_detect for d in detections),
        "time_to_acknowledge": _median(r.time_to_acknowledge for r in responses),
        "time_to_respond": _median(r.time_to_respond for r in responses),
    }
    for key, value in values.items():
        if value is None:
            reasons[key] = _why(key, run, alerts, responses)
    told = {key: None if value is None else round(value, 4) for key, value in values.items()}
    return Score(
        drill=name,
        scenario=scenario.id,
        digest=digest,
        session=run.session if run else None,
        state=state,
        **told,
        reasons=reasons,
        detections=tuple(detections),
        responses=tuple(responses),
        alerts={
            "total": len(alerts),
            "informational": len(alerts) - len(loud),
            "true": len(loud) - len(false),
            "false": len(false),
        },
        false_alerts=false,
        dismissed=tuple(sorted(_dismissed(right, observed))),
    )


def encode(made: Score) -> bytes:
    """A score as it is written down: JSON, keys in order."""
    return msgspec.json.format(msgspec.json.encode(made, order="deterministic"), indent=1) + b"\n"


def _why(key: str, run: Run | None, alerts: Sequence[Document], responses: Sequence[ResponseScore]) -> str:
    if run is None:
        return "not_run"
    if key == "coverage":
        return "nothing_expected"
    if not alerts or key == "precision":
        return "no_alert" if run.ended else "unfinished"
    if key == "time_to_detect":
        return "nothing_detected"
    told = sorted({r.reasons[key] for r in responses if key in r.reasons} - {"nothing_detected"})
    return told[0] if len(told) == 1 else "not_done"


def _detection(
    wanted: Detection, attack: AttackTruth, run: Run | None, alerts: Sequence[Document]
) -> DetectionScore:
    of_class = [a for a in alerts if _speaks(a, wanted) and _at_time(a, attack)]
    of_hosts = [a for a in of_class if _names(a, wanted)]
    loud = [a for a in of_hosts if _severity(a) >= wanted.severity]
    within = float(wanted.within) if wanted.within else None
    first = min((_detected(a) for a in loud), default=None)
    took = None if first is None else round(max(0, first - attack.start) / 1e9, 3)
    reason: str | None = None
    if took is None:
        status, reason = MISSED, _missed(wanted, run, of_class, of_hosts)
    elif within is not None and took > within:
        status, reason = LATE, "late"
    else:
        status = FOUND
    ids = tuple(_id(a) for a in sorted(loud, key=lambda a: (_detected(a), _id(a))))
    return DetectionScore(wanted.attack, wanted.class_, wanted.techniques, status, reason, within, took, ids)


def _missed(
    wanted: Detection, run: Run | None, of_class: Sequence[Document], of_hosts: Sequence[Document]
) -> str:
    if run is None:
        return "not_run"
    if of_hosts:
        return "too_mild"
    if of_class:
        return "other_hosts"
    plain = {truth.plain(name) for name in detectors_of(wanted.class_)}
    looking = any(
        truth.plain(name) in plain or set(techniques) & set(wanted.techniques)
        for name, techniques in run.detectors.items()
    )
    if not looking:
        return "no_detector"
    return "no_alert" if run.ended else "unfinished"


def _speaks(alert: Document, wanted: Detection) -> bool:
    """Whether an alert is of a detector of the class, or names one of the techniques."""
    plain = {truth.plain(name) for name in detectors_of(wanted.class_)}
    if truth.detector_of(alert).partition(".")[0] in plain:
        return True
    technique = value_at(alert, "threat", "technique") or {}
    said = {*(technique.get("id") or ()), *(value_at(technique, "subtechnique", "id") or ())}
    return bool(said & set(wanted.techniques))


def _names(alert: Document, wanted: Detection) -> bool:
    """Whether an alert names hosts of the attack; a side that it leaves open is no obstacle, both are."""
    source, target = named(alert, "source"), named(alert, "destination")
    if not source and not target:
        return False
    if wanted.sources and source and not covers(source, wanted.sources):
        return False
    if wanted.targets and target and not covers(target, wanted.targets):
        return False
    return bool((wanted.sources and source) or (wanted.targets and target))


def _at_time(alert: Document, attack: AttackTruth) -> bool:
    """Whether an alert's evidence is of the time of an attack, and it was raised since that began."""
    begins = _time(value_at(alert, "event", "start"), alert)
    ends = _time(value_at(alert, "event", "end"), alert)
    overlap = begins <= attack.end + SLACK and ends >= attack.start - SLACK
    return overlap and _detected(alert) >= attack.start - SLACK


def _hits(attack: str, judged: truth.Score, detections: Sequence[DetectionScore]) -> list[str]:
    """The alerts that an attack was found by; where there are none, those that the truth itself allows."""
    found = [alert for d in detections if d.attack == attack for alert in d.alerts]
    return list(dict.fromkeys(found)) or sorted(judged.found.get(attack, ()))


def _response(
    attack: str, limits: Iterable[Response], alerts: Sequence[str], observed: Observed
) -> ResponseScore:
    wanted = next((r for r in limits if r.attack == attack), Response(attack))
    seen = min((observed.seen[a] for a in alerts if a in observed.seen), default=None)
    reasons: dict[str, str] = {}
    acknowledged = responded = started = None
    by = None
    asked = {"playbook"} if wanted.playbook else set()
    if observed.run is None or not alerts:
        why = "not_run" if observed.run is None else "nothing_detected"
        reasons = dict.fromkeys(("time_to_acknowledge", "time_to_respond", *asked), why)
    elif seen is None:
        reasons = dict.fromkeys(("time_to_acknowledge", "time_to_respond", *asked), "not_seen")
    else:
        works = [observed.workflows.get(a, Workflow()) for a in alerts]
        acknowledged, by, why = _acknowledged(works, seen)
        if why:
            reasons["time_to_acknowledge"] = why
        responded, why = _closed(works, seen)
        if why:
            reasons["time_to_respond"] = why
        if asked:
            started, why = _started(wanted.playbook, alerts, observed, seen)
            if why:
                reasons["playbook"] = why
    bounds = {
        key: float(most)
        for key, most in (
            ("acknowledge", wanted.acknowledge), ("playbook", wanted.start_playbook), ("close", wanted.close),
        )
        if most
    }  # fmt: skip
    took = {"acknowledge": acknowledged, "playbook": started, "close": responded}
    met = {key: None if (t := took[key]) is None else t <= most for key, most in bounds.items()}
    return ResponseScore(
        attack, None if seen is None else times.to_iso(seen), by, acknowledged, responded, started,
        wanted.playbook or None, bounds, met, reasons,
    )  # fmt: skip


def _acknowledged(works: Sequence[Workflow], seen: int) -> tuple[float | None, str | None, str]:
    """How long it took until somebody took one of some alerts on, who that was; or why that is not known."""
    steps = sorted(
        ((s.at, s.by) for w in works for s in w.history if s.status in _HANDLED), key=lambda step: step[0]
    )
    if not steps:
        return None, None, "not_acknowledged"
    at, by = steps[0]
    if at < seen:
        return None, by, "before_seen"
    return round((at - seen) / 1e9, 3), by, ""


def _closed(works: Sequence[Workflow], seen: int) -> tuple[float | None, str]:
    """How long it took until every one of some alerts was resolved, or why that is not known."""
    last = 0
    for work in works:
        if work.status == "false_alarm":
            return None, "dismissed"
        if work.status != "resolved":
            return None, "open"
        last = max(last, *(s.at for s in work.history if s.status == "resolved"))
    return (None, "before_seen") if last < seen else (round((last - seen) / 1e9, 3), "")


def _started(playbook: str, alerts: Iterable[str], observed: Observed, seen: int) -> tuple[float | None, str]:
    """How long it took until a playbook was asked for about one of some alerts, or why that is not known."""
    if observed.playbooks is None:
        return None, "no_playbook_records"
    own = set(alerts)
    begun = [run.at for run in observed.playbooks if playbook in run.playbook and own & run.alerts]
    if not begun:
        return None, "playbook_not_started"
    return (None, "before_seen") if min(begun) < seen else (round((min(begun) - seen) / 1e9, 3), "")


def _dismissed(right: Iterable[str], observed: Observed) -> list[str]:
    """Alerts about attacks that people called false."""
    return [a for a in right if observed.workflows.get(a, Workflow()).status == "false_alarm"]


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(statistics.median(known), 3) if known else None


def _severity(alert: Document) -> int:
    return int(value_at(alert, "event", "severity") or 0)


def _detected(alert: Document) -> int:
    return _time(None, alert)


def _time(text: object, alert: Document) -> int:
    return times.from_iso(str(text or alert["@timestamp"]))


def _id(alert: Document) -> str:
    return str(alert["event"]["id"])
