"""Posture as an object for people and machines: rows, names, the formula and its inputs."""

from __future__ import annotations

from typing import Any

import msgspec

from alerts import times
from posture.index import FORMULA, SEVERITY, SIDE, STATUS, Posture, Row
from posture.records import Register

Document = dict[str, Any]


def formula() -> Document:
    """The formula's name and weights: points by severity, factors by side and status, in plain numbers."""
    return {
        "name": FORMULA,
        "severity": {str(k): v / 10 for k, v in SEVERITY.items()},
        "side": {k: v / 100 for k, v in SIDE.items()},
        "status": {k: v / 100 for k, v in STATUS.items()},
        "index": "100 * 100 / (100 + points)",
        "mean": "by importance, over what is observed",
    }


def chosen(found: Posture, unit: str | None, system: str | None) -> list[Row]:
    """The rows asked about: a system; a unit and its systems; or the city and its units. Empty if unknown."""
    if system is not None:
        return [row for row in found.systems if row.id == system]
    if unit is not None:
        own = [row for row in found.units if row.id == unit]
        return own and [*own, *(row for row in found.systems if row.unit == unit)]
    return [found.city, *found.units]


def told(found: Posture, rows: list[Row], register: Register, *, explain: bool) -> Document:
    """Rows with indices in plain numbers (null: not observed); with `explain`, the alerts of systems too.

    To explain the city or a unit is to explain the systems they are the means of, so the observed ones come
    along.
    """
    if explain:
        kinds = {row.kind for row in rows}
        units = {row.id for row in rows if row.kind == "unit"}
        more = [
            row
            for row in found.systems
            if row not in rows
            and ("city" in kinds or row.unit in units)
            and any(axis.index is not None for axis in row.axes)
        ]
        rows = [*rows, *more]
    return {
        "formula": formula(),
        "since": times.to_iso(found.since),
        "until": times.to_iso(found.until),
        "rows": [_row(row, register, explain=explain) for row in rows],
    }


def _row(row: Row, register: Register, *, explain: bool) -> Document:
    names = {s.id: s for s in register.systems} if row.kind == "system" else {u.id: u for u in register.units}
    known = names.get(row.id)
    return {
        "kind": row.kind, "id": row.id, "unit": row.unit, "importance": row.importance,
        "name": known.name if known else row.id, "name_en": known.name_en if known else "",
        "axes": {axis.axis: _axis(axis, explain=explain and row.kind == "system") for axis in row.axes},
    }  # fmt: skip


def _axis(axis: Any, *, explain: bool) -> Document:
    found: Document = {
        "index": None if axis.index is None else axis.index / 10,
        "observation": axis.observation, "reasons": list(axis.reasons), "points": axis.points / 10,
        "alerts": axis.alerts, "observed": axis.observed, "systems": axis.systems,
        "worst": None if axis.index is None else {"system": axis.worst[0], "unit": axis.worst[1]},
    }  # fmt: skip
    if explain:
        found["taken"] = [
            msgspec.to_builtins(taken)
            | {"time": times.to_iso(taken.time), "points": taken.points / 10, "loss": taken.loss / 10}
            for taken in axis.taken
        ]
    return found
