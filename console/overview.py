"""How things stand: alerts by severity and class, the trend, the newest of them, the sensors."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from alerts import times
from alerts.store import MinuteCount
from citywall.findings import Severity

if TYPE_CHECKING:
    from console.sources import Sources

#: Hours of event time that the trend tells, up to the newest alert.
HOURS = 24
NEWEST = 20


class Overview(msgspec.Struct, frozen=True):
    """Counts of all alerts, and of the last `HOURS` of event time before `until` (ns).

    `minutes` are (minute ns, severity, count) of these hours; `newest` are documents.
    """

    total: int
    by_severity: dict[int, int]
    by_class: dict[str, int]
    by_detector: dict[str, int]
    since: int
    until: int
    recent: dict[int, int]
    minutes: list[tuple[int, int, int]]
    newest: list[dict[str, Any]]
    status: dict[str, Any] | None


def gather(sources: Sources, newest: int = NEWEST) -> Overview:
    """Read the overview, from what the store has indices for and counts it keeps ready."""
    page = sources.alerts(None, limit=newest)
    until = 0
    if page.documents:
        until = times.from_iso(page.documents[0]["@timestamp"]) // times.MINUTE * times.MINUTE + times.MINUTE
    since = max(until - HOURS * times.HOUR, 0)
    by_severity = {int(k): n for k, n in sources.store.tally("severity").items()}
    by_detector = sources.store.tally("detector")
    by_class: Counter[str] = Counter()
    for detector, count in by_detector.items():
        by_class[sources.class_of(detector)] += count
    minutes = sources.store.minutes(since, until) if until else []
    return Overview(
        total=sum(by_severity.values()),
        by_severity={int(grade): by_severity.get(grade, 0) for grade in reversed(Severity)},
        by_class=dict(sorted(by_class.items(), key=lambda kv: (-kv[1], kv[0]))),
        by_detector=by_detector,
        since=since,
        until=until,
        recent=_recent(minutes),
        minutes=[(m.minute, m.severity, m.count) for m in minutes],
        newest=page.documents,
        status=_status(sources),
    )


def told(found: Overview) -> dict[str, Any]:
    """The overview as JSON: `{"total", "by_severity", "by_class", …, "trend": {"since", "until", …}}`."""
    return {
        "total": found.total,
        "by_severity": {str(grade): n for grade, n in found.by_severity.items()},
        "by_class": found.by_class,
        "by_detector": found.by_detector,
        "trend": {
            "since": times.to_iso(found.since), "until": times.to_iso(found.until),
            "by_severity": {str(grade): n for grade, n in found.recent.items()},
            "minutes": [
                {"minute": times.to_iso(minute), "severity": grade, "count": n}
                for minute, grade, n in found.minutes
            ],
        },
        "newest": found.newest,
        "status": found.status,
    }  # fmt: skip


def _recent(minutes: list[MinuteCount]) -> dict[int, int]:
    counts: Counter[int] = Counter()
    for minute in minutes:
        counts[minute.severity] += minute.count
    return {int(grade): counts.get(grade, 0) for grade in reversed(Severity)}


def _status(sources: Sources) -> dict[str, Any] | None:
    found, cut_off = sources.health()
    if found is None:
        return None
    return {
        "state": "cut_off" if cut_off else found.state, "pid": found.pid, "totals": found.totals,
        "sensors": [msgspec.to_builtins(s) for s in found.sensors],
        "faults": [msgspec.to_builtins(f) for f in found.faults],
        "store_waiting_for": found.store.waiting_for,
    }  # fmt: skip
