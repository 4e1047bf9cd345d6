"""The posture index: five axes (防攻击, 防病毒, 防篡改, 防泄漏, 防瘫痪) of a system, a unit and the city.

**The formula**, :data:`FORMULA`. Every alert of the window takes points from each system that it concerns,
on the axis of its detector::

    points = SEVERITY[severity] * SIDE[target or origin] * STATUS[status]
    index  = 100 * 100 / (100 + sum of points)

So 100 points halve the index, it never depends on the order of alerts, and an alert's share of what is lost
is its share of the points. A system that attacks others is probably taken over: `origin` weighs more than
`target`. What is resolved still happened, a false alarm did not. A unit's index is the mean of its systems,
weighted by their importance, and so is the city's of all systems; the worst system stands beside it.

**Where nothing is observed there is no index.** An axis of a system is observed where a detector of that
axis was on and traffic of the system was seen in the window, or where an alert speaks of it. What may be
missing from what was seen (a silent sensor, packets dropped) makes it `partial`. All numbers are whole:
points and indices are in tenths, so that the same facts give the same figures everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from posture.facts import AlertFact, Side, Touched
from posture.records import Register

AXES = ("attack", "malware", "tamper", "leak", "paralysis")
FORMULA = "citywall-posture/1"
#: Points by severity (1 informational to 5 critical), in tenths.
SEVERITY: Mapping[int, int] = {1: 0, 2: 20, 3: 60, 4: 150, 5: 400}
#: Per cent by side, and by what people made of the alert.
SIDE: Mapping[Side, int] = {"target": 100, "origin": 150}
STATUS: Mapping[str, int] = {
    "new": 100, "acknowledged": 100, "in_progress": 100, "resolved": 25, "false_alarm": 0,
}  # fmt: skip
_FULL = 1000

Observation = Literal["observed", "partial", "not_observed"]
Reason = Literal["no_detector", "not_seen", "sensor_silent", "packets_dropped", "alert_only"]


class SensorFacts(msgspec.Struct, frozen=True):
    """What was looked at in the window.

    `axes` have a detector that was on; `seen` are (system, unit) whose traffic was seen, `("", unit)` for
    hosts of no system; `silent` and `dropped` name sensors that were silent, or whose kernel dropped
    packets. `known` is false where nobody knows what was looked at: then alerts alone make an axis
    observed.
    """

    axes: frozenset[str] = frozenset()
    seen: frozenset[tuple[str, str]] = frozenset()
    silent: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    known: bool = True


class Taken(msgspec.Struct, frozen=True):
    """What one alert takes: `points` in tenths, `loss` its share of what the index has lost, in tenths."""

    alert: str
    time: int
    rule: str
    severity: int
    side: Side
    status: str
    points: int
    loss: int


class Axis(msgspec.Struct, frozen=True):
    """An axis of a system, unit or the city. `index` is in tenths, 0 to 1000, None where not observed.

    `alerts` is how many take part; `taken` names them, of a system only, most first. `worst` is (system,
    unit) of the lowest system, `observed` how many systems of `systems` the index rests on (of a system: 1
    of 1).
    """

    axis: str
    observation: Observation
    index: int | None = None
    reasons: tuple[Reason, ...] = ()
    points: int = 0
    alerts: int = 0
    taken: tuple[Taken, ...] = ()
    worst: tuple[str, str] = ("", "")
    observed: int = 0
    systems: int = 0


class Row(msgspec.Struct, frozen=True):
    """The five axes of a system (with its unit), a unit or the city, whose ids are empty.

    A system with an empty id stands for hosts of its unit that belong to no system.
    """

    kind: Literal["system", "unit", "city"]
    id: str
    unit: str
    importance: int
    axes: tuple[Axis, ...]

    def axis(self, name: str) -> Axis:
        """The axis of that name."""
        return next(a for a in self.axes if a.axis == name)


class Posture(msgspec.Struct, frozen=True):
    """Posture over `[since, until)` (event time, ns)."""

    formula: str
    since: int
    until: int
    city: Row
    units: tuple[Row, ...]
    systems: tuple[Row, ...]


_Key = tuple[str, str]  # system, unit


def posture(
    register: Register, alerts: Iterable[AlertFact], sensors: SensorFacts, since: int, until: int
) -> Posture:
    """Posture from facts; alerts that no part of lies in `[since, until)` are left out.

    Systems that the register does not know count too where alerts name them.
    """
    weights: dict[_Key, int] = {(s.id, s.unit): s.importance for s in register.systems}
    by_system: dict[tuple[_Key, str], list[Taken]] = {}
    units_of = {s.id: s.unit for s in register.systems}
    for alert in sorted(alerts, key=lambda a: a.order):
        if alert.time >= until or alert.last < since:
            continue
        for touched in _once(alert.touched, units_of):
            key = (touched.system, touched.unit)
            weights.setdefault(key, touched.importance or 1)
            by_system.setdefault((key, alert.axis), []).append(_taken(alert, touched))
    for key in sensors.seen:
        weights.setdefault(key, 1)
    systems = [
        Row(
            "system", system, unit, weights[system, unit],
            tuple(_of_system(axis, by_system.get(((system, unit), axis), []), (system, unit), sensors)
                  for axis in AXES),
        )
        for system, unit in sorted(weights)
    ]  # fmt: skip
    units = []
    for unit in sorted({u.id for u in register.units} | {row.unit for row in systems} - {""}):
        own = [row for row in systems if row.unit == unit]
        units.append(Row("unit", unit, unit, max((r.importance for r in own), default=1), _together(own)))
    city = Row("city", "", "", 5, _together(systems))
    return Posture(FORMULA, since, until, city, tuple(units), tuple(systems))


def _once(touched: Sequence[Touched], units_of: Mapping[str, str]) -> Iterable[Touched]:
    """Each system once, the side that weighs most; a system belongs to the unit the register names."""
    told: dict[_Key, Touched] = {}
    for one in touched:
        unit = units_of.get(one.system, one.unit)
        if not (one.system or unit):
            continue
        found = Touched(one.side, one.system, unit, one.importance)
        before = told.get((one.system, unit))
        if before is None or SIDE[before.side] < SIDE[one.side]:
            told[one.system, unit] = found
    return told.values()


def _taken(alert: AlertFact, touched: Touched) -> Taken:
    points = SEVERITY.get(alert.severity, 0) * SIDE[touched.side] * STATUS.get(alert.status, 100) // 10_000
    return Taken(alert.id, alert.time, alert.rule, alert.severity, touched.side, alert.status, points, loss=0)


def index_of(points: int) -> int:
    """The index that is left after `points` (both in tenths), rounded half up."""
    return (2 * _FULL * 1000 + 1000 + points) // (2 * (1000 + points))


def shares(points: Sequence[int], loss: int) -> list[int]:
    """`loss` in whole shares proportional to `points` that add up (largest remainders, first come first)."""
    total = sum(points)
    if not total:
        return [0] * len(points)
    found = [loss * p // total for p in points]
    rest = sorted(range(len(points)), key=lambda at: (-(loss * points[at] % total), at))
    for at in rest[: loss - sum(found)]:
        found[at] += 1
    return found


def _of_system(axis: str, taken: list[Taken], key: _Key, sensors: SensorFacts) -> Axis:
    observation, reasons = _observation(axis, key, bool(taken), sensors)
    if observation == "not_observed":
        return Axis(axis, observation, reasons=reasons, systems=1)
    points = sum(t.points for t in taken)
    index = index_of(points)
    losses = shares([t.points for t in taken], _FULL - index)
    told = [msgspec.structs.replace(t, loss=loss) for t, loss in zip(taken, losses, strict=True)]
    told.sort(key=lambda t: (-t.points, t.time, t.alert))
    return Axis(axis, observation, index, reasons, points, len(taken), tuple(told), key, 1, 1)


def _observation(
    axis: str, key: _Key, alerted: bool, sensors: SensorFacts
) -> tuple[Observation, tuple[Reason, ...]]:
    reasons: list[Reason] = []
    if sensors.known and axis not in sensors.axes:
        reasons.append("no_detector")
    if key not in sensors.seen:
        reasons.append("not_seen")
    if reasons:
        return ("partial", ("alert_only",)) if alerted else ("not_observed", tuple(reasons))
    if sensors.silent:
        reasons.append("sensor_silent")
    if sensors.dropped:
        reasons.append("packets_dropped")
    return ("partial" if reasons else "observed"), tuple(reasons)


def _together(rows: Sequence[Row]) -> tuple[Axis, ...]:
    return tuple(_mean([(row, row.axis(axis)) for row in rows], axis) for axis in AXES)


def _mean(parts: Sequence[tuple[Row, Axis]], axis: str) -> Axis:
    """The mean of what is observed, weighted by importance; `partial` where not everything is whole."""
    known = [(row, part, part.index) for row, part in parts if part.index is not None]
    reasons: tuple[Reason, ...] = tuple(dict.fromkeys(r for _, part in parts for r in part.reasons))
    if not known:
        return Axis(axis, "not_observed", reasons=reasons or ("not_seen",), systems=len(parts))
    weight = sum(row.importance for row, _, _ in known)
    total = sum(row.importance * index for row, _, index in known)
    lowest = min(known, key=lambda k: (k[2], k[0].id, k[0].unit))[0]
    whole = len(known) == len(parts) and all(part.observation == "observed" for _, part, _ in known)
    alerts = {t.alert for _, part, _ in known for t in part.taken}
    return Axis(
        axis, "observed" if whole else "partial", (2 * total + weight) // (2 * weight), reasons,
        sum(part.points for _, part, _ in known), len(alerts), (),
        (lowest.id, lowest.unit), len(known), len(parts),
    )  # fmt: skip
