"""Posture worked out again, by the formula as the manual has it, with fractions in place of whole tenths.

points = severity * side * status; index = 100 * 100 / (100 + points); a unit's, and the city's, is the mean
of its systems by their importance.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from bench.story.recount.facts import Facts, Json
from bench.story.recount.incidents import TOP
from bench.story.recount.logs import Flows

AXES = ("attack", "malware", "tamper", "leak", "paralysis")
_SEVERITY = {1: 0, 2: 2, 3: 6, 4: 15, 5: 40}
_SIDE = {"dst": Fraction(1), "src": Fraction(3, 2)}
_STATUS = {"resolved": Fraction(1, 4), "false_alarm": Fraction(0)}
_FORMULA = "citywall-posture/1"
Place = tuple[str, str]  # system, unit


class _Standing:
    """Tenths by system and axis, None where nothing was looked at."""

    def __init__(self, facts: Facts, flows: Flows) -> None:
        places = facts.places
        self.weights: dict[Place, int] = {(s["id"], s["unit"]): s["importance"] for s in places.systems}
        seen = places.seen(flows.hosts)
        watched = {d["axis"] for d in facts.detectors}
        points: dict[tuple[Place, str], Fraction] = {}
        self.alerts: dict[tuple[Place, str], set[str]] = {}
        for alert in facts.spanning:
            for place, side, importance in _concerned(alert, places.unit_of):
                key = (place, alert["citywall"]["axis"])
                share = _SIDE[side] * _STATUS.get(facts.status_of(alert), Fraction(1))
                taken = int(_SEVERITY[alert["event"]["severity"]] * share * 10)  # in whole tenths
                points[key] = points.get(key, Fraction(0)) + Fraction(taken, 10)
                self.alerts.setdefault(key, set()).add(alert["event"]["id"])
                self.weights.setdefault(place, importance or 1)
        for place in seen:
            self.weights.setdefault(place, 1)
        whole = not any(s["dropped"] for s in facts.status["sensors"]) and not facts.status["faults"]
        self.index: dict[tuple[Place, str], int | None] = {}
        self.plain: set[tuple[Place, str]] = set()  # looked at without a doubt
        for place in self.weights:
            for axis in AXES:
                looked = place in seen and axis in watched
                told = looked or (place, axis) in self.alerts
                lost = points.get((place, axis), Fraction(0))
                self.index[place, axis] = _half_up(100_000 / (100 + lost)) if told else None
                if looked and whole:
                    self.plain.add((place, axis))

    def mean(self, own: Sequence[Place], axis: str) -> int | None:
        """By importance, over what was looked at."""
        known = [(self.weights[p], n) for p in own if (n := self.index[p, axis]) is not None]
        total = sum(weight for weight, _ in known)
        return _half_up(Fraction(sum(weight * n for weight, n in known), total)) if known else None

    def named(self, own: Sequence[Place], axis: str) -> set[str]:
        """Alerts that take part."""
        return {a for p in own for a in self.alerts.get((p, axis), ())}

    def lowest(self, place: Place) -> int | None:
        """The lowest axis of a system."""
        return min((n for axis in AXES if (n := self.index[place, axis]) is not None), default=None)


def _concerned(alert: Json, unit_of: dict[str, str]) -> list[tuple[Place, str, int | None]]:
    """Each system once, by the side that weighs more, with the greatest importance told of it there."""
    found: dict[Place, tuple[str, int | None]] = {}
    for side in ("dst", "src"):
        for entry in alert["citywall"].get("asset", {}).get(side, ()):
            system, unit = entry.get("system_id") or "", entry.get("unit_id") or ""
            place = (system, unit_of.get(system, unit))
            if place == ("", ""):
                continue
            before = found.get(place)
            told = entry.get("importance")
            if before is None or before[0] != side or (before[1] or 0) < (told or 0):
                found[place] = (side, told)
    return [(place, side, importance) for place, (side, importance) in found.items()]


def _half_up(value: Fraction) -> int:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def counted(facts: Facts, flows: Flows) -> dict[str, Json]:
    """Figures of posture."""
    standing = _Standing(facts, flows)
    return {
        "posture_city": _city(facts, flows, standing),
        "posture_systems": _systems(facts, standing),
        "posture_units": _units(facts, standing),
    }


def _system_name(facts: Facts, place: Place) -> object:
    return facts.places.name(place[0]) if place[0] else None  # others of a unit have a name of the catalogue


def _city(facts: Facts, flows: Flows, standing: _Standing) -> Json:
    places, rows, values = sorted(standing.weights), [], {}
    for axis in AXES:
        known = [p for p in places if standing.index[p, axis] is not None]
        values[axis] = standing.mean(places, axis)
        whole = len(known) == len(places) and all((p, axis) in standing.plain for p in known)
        observation = "not_observed" if not known else "observed" if whole else "partial"
        worst = min(known, key=lambda p: (standing.index[p, axis], p), default=None)
        rows.append({
            "axis": axis, "index": values[axis], "observation": observation, "observed": len(known),
            "systems": len(places), "alerts": len(standing.named(known, axis)),
            "worst": worst and _system_name(facts, worst),
        })  # fmt: skip
    return {
        "inputs": {"formula": _FORMULA, "systems": len(places), "alerts": len(facts.spanning),
                   "hosts": len(flows.hosts)},
        "values": values, "rows": rows,
    }  # fmt: skip


def _systems(facts: Facts, standing: _Standing) -> Json:
    known = [(n, p) for p in standing.weights if (n := standing.lowest(p)) is not None]
    if not known:
        return {"inputs": {}, "values": {}, "rows": []}
    known.sort()
    return {
        "inputs": {"formula": _FORMULA, "systems": len(standing.weights), "shown": TOP},
        "values": {"unseen": len(standing.weights) - len(known), "lowest": known[0][0]},
        "rows": [
            {"system": _system_name(facts, p), "unit": facts.places.name(p[1]),
             **{axis: standing.index[p, axis] for axis in AXES}}
            for _, p in known[:TOP]
        ],
    }  # fmt: skip


def _units(facts: Facts, standing: _Standing) -> Json:
    units = sorted({u["id"] for u in facts.places.units} | {u for _, u in standing.weights if u})
    found = []
    for unit in units:
        own = [p for p in standing.weights if p[1] == unit]
        indices = {axis: standing.mean(own, axis) for axis in AXES}
        if told := [n for n in indices.values() if n is not None]:
            alerts = sum(len(standing.named(own, axis)) for axis in AXES)
            found.append((min(told), unit, indices, alerts))
    if not found:
        return {"inputs": {}, "values": {}, "rows": []}
    found.sort(key=lambda f: f[:2])
    return {
        "inputs": {"formula": _FORMULA, "units": len(units)},
        "values": {"unseen": len(units) - len(found), "lowest": found[0][0]},
        "rows": [
            {"unit": facts.places.name(unit), **indices, "alerts": alerts}
            for _, unit, indices, alerts in found
        ],
    }
