"""What happened in a drill, in order: by the scene's own time, and by the wall clock."""

from __future__ import annotations

from typing import Any

import msgspec

from alerts import times
from drills.running import Observed
from drills.truth import Truth, named

EVENT, WALL = "event", "wall"


class Moment(msgspec.Struct, frozen=True):
    """Something that happened. `clock` says by which: the scene's (`event`) or the room's (`wall`).

    `what` is a key of the catalogue's section `drill_moment`; `of` is what it happened to, `by` who did it.
    """

    at: str
    clock: str
    what: str
    of: str = ""
    by: str = ""
    note: str = ""


def timeline(known: Truth, observed: Observed) -> list[Moment]:
    """Everything that happened, the scene's first, each in order of time."""
    return _ordered(_scene(known, observed)) + _ordered(_room(observed))


def _ordered(moments: list[tuple[int, Moment]]) -> list[Moment]:
    return [moment for _, moment in sorted(moments, key=lambda m: (m[0], msgspec.json.encode(m[1])))]


def _scene(known: Truth, observed: Observed) -> list[tuple[int, Moment]]:
    found: list[tuple[int, Moment]] = []
    for attack in known.attacks:
        frames = f"#{attack.first_frame}-{attack.last_frame}"
        for at, what in ((attack.start, "attack_begins"), (attack.end, "attack_ends")):
            found.append((at, Moment(times.to_iso(at), EVENT, what, attack.id, note=frames)))
    for alert in observed.alerts:
        at = times.from_iso(alert["@timestamp"])
        moment = Moment(times.to_iso(at), EVENT, "alert", _id(alert), note=_said(alert))
        found.append((at, moment))
    return found


def _room(observed: Observed) -> list[tuple[int, Moment]]:
    found: list[tuple[int, Moment]] = []
    run = observed.run
    for number, attempt in enumerate(run.attempts if run else ()):
        speed = f"x{attempt.speed:g}" if attempt.speed else ""
        what = "run_resumes" if number else "run_begins"
        found.append((attempt.at, Moment(times.to_iso(attempt.at), WALL, what, note=speed)))
    if run is not None and run.ended:
        found.append((run.ended, Moment(times.to_iso(run.ended), WALL, "run_ends")))
    for alert, at in observed.seen.items():
        found.append((at, Moment(times.to_iso(at), WALL, "alert_seen", alert)))
    for alert, work in observed.workflows.items():
        for step in work.history:
            when = times.to_iso(step.at)
            if step.status is not None:
                what = f"status_{step.status}"
                found.append((step.at, Moment(when, WALL, what, alert, step.by, step.note or "")))
            elif step.owner is not None:
                found.append((step.at, Moment(when, WALL, "owner", alert, step.by, step.owner)))
            else:
                found.append((step.at, Moment(when, WALL, "note", alert, step.by, step.note or "")))
    return found


def _said(alert: dict[str, Any]) -> str:
    ends = " > ".join(filter(None, (named(alert, "source"), named(alert, "destination"))))
    return f"{alert['rule']['id']} {alert['event'].get('action', '')} {ends}".strip()


def _id(alert: dict[str, Any]) -> str:
    return str(alert["event"]["id"])
