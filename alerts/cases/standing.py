"""Cases as they were last made here, so that what only adds to them need not make them anew.

Cases are a function of all their alerts (:mod:`alerts.cases.grouping`), and a large one has a thousand.
Nearly always alerts come in order, and then what stands stays as it is: groups go on from where they stood,
and so do their stories. `Standing` adds only where that is certain to give what making all anew would give:

- every stored case that new alerts touch was made here, under the same mutes, and is stored as it was made;
- new alerts come behind all alerts of these cases in the order in which alerts are taken;
- an alert that has grown still touches the same hosts, and nothing began so long after its earlier end that
  its growth could have joined the two.

It is bounded: cases that were not touched for longest are forgotten, and made anew when they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from alerts import times
from alerts.cases import members
from alerts.cases.facts import Story, case_id
from alerts.cases.grouping import Group, Grouping, reach, whole
from alerts.cases.members import Member
from alerts.cases.mutes import Mute, mute_of
from alerts.documents import Doc, Head, Writing, encoded
from citywall.casesettings import CaseSettings

#: Alerts remembered, of all cases together: about 1 KiB each. Of full cases that are let go ends are kept.
MOST = 16_384
#: Alerts of a case whose story is remembered, too: of a smaller one it is sooner told than kept.
STORIES_FROM = 16
#: Cases of which only the ends are kept: some 150 bytes an alert.
MOST_ENDS = 256

_Place = tuple[int, str]
_Ordered = list[tuple[int, str, Member]]


class Stood:
    """A case as it was made: its alerts in order, and at each host the place of the last of them."""

    __slots__ = (
        "_rules", "counted", "first", "head", "id", "ids", "last", "newest", "ordered", "places",
        "size", "stage", "story",
    )  # fmt: skip

    def __init__(self, case: Sequence[Member], rules: CaseSettings) -> None:
        self.id = case_id(case[0].id)
        self.head: Head | None = None  # as it is stored
        self.first = self.last = case[0].start
        self.stage = 0
        self.newest: _Place = (self.first, "")
        self.size = 0
        self.counted = 0  # of its alerts among those remembered
        self.ids: list[str] = []
        self.places: dict[str, _Place] = {}
        self.ordered: _Ordered = []
        self.story: Story | None = None
        self._rules = rules
        self.take(case)

    @property
    def whole(self) -> bool:
        """Whether its alerts are remembered, not only where it ends."""
        return bool(self.ordered)

    def take(self, added: Sequence[Member]) -> None:
        """Take alerts that come behind all there are."""
        for member in added:
            place = (member.start, member.id)
            self.ordered.append((*place, member))
            self.ids.append(member.id)
            for key in member.keys:
                self.places[key] = place
            if self.story is not None:
                self.story.add(member)
        self.size += len(added)
        self.newest = self.ordered[-1][:2]
        self.last = max(self.last, *(member.last for member in added))
        self.stage = max(self.stage, *(member.stage for member in added))

    def at(self, member: Member) -> int | None:
        """Where an earlier state of an alert stands; None where it is not remembered."""
        place: tuple[int, str] = (member.start, member.id)
        i = bisect_left(self.ordered, place, key=lambda entry: entry[:2])
        return i if i < len(self.ordered) and self.ordered[i][:2] == place else None

    def grow(self, i: int, after: Member) -> None:
        """Let a later state of an alert stand for it."""
        before = self.ordered[i][2]
        self.ordered[i] = (after.start, after.id, after)
        self.last = max(self.last, after.last)
        if self.story is not None and not self.story.grown(before, after):
            self.story = None

    def group(self) -> Group:
        """The group to go on with. One of which only the ends are kept is full, and takes nothing."""
        ordered = list(self.ordered)
        if not ordered:
            place: tuple[int, str] = (self.first, self.ids[0])
            ordered = [(*place, None)] * self.size  # type: ignore[list-item]
        return Group(ordered, self.last, self.stage)

    def doc(self, kind: str) -> Doc:
        """The case as it is to be stored."""
        if self.story is None:
            self.story = Story(self._rules)
            for _, _, member in self.ordered:
                self.story.add(member)
        case = self.story.case(tuple([member for _, _, member in self.ordered]))
        if self.size < STORIES_FROM:
            self.story = None
        refs = (*self.places, *(f"alert:{name}" for name in self.ids), *(f"unit:{u}" for u in case.units))
        return Doc(kind, self.id, encoded(case), at=case.last, refs=refs)


class Change:
    """What some alerts changed: cases to be stored, and ids of those that are gone."""

    def __init__(self) -> None:
        self.made: dict[str, Stood] = {}
        self.gone: list[str] = []


class Standing:
    """What is remembered of the cases of one store. Forget all of it where a transaction comes to nothing."""

    def __init__(self, rules: CaseSettings, kind: str) -> None:
        self._rules = rules
        self._kind = kind
        self._cases: OrderedDict[str, Stood] = OrderedDict()  # touched longest ago first
        self._case_of: dict[str, str] = {}  # by alert
        self._alerts = self._ends = 0
        self._mutes: list[Mute] = []  # under which they were made

    def forget(self) -> None:
        """Remember nothing any more."""
        self._cases.clear()
        self._case_of.clear()
        self._alerts = self._ends = 0

    def store(self, writing: Writing, cases: Iterable[Stood]) -> list[Stood]:
        """Write cases and remember them as they are stored then."""
        made = list(cases)
        stored = writing.renew(self._kind, [stood.doc(self._kind) for stood in made])
        for stood, doc in zip(made, stored, strict=True):
            self.remember(stood, doc)
        return made

    def remember(self, stood: Stood, doc: Doc) -> None:
        """Remember a case that is stored as `doc`."""
        if self._cases.get(stood.id) is stood:
            self._alerts -= stood.counted
        else:
            self.drop(stood.id)
        stood.head = Head(doc.id, doc.version, doc.at, len(doc.body))
        self._cases[stood.id] = stood
        self._case_of |= dict.fromkeys(stood.ids, stood.id)
        stood.counted = stood.size
        self._alerts += stood.counted
        while self._alerts > MOST and len(self._cases) > 1:
            self._make_room()

    def drop(self, doc_id: str) -> None:
        """Forget a case."""
        stood = self._cases.pop(doc_id, None)
        if stood is not None:
            self._alerts -= stood.counted
            self._ends -= not stood.whole
            for name in stood.ids:
                if self._case_of.get(name) == doc_id:
                    del self._case_of[name]

    def _make_room(self) -> None:
        """Let go of the alerts of the case that was not touched for longest."""
        oldest = next(stood for stood in self._cases.values() if stood.whole)
        if oldest.size < self._rules.max_alerts or self._ends >= MOST_ENDS:
            self.drop(next(iter(self._cases)) if self._ends >= MOST_ENDS else oldest.id)
            return
        self._alerts -= oldest.counted
        self._ends += 1
        oldest.counted, oldest.ordered, oldest.story = 0, [], None

    def add(self, writing: Writing, fresh: Sequence[Member], mutes: Sequence[Mute]) -> Change | None:
        """Add alerts, each once, to what stands; None where the cases are to be made anew for that."""
        if list(mutes) != self._mutes:
            self.forget()
            self._mutes = list(mutes)
        known = self._touched(writing, fresh)
        if known is None:
            return None
        change = Change()
        ours = {stood.id for stood in known}
        old = [member for member in fresh if self._case_of.get(member.id) in ours]
        new = [member for member in fresh if self._case_of.get(member.id) not in ours]
        if mutes:
            if any(mute_of(member, mutes) is not None for member in old):
                return None
            new = [member for member in new if mute_of(member, mutes) is None]
        new.sort(key=lambda member: (member.start, member.id))
        if new and any((new[0].start, new[0].id) <= stood.newest for stood in known):
            return None
        if old and not self._grow(writing, old, change):
            return None
        self._join(known, new, change)
        return change

    def _touched(self, writing: Writing, fresh: Sequence[Member]) -> list[Stood] | None:
        """The stored cases that alerts touch; None where one of them does not stand here as it is stored."""
        refs = {key for member in fresh for key in (*member.keys, f"alert:{member.id}")}
        since = min(member.start for member in fresh) - reach(self._rules)
        heads = writing.heads(self._kind, refs, since=since)
        if heads is None:
            return None
        found = []
        for head in heads:
            stood = self._cases.get(head.id)
            if stood is None or stood.head != head:
                return None
            self._cases.move_to_end(head.id)
            found.append(stood)
        return found

    def _grow(self, writing: Writing, grown: Sequence[Member], change: Change) -> bool:
        """Take later states of alerts; whether that is certain to leave the groups as they are."""
        horizon = max((doc.at for doc in writing.page(self._kind, limit=1)), default=0)
        later: list[tuple[Stood, int, Member]] = []
        for member in grown:
            stood = self._cases[self._case_of[member.id]]
            if (i := stood.at(member)) is None:
                return False
            before = stood.ordered[i][2]
            after = members.newer(before, member)
            if after == before:
                continue
            if (after.keys, after.stage) != (before.keys, before.stage):
                return False
            if after.last > before.last and horizon - before.last > self._rules.window_s * times.SECOND:
                return False
            later.append((stood, i, after))
        for stood, i, after in later:
            stood.grow(i, after)
            change.made[stood.id] = stood
        return True

    def _join(self, known: Sequence[Stood], new: Sequence[Member], change: Change) -> None:
        """Take new alerts, which come behind all that are there."""
        grouping = Grouping(self._rules)
        wanted = {key for member in new for key in member.keys}
        newest: dict[str, tuple[_Place, Stood]] = {}
        for stood in known:
            for key in wanted & stood.places.keys():
                place = stood.places[key]
                if key not in newest or place > newest[key][0]:
                    newest[key] = (place, stood)
        seeds = {stood.id: (stood, stood.group()) for _, stood in newest.values()}
        for key, (_, stood) in newest.items():
            grouping.at_key[key] = seeds[stood.id][1]
        for member in new:
            grouping.add(member)
        merged = {id(whole(group)) for _, group in seeds.values() if group.into is not None}
        for stood, group in seeds.values():
            if group.into is not None:
                change.made.pop(stood.id, None)
                change.gone.append(stood.id)
            elif id(group) in merged:
                change.made[stood.id] = Stood(group.members, self._rules)
            elif len(group.ordered) > stood.size:
                stood.take(group.members[stood.size :])
                change.made[stood.id] = stood
        for group in grouping.standing():
            made = Stood(group.members, self._rules)
            change.made[made.id] = made
