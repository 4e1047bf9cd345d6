"""The cases of a data folder: taken from alerts as they come, and joined with what people wrote.

Cases are made anew from all the alerts that could belong together whenever one of them comes or grows, so
that the same alerts give the same cases in whatever order and however often they come.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import msgspec

from alerts.cases import facts, grouping, members
from alerts.cases import work as working
from alerts.cases.facts import Case
from alerts.cases.members import Member
from alerts.cases.mutes import Mute, mute_of
from alerts.cases.mutes import active as active_mutes
from alerts.cases.standing import Standing, Stood
from alerts.cases.work import Work
from alerts.desk import Desk, Form, Kept, read
from alerts.documents import ABSENT, Doc, Documents, Reading, Writing
from citywall.casesettings import CaseSettings
from citywall.errors import StoreConflict, StoreError
from citywall.permissions import LIAISON, Identity, Target

#: Alerts taken in one transaction: in several, cases that many of them touch would be written several times.
BATCH = 2000
#: Groups of new alerts that are seen to together: a case that several of them touch is made anew once.
TOGETHER = 128
_PAGE = 200
#: How often alerts are taken again where another process was quicker.
_TRIES = 10
#: A place in the order of cases: the time (ns) and id of the last one before it.
Place = tuple[int, str]
FORM = Form(
    kind="case", type=Case, at=lambda case: case.last, refs=lambda case: case.refs,
    target=lambda doc_id, case: Target("case", doc_id, case.units[0] if case.units else ""),
)  # fmt: skip


class View(msgspec.Struct, frozen=True):
    """A case as people see it. `joined` are works of cases that have become part of this one."""

    case: Case
    work: Work
    version: int
    work_id: str
    joined: tuple[Work, ...] = ()

    @property
    def resurged(self) -> bool:
        """Whether it was closed and has become worse since."""
        return working.resurged(self.work, self.case)

    @property
    def open(self) -> bool:
        """Whether somebody has to see to it."""
        return self.work.status != "closed" or self.resurged

    @property
    def timeline(self) -> tuple[working.Step, ...]:
        """What people did, of all works that are joined here, oldest first."""
        steps = [step for work in (self.work, *self.joined) for step in work.history]
        return tuple(sorted(steps, key=lambda s: s.at))


class Casebook:
    """The cases in `documents`."""

    def __init__(self, documents: Documents, rules: CaseSettings) -> None:
        self.documents = documents
        self.rules = rules
        self._standing = Standing(rules, FORM.kind)

    def take(self, alerts: Iterable[Mapping[str, Any]]) -> list[str]:
        """Take alerts' documents, new or grown; returns ids of cases that changed, oldest first.

        What was taken before may be taken again. A batch is one transaction.
        """
        changed: dict[str, int] = {}
        rest = iter(alerts)
        while some := list(islice(rest, BATCH)):
            changed |= self._take(_latest(map(members.of, some)))
        return [doc_id for doc_id, _ in sorted(changed.items(), key=lambda kv: (kv[1], kv[0]))]

    def _take(self, fresh: Sequence[Member]) -> dict[str, int]:
        """Take alerts; where other processes may write, too, one that was quicker is no reason to fail."""
        for _ in range(_TRIES):
            with suppress(StoreConflict):
                return self._take_once(fresh)
        return self._take_once(fresh)

    def _take_once(self, fresh: Sequence[Member]) -> dict[str, int]:
        """Take alerts in one transaction; ids of cases that changed, and when they begin."""
        try:
            with self.documents.writing() as writing:
                mutes = active_mutes(writing)
                change = self._standing.add(writing, fresh, mutes)
                if change is None:
                    return self._taken_anew(writing, fresh, mutes)
                for doc_id in sorted(change.gone):
                    writing.drop(FORM.kind, doc_id)
                    self._standing.drop(doc_id)
                return {s.id: s.first for s in self._standing.store(writing, change.made.values())}
        except BaseException:
            self._standing.forget()  # it may tell what is not stored
            raise

    def _taken_anew(self, writing: Writing, fresh: Sequence[Member], mutes: Sequence[Mute]) -> dict[str, int]:
        """Some groups at a time, with what they could belong to: that is little, the batch may not be."""
        parts, changed = grouping.grouped(fresh, self.rules), dict[str, int]()
        for at in range(0, len(parts), TOGETHER):
            some = [member for part in parts[at : at + TOGETHER] for member in part.members]
            changed |= self._taken(writing, some, mutes)
        return changed

    def view(self, name: str) -> View:
        """The case of an id, also where it has become part of another; raises StoreError where there is none.

        The beginning of an id will do where it is the only one that begins so.
        """
        doc = self.documents.get("case", name)
        if doc is None and (old := self.documents.get("work", name)) is not None:
            seed = read(working.FORM, old).body.seed
            doc = next(iter(self.documents.find("case", (f"alert:{seed}",))), None)
        if doc is None:
            found = [v for v in self.views(every=True) if v.case.id.startswith(name)] if name else []
            if len(found) != 1:
                raise StoreError(f"there is no case {name}")
            return found[0]
        return self._joined(read(FORM, doc).body)

    def views(self, *, every: bool = False) -> Iterator[View]:
        """Cases, that with the newest alert first; groups of alerts that are no case only where `every`."""
        works: dict[str, list[Kept[Work]]] = {}
        for doc in self._all("work"):
            kept: Kept[Work] = read(working.FORM, doc)
            works.setdefault(kept.body.seed, []).append(kept)
        for doc in self._all("case"):
            case: Case = read(FORM, doc).body
            if every or case.opened_by:
                yield _viewed(case, [kept for m in case.members for kept in works.get(m.id, ())])

    def page(self, *, limit: int, after: Place | None = None) -> tuple[list[View], Place | None]:
        """Cases among the next `limit` groups of alerts, newest first, and where the page after begins."""
        docs = self.documents.page("case", limit=limit, after=after)
        cases: list[Case] = [read(FORM, doc).body for doc in docs]
        following = (docs[-1].at, docs[-1].id) if len(docs) == limit else None
        return [self._joined(case) for case in cases if case.opened_by], following

    def about(self, keys: Collection[str]) -> list[View]:
        """Cases that refer to any of `keys` (`host:live:default/10.0.0.5`, `alert:…`), oldest first."""
        cases: list[Case] = [read(FORM, doc).body for doc in self.documents.find("case", keys)]
        found = sorted((c for c in cases if c.opened_by), key=lambda c: (c.first, c.id))
        return [self._joined(case) for case in found]

    def change(
        self, desk: Desk, by: Identity, name: str, step: Callable[[Work, str, int], Work],
        *, action: str = "cases.work", version: int | None = None, what: str = "",
    ) -> View:  # fmt: skip
        """Let somebody take a step on a case; `version` is that of the work as they saw it (default: now).

        Raises Refused and StoreConflict.
        """
        view = self.view(name)

        def make(body: Work | None, _: Writing, now: int) -> Work:
            work = body or msgspec.structs.replace(working.fresh(view.case), case=view.work_id)
            return step(working.begun(work, by.user, now), by.user, now)

        desk.change(
            by, action, working.FORM, view.work_id,
            version=view.version if version is None else version, make=make,
            detail={"step": what} if what else None, target=target_for(by, view.case),
        )  # fmt: skip
        return self.view(view.work_id)

    def _joined(self, case: Case) -> View:
        found = self.documents.find("work", [f"alert:{m.id}" for m in case.members])
        return _viewed(case, [read(working.FORM, doc) for doc in found])

    def _all(self, kind: str) -> Iterator[Doc]:
        """Every document of a kind, newest first, a page in memory at a time."""
        after: tuple[int, str] | None = None
        while docs := self.documents.page(kind, limit=_PAGE, after=after):
            yield from docs
            after = (docs[-1].at, docs[-1].id)

    def _taken(self, writing: Writing, fresh: Sequence[Member], mutes: Sequence[Mute]) -> dict[str, int]:
        stored = _component(writing, fresh, self.rules)
        known = _latest([*fresh, *(m for _, case in stored.values() for m in case.members)])
        heard = [member for member in known if mute_of(member, mutes) is None] if mutes else known
        cases = {
            case.id: case
            for group in grouping.grouped(heard, self.rules)
            for case in (facts.told(tuple(group.members), self.rules),)
        }
        for doc_id in sorted(stored.keys() - cases.keys()):
            writing.drop(FORM.kind, doc_id)
            self._standing.drop(doc_id)
        changed: list[Stood] = []
        for case in cases.values():
            stood = Stood(case.members, self.rules)
            before = stored.get(case.id)
            if before is not None and before[1] == case:
                self._standing.remember(stood, before[0])
            else:
                changed.append(stood)
        return {stood.id: stood.first for stood in self._standing.store(writing, changed)}


def _viewed(case: Case, works: Sequence[Kept[Work]]) -> View:
    """A case with what people wrote on it, and on those that have become part of it."""
    if not works:
        return View(case, working.fresh(case), ABSENT, case.id)
    main, *others = sorted(works, key=lambda kept: (kept.body.begun, kept.id))
    return View(case, main.body, main.version, main.id, tuple(kept.body for kept in others))


def _latest(all_: Iterable[Member]) -> list[Member]:
    """The latest state of each alert."""
    known: dict[str, Member] = {}
    for member in all_:
        known[member.id] = members.newer(known[member.id], member) if member.id in known else member
    return list(known.values())


def _component(asked: Reading, fresh: Collection[Member], rules: CaseSettings) -> dict[str, tuple[Doc, Case]]:
    """Every stored case whose alerts could belong with `fresh`, by id."""
    found: dict[str, tuple[Doc, Case]] = {}
    others: dict[str, tuple[Doc, Case]] = {}  # that touch the same hosts, too long before or after
    ids = {m.id for m in fresh}
    waiting = {key for m in fresh for key in (*m.keys, f"alert:{m.id}")}
    keys, held, since = waiting, grouping.Extent.of(fresh), None
    while True:
        if since is None or held.first < since:
            since, waiting = held.first, keys  # what ended before was not told yet
        for doc in asked.find("case", waiting, since=since - grouping.reach(rules)) if waiting else ():
            if doc.id not in found and doc.id not in others:
                others[doc.id] = (doc, read(FORM, doc).body)
        new = {
            case.id: (doc, case)
            for doc, case in others.values()
            if any(m.id in ids for m in case.members) or held.meets(grouping.Extent.of(case.members), rules)
        }
        if not new:
            return found
        found |= new
        for doc_id in new:
            del others[doc_id]
        waiting = {key for _, case in new.values() for m in case.members for key in m.keys} - keys
        keys = keys | waiting
        held = grouping.Extent.of([*fresh, *(m for _, case in found.values() for m in case.members)])


def target_for(identity: Identity, case: Case) -> Target:
    """The case as the guard is told of it: for a liaison, as their unit's if it is that too."""
    unit = case.units[0] if case.units else ""
    if LIAISON in identity.roles and identity.unit in case.units:
        unit = identity.unit
    return Target("case", case.id, unit)


def visible(identity: Identity, case: Case) -> bool:
    """Whether somebody who may read cases may read this one: a liaison sees those of their own unit."""
    return LIAISON not in identity.roles or identity.unit in case.units
