"""Which alerts belong together: a pure function of the alerts.

Alerts are taken in order of (time of detection, id). One joins what is open about any of its hosts if it
comes within `window_s` of the last, or within `stage_window_s` where it is of a later stage (reconnaissance,
intrusion, control, spread, effect); where it touches two, they are one from there on. A group is at most
`cap_s` long and `max_alerts` large.

Groups that share no host, or are farther apart than the window, say nothing of each other: so a part of the
alerts can be grouped alone, with the same result, if nothing is left out that it `meets`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from alerts import times
from alerts.cases.members import Member
from citywall.casesettings import CaseSettings


@dataclass(eq=False)
class Group:
    """Members in order, each behind its (time, id); `first` and `last` are event times in ns."""

    ordered: list[tuple[int, str, Member]] = field(default_factory=list)
    last: int = 0
    stage: int = 0
    into: Group | None = None  # that it was merged into

    @property
    def first(self) -> int:
        """When its first alert was detected."""
        return self.ordered[0][0]

    @property
    def members(self) -> list[Member]:
        """Its members, in order."""
        return [member for _, _, member in self.ordered]

    def take(self, member: Member) -> None:
        """Add the next in order."""
        self.ordered.append((member.start, member.id, member))
        self.last = max(self.last, member.last)
        self.stage = max(self.stage, member.stage)


class Extent(NamedTuple):
    """From when to when (ns) some alerts reach, and from which stage to which."""

    first: int
    last: int
    low: int
    high: int

    @classmethod
    def of(cls, members: Collection[Member]) -> Extent:
        """That of some alerts (at least one)."""
        stages = [m.stage for m in members]
        return cls(min(m.start for m in members), max(m.last for m in members), min(stages), max(stages))

    def meets(self, other: Extent, rules: CaseSettings) -> bool:
        """Whether alerts of the two could be linked, if they touched the same host."""
        return _follows(self, other, rules) and _follows(other, self, rules)


def _follows(one: Extent, other: Extent, rules: CaseSettings) -> bool:
    """Whether `other` begins soon enough after `one` ends."""
    later = other.high > one.low
    return other.first - one.last <= _window(rules, later=later)


def _window(rules: CaseSettings, *, later: bool) -> int:
    return (max(rules.stage_window_s, rules.window_s) if later else rules.window_s) * times.SECOND


def reach(rules: CaseSettings) -> int:
    """How far apart (ns) alerts may be and still be linked directly."""
    return _window(rules, later=True)


def grouped(members: Iterable[Member], rules: CaseSettings) -> list[Group]:
    """The groups, oldest first. An alert that names no host is a group of its own."""
    grouping = Grouping(rules)
    for _, _, member in sorted((m.start, m.id, m) for m in members):
        grouping.add(member)
    return grouping.standing()


class Grouping:
    """Groups that grow by one alert after the other, in order; `at_key` has the newest group of each host."""

    def __init__(self, rules: CaseSettings) -> None:
        self.at_key: dict[str, Group] = {}
        self._rules = rules
        self._groups: list[Group] = []

    def add(self, member: Member) -> Group:
        """Take the next alert; the group that it joins."""
        keys = member.keys
        group = self._home(member, keys)
        if group is None:
            group = Group()
            self._groups.append(group)
        group.take(member)
        for key in keys:
            self.at_key[key] = group
        return group

    def standing(self) -> list[Group]:
        """Groups begun here that were not merged into others."""
        return [group for group in self._groups if group.into is None]

    def _home(self, member: Member, keys: tuple[str, ...]) -> Group | None:
        """The group a member joins, made one of those it touches; None where it begins one."""
        rules, fitting = self._rules, list[Group]()
        for key in keys:
            if (found := self.at_key.get(key)) is not None:
                group = whole(found)
                if group not in fitting and _joins(member, group, rules):
                    fitting.append(group)
        if len(fitting) <= 1:
            return fitting[0] if fitting else None
        base, *others = sorted(fitting, key=lambda g: g.ordered[0][:2])
        for other in others:
            if len(base.ordered) + len(other.ordered) >= rules.max_alerts:
                continue
            base.ordered = sorted([*base.ordered, *other.ordered])
            base.last, base.stage = max(base.last, other.last), max(base.stage, other.stage)
            other.into = base
        return base


def _joins(member: Member, group: Group, rules: CaseSettings) -> bool:
    return (
        member.start - group.last <= _window(rules, later=member.stage > group.stage > 0)
        and member.start - group.first <= rules.cap_s * times.SECOND
        and len(group.ordered) < rules.max_alerts
    )


def whole(group: Group) -> Group:
    """The group that it has become part of."""
    while group.into is not None:
        group = group.into
    return group
