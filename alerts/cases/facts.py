"""A case as its alerts tell it: whether there is one, since when, how bad, against whom, and what rose.

A group of alerts is a case from the first of these: one alert of `open_severity` (one grade less against an
asset of importance 4 or 5), an alert of a later stage than one before it, or `open_points` risk points.
Repetition is counted and tells nothing; a rise in severity, stage or importance breaks out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec

from alerts.cases.members import Asset, Member
from citywall.casesettings import CaseSettings
from citywall.findings import derived_id

#: From this importance on an asset's alerts count a grade more.
IMPORTANT = 4
Reason = Literal["severity", "stage", "points"]
What = Literal["severity", "stage", "importance"]
_Event = tuple[int, str, What, int]  # time, alert, what, value


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
    story = Story(rules)
    for member in members:
        story.add(member)
    return story.case(members)


class Story:
    """What members tell, taken one by one in order: more can be added to what was told before."""

    __slots__ = (
        "_breakouts", "_fresh", "_high", "_importance", "_last", "_opened", "_peak", "_points", "_rules",
        "_seen", "_stage", "_waiting",
    )  # fmt: skip

    def __init__(self, rules: CaseSettings) -> None:
        self._rules = rules
        self._points = self._stage = self._importance = self._last = 0
        self._opened: tuple[int, int, Reason] | None = None
        self._peak: Member | None = None
        self._high: dict[What, int] = {}
        self._breakouts: list[Breakout] = []
        self._seen: set[tuple[str, str, str]] = set()
        self._fresh: set[str] = set()  # alerts that told something new
        self._waiting: list[_Event] = []  # in order: others may still come between

    def add(self, member: Member) -> None:
        """Take the next member in order."""
        self._tell(self._high, self._breakouts, self._fresh, self._before((member.start, member.id)))
        time, alert = member.start, member.id
        self._waiting += [
            (time, alert, "importance", member.importance),
            (time, alert, "severity", member.first_severity),
            (time, alert, "stage", member.stage),
        ]
        if member.rises:
            self._waiting += [(r.time, alert, "severity", r.rose_to) for r in member.rises]
            self._waiting.sort()
        repeats = member.repeats
        if repeats not in self._seen:
            self._seen.add(repeats)
            self._fresh.add(alert)
        self._open(member)
        if self._peak is None or _height(member) > _height(self._peak):
            self._peak = member
        self._importance = max(self._importance, member.importance)
        self._last = max(self._last, member.last)

    def grown(self, before: Member, after: Member) -> bool:
        """Let a later state of a member stand for it; False where the story is to be told anew for that."""
        if (before.severity, before.points, before.rises, before.first_severity, before.importance) != (
            after.severity, after.points, after.rises, after.first_severity, after.importance,
        ) or before.repeats != after.repeats:  # fmt: skip
            return False
        self._last = max(self._last, after.last)
        if self._peak is not None and self._peak.id == after.id:
            self._peak = after
        return True

    def case(self, members: tuple[Member, ...]) -> Case:
        """The case of the members taken (at least one)."""
        peak = self._peak
        assert peak is not None
        breakouts, fresh = list(self._breakouts), set(self._fresh)
        self._tell(dict(self._high), breakouts, fresh, self._waiting)
        opened, _, why = self._opened or (0, 0, None)
        return Case(
            id=case_id(members[0].id), lane=members[0].lane, first=members[0].start, last=self._last,
            detected_at=opened, opened_by=why,
            severity=peak.severity, stage=self._stage, importance=self._importance, points=self._points,
            title_en=peak.message_en, title_zh=peak.message_zh,
            host=peak.source or (peak.hosts[0] if peak.hosts else "") or _commonest(members),
            members=members, breakouts=tuple(breakouts), repeated=len(members) - len(fresh),
        )  # fmt: skip

    def _open(self, member: Member) -> None:
        """See whether the members became a case with this one: by the earliest reason there is."""
        rules = self._rules
        found: list[tuple[int, int, Reason]] = []
        needed = max(rules.open_severity - (member.importance >= IMPORTANT), 1)
        if member.first_severity >= needed:
            found.append((member.start, 0, "severity"))
        elif member.rises:
            found += [(r.time, 0, "severity") for r in member.rises if r.rose_to >= needed][:1]
        if member.stage > self._stage > 0:
            found.append((member.start, 1, "stage"))
        self._stage = max(self._stage, member.stage)
        if self._points < rules.open_points <= self._points + member.points:
            found.append((member.start, 2, "points"))
        self._points += member.points
        if found:
            self._opened = min(found if self._opened is None else [self._opened, *found])

    def _before(self, place: tuple[int, str]) -> list[_Event]:
        """Events that nothing can come before any more; they wait no longer."""
        if not self._waiting or self._waiting[-1] < place:
            ready, self._waiting = self._waiting, []
            return ready
        n = bisect_left(self._waiting, place)
        ready, self._waiting = self._waiting[:n], self._waiting[n:]
        return ready

    @staticmethod
    def _tell(
        high: dict[What, int], breakouts: list[Breakout], fresh: set[str], events: Sequence[_Event]
    ) -> None:
        """What rose above all before it, in order of time."""
        for time, alert, what, value in events:
            before = high.get(what)
            if before is None:
                high[what] = max(0, value)
            elif value > before:
                breakouts.append(Breakout(time, what, before, value, alert))
                fresh.add(alert)
                high[what] = value


def _height(member: Member) -> tuple[int, int, int, int, str]:
    return member.severity, member.stage, member.importance, -member.start, member.id


def _commonest(members: tuple[Member, ...]) -> str:
    hosts = Counter(host for m in members for host in m.hosts)
    return min(hosts, key=lambda h: (-hosts[h], h)) if hosts else ""
