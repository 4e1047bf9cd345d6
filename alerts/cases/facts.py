"""A case as its alerts tell it: whether there is one, since when, how bad, against whom, and what rose.

A group of alerts is a case from the first of these: one alert of `open_severity` (one grade less against an
asset of importance 4 or 5), an alert of a later stage than one before it, or `open_points` risk points.
Repetition is counted and tells nothing; a rise in severity, stage or importance breaks out.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from alerts.cases.members import Asset, Member
from citywall.casesettings import CaseSettings
from citywall.findings import derived_id

#: From this importance on an asset's alerts count a grade more.
IMPORTANT = 4
Reason = Literal["severity", "stage", "points"]
What = Literal["severity", "stage", "importance"]


class Breakout(msgspec.Struct, frozen=True):
    """What rose above all before it, when (event time, ns), by which alert."""

    time: int
    what: What
    rose_from: int
    rose_to: int
    alert: str


class Case(msgspec.Struct, frozen=True):
    """What alerts say of a case. Times are event times in ns.

    `id` is derived from the first alert. `detected_at` is when it became a case, `opened_by` why; both are
    empty where it is none yet. `repeated` counts alerts that told nothing new.
    """

    id: str
    lane: str
    first: int
    last: int
    detected_at: int
    opened_by: Reason | None
    severity: int
    stage: int
    importance: int
    points: int
    title_en: str
    title_zh: str
    host: str  # that it is most about
    members: tuple[Member, ...]
    breakouts: tuple[Breakout, ...] = ()
    repeated: int = 0

    @property
    def seed(self) -> str:
        """Id of the alert it began with."""
        return self.members[0].id

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host that links its alerts."""
        return tuple(dict.fromkeys(host for member in self.members for host in member.hosts))

    @property
    def assets(self) -> tuple[Asset, ...]:
        """What the register says of the assets, the most important first."""
        known = dict.fromkeys(m.asset for m in self.members if m.asset.unit)
        return tuple(sorted(known, key=lambda a: (-a.importance, a.unit, a.system, a.id)))

    @property
    def units(self) -> tuple[str, ...]:
        """Ids of the units whose assets it is about, that of the most important first."""
        return tuple(dict.fromkeys(a.unit for a in self.assets))

    @property
    def refs(self) -> tuple[str, ...]:
        """What it is found by: hosts, alerts, units."""
        keys = dict.fromkeys(key for member in self.members for key in member.keys)
        return (*keys, *(f"alert:{m.id}" for m in self.members), *(f"unit:{u}" for u in self.units))


def case_id(seed: str) -> str:
    """The id of the case that begins with an alert."""
    return derived_id("case", seed, 0)[:16]


def told(members: tuple[Member, ...], rules: CaseSettings) -> Case:
    """The case that members (in order, at least one) make."""
    opened, why = _opening(members, rules)
    breakouts, repeated = _breakouts(members)
    peak = max(members, key=lambda m: (m.severity, m.stage, m.importance, -m.start, m.id))
    hosts = Counter(host for m in members for host in m.hosts)
    subject = peak.source or (peak.hosts[0] if peak.hosts else "")
    return Case(
        id=case_id(members[0].id), lane=members[0].lane,
        first=members[0].start, last=max(m.last for m in members),
        detected_at=opened, opened_by=why,
        severity=peak.severity, stage=max(m.stage for m in members),
        importance=max(m.importance for m in members), points=sum(m.points for m in members),
        title_en=peak.message_en, title_zh=peak.message_zh,
        host=subject or (min(hosts, key=lambda h: (-hosts[h], h)) if hosts else ""),
        members=members, breakouts=breakouts, repeated=repeated,
    )  # fmt: skip


def _opening(members: tuple[Member, ...], rules: CaseSettings) -> tuple[int, Reason | None]:
    """When and why the members became a case; (0, None) where they did not."""
    found: list[tuple[int, int, Reason]] = []
    points, stage = 0, 0
    for member in members:
        needed = max(rules.open_severity - (member.importance >= IMPORTANT), 1)
        if member.first_severity >= needed:
            found.append((member.start, 0, "severity"))
        else:
            found += [(r.time, 0, "severity") for r in member.rises if r.rose_to >= needed][:1]
        if member.stage > stage > 0:
            found.append((member.start, 1, "stage"))
        stage = max(stage, member.stage)
        points += member.points
        if points >= rules.open_points:
            found.append((member.start, 2, "points"))
            points = -(1 << 60)  # once is enough
    if not found:
        return 0, None
    time, _, why = min(found)
    return time, why


def _breakouts(members: tuple[Member, ...]) -> tuple[tuple[Breakout, ...], int]:
    """What rose above all before, in order of time; and how many alerts told nothing new."""
    events: list[tuple[int, str, What, int]] = []
    seen: set[tuple[str, str, str]] = set()
    fresh: set[str] = set()
    for member in members:
        time, alert = member.start, member.id
        events.append((time, alert, "importance", member.importance))
        events.append((time, alert, "severity", member.first_severity))
        events.append((time, alert, "stage", member.stage))
        if member.rises:
            events += [(r.time, alert, "severity", r.rose_to) for r in member.rises]
        repeats = member.repeats
        if repeats not in seen:
            seen.add(repeats)
            fresh.add(alert)
    high: dict[What, int] = {}
    breakouts = []
    for time, alert, what, value in sorted(events):  # members are in order: next to nothing to sort
        before = high.get(what)
        if before is None:
            high[what] = max(0, value)
        elif value > before:
            breakouts.append(Breakout(time, what, before, value, alert))
            fresh.add(alert)
            high[what] = value
    return tuple(breakouts), len(members) - len(fresh)
