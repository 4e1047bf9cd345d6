"""What people do with playbooks: ask for a run, approve, answer, abort, roll back.

Each is asked of the guard first.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from citywall import approvals
from citywall.errors import FaultyInput, UnknownAlert, UsageError
from citywall.faults import audited
from citywall.permissions import OURSELVES, Identity, Target
from citywall.playbooksettings import PlaybookSettings
from citywall.settings import Settings
from playbooks import engine, inputs
from playbooks import events as e
from playbooks.actions import registry
from playbooks.actions.base import World
from playbooks.cacao import actions
from playbooks.journal import Journal
from playbooks.library import SHIPPED, Entry, Library
from playbooks.runner import Runner
from playbooks.runs import Runs, Stored, runs_of
from playbooks.state import Policy, Run, Unit
from trust.accounts import Accounts
from trust.audit import entry
from trust.guard import Guard

_MINUTE = 60 * 10**9
MAX_NOTE = 2000
_LONGEST_REASON = 500


@contextmanager
def opened(data: Path, settings: Settings, world: World) -> Iterator[tuple[Accounts, Desk]]:
    """The accounts and the playbooks of a data folder, for writing; notes go to its cases.

    Raises DataFolderBusy.
    """
    from playbooks.casenotes import CaseNotes
    from trust import accounts as room

    with room.opened(data, settings) as accounts:
        if world.cases is None:
            world = replace(world, cases=CaseNotes(data, settings, accounts, time.time_ns))
        yield accounts, Desk(runs_of(data, settings), accounts, library_of(settings), world)


def library_of(settings: Settings) -> Library:
    """The playbooks that ship, and those of the settings' folder."""
    own = settings.playbooks.folder
    return Library([SHIPPED, *([Path(own)] if own else [])])


class Desk:
    """Runs in `file`, allowed by the accounts' guard, recorded in their log. Threads may share it."""

    def __init__(
        self, file: Runs, accounts: Accounts, library: Library, world: World, *,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:  # fmt: skip
        self.file = file
        self.library = library
        self._guard: Guard = accounts.guard
        self._settings: PlaybookSettings = world.settings.playbooks
        self._journal = Journal(file, accounts.log, clock)
        self._clock = clock
        self._world = world
        self._runner = Runner(self._journal, world)

    def request(
        self, by: Identity, name: str, given: Mapping[str, str], *, live: bool = False, alert: str = "",
        case: str = "", lane: str = "live", id_: str = "",
    ) -> Stored:  # fmt: skip
        """Ask for a run, and let it go as far as it can. Dry unless `live`; in the lane of its alert.

        Who asks with an `id_` of their own gets the run of that id, where there is one: it is begun once.
        The service is nobody's second person: what it asks for, one more must approve.
        """
        self._guard.require(by, "playbooks.request", Target("playbook", name))
        entries = self._entries(by, name)
        self._may_run(by, entries)
        first = entries[0]
        if id_ and (known := self.file.get(id_)) is not None:
            return known
        document = self._world.alert(alert) if alert else None
        if alert and document is None:
            raise UnknownAlert(alert)
        found = inputs.gathered(first.playbook, given, document, case)
        event = e.Requested(
            id=id_ or f"run-{uuid.uuid4().hex[:16]}", playbook=first.playbook.id, name=first.short,
            by=by.user, live=live, lane=inputs.lane_of(document, lane),
            books=tuple(book.digest for book in entries),
            policy=_policy(self._settings, by), values=found, trigger=alert, case=case,
        )  # fmt: skip
        stored = self._journal.begin(event, by, entries)
        return self._runner.advance(stored.run.id)

    def resume(self, by: Identity, id_: str) -> Stored:
        """Let a run go on as far as it can: after a crash, when a time has come."""
        self._guard.require(by, "playbooks.request", Target("playbook_run", id_))
        self._need(id_)
        return self._runner.advance(id_)

    def tick(self) -> list[str]:
        """Let every run go on that something is due in; returns their ids."""
        found = [stored.run.id for stored in self.file.due(self._clock())]
        for id_ in found:
            self._runner.advance(id_)
        return found

    def approve(self, by: Identity, id_: str, seen: str, key: str = "") -> Stored:
        """Approve what waits for it, having seen the digest `seen`. A changed playbook ends it."""
        action, target = "playbooks.approve", Target("playbook_run", id_)
        self._guard.require(by, action, target)
        with self._journal.lock:
            stored = self._need(id_)
            unit = self._waiting(by, action, stored.run, key, "approval")
            if changed := self._changed(stored.run):
                self._journal.append(stored, e.Voided(reason=changed), by)
                self._guard.refuse(by, action, target, "object_changed")
            assert unit.request is not None
            if code := approvals.approval_refusal(unit.request, by, seen):
                self._guard.refuse(by, action, target, code)
            self._append(
                stored, e.Approved(key=unit.key, by=by.user, roles=by.roles, digest=seen), by, action
            )
            return self._runner.advance(id_)

    def reject(self, by: Identity, id_: str, reason: str, key: str = "") -> Stored:
        """Say no to what waits for approval: its step fails."""
        action = "playbooks.approve"
        self._guard.require(by, action, Target("playbook_run", id_))
        with self._journal.lock:
            stored = self._need(id_)
            unit = self._waiting(by, action, stored.run, key, "approval")
            self._append(stored, e.Rejected(key=unit.key, by=by.user, reason=_reason(reason)), by, action)
            return self._runner.advance(id_)

    def answer(
        self, by: Identity, id_: str, outcome: str, key: str = "", *, note: str = "",
        outputs: Mapping[str, str] | None = None,
    ) -> Stored:  # fmt: skip
        """Say what became of a step that people do, or of one that nobody else can know of.

        `outcome` is done, failed, or for the latter also again.
        """
        action = "playbooks.request"
        self._guard.require(by, action, Target("playbook_run", id_))
        if outcome not in {"done", "failed", "again"}:
            raise UsageError(f"{outcome!r} is no outcome")
        if len(note) > MAX_NOTE:
            raise UsageError(f"a note has at most {MAX_NOTE} characters")
        with self._journal.lock:
            stored = self._need(id_)
            unit = self._waiting(by, action, stored.run, key, "manual", "uncertain")
            named = inputs.outputs_of(outputs or {}, self.file.books(stored.run), stored.run, unit)
            event = e.Answered(key=unit.key, by=by.user, outcome=outcome, outputs=named, note=note)  # type: ignore[arg-type]  # looked at above
            self._append(stored, event, by, action)
            return self._runner.advance(id_)

    def abort(self, by: Identity, id_: str, reason: str) -> Stored:
        """End a run; what it did stays."""
        return self._end(by, id_, "playbooks.request", e.Aborted(by=by.user, reason=_reason(reason)))

    def rollback(self, by: Identity, id_: str, reason: str) -> Stored:
        """Take back what a run did and can be taken back, last first; a run that goes on is ended."""
        return self._end(by, id_, "playbooks.rollback", e.RollbackAsked(by=by.user, reason=_reason(reason)))

    def _end(self, by: Identity, id_: str, action: str, event: e.Event) -> Stored:
        self._guard.require(by, action, Target("playbook_run", id_))
        with self._journal.lock:
            self._append(self._need(id_), event, by, action)
            return self._runner.advance(id_)

    def _append(self, stored: Stored, event: e.Event, by: Identity, action: str) -> None:
        try:
            self._journal.append(stored, event, by)
        except engine.Impossible as err:
            self._guard.refuse(by, action, Target("playbook_run", stored.run.id), err.code)

    def _need(self, id_: str) -> Stored:
        stored = self.file.get(id_)
        if stored is None:
            raise UsageError(f"there is no run {id_}")
        return stored

    def _entries(self, by: Identity, name: str) -> list[Entry]:
        """A playbook and those that it calls; one with faults is refused, with all of them in the record."""
        try:
            return self.library.with_called(name)
        except FaultyInput as err:
            refused = entry(
                by, "playbooks.request", Target("playbook", name), outcome="refused", reason="malformed",
                detail=audited(err.faults),
            )  # fmt: skip
            self._journal.log.append(refused)
            raise

    def _may_run(self, by: Identity, entries: list[Entry]) -> None:
        target = Target("playbook", entries[0].short)
        for found in entries:
            if found.playbook.revoked:
                self._guard.refuse(by, "playbooks.request", target, "revoked")
            if any(registry.action_of(command) is None for _, _, command in actions(found.playbook)):
                self._guard.refuse(by, "playbooks.request", target, "foreign_command")

    def _waiting(self, by: Identity, action: str, run: Run, key: str, *stages: str) -> Unit:
        """The unit that is meant; refuses where none waits (any more), or several do and none is named."""
        found = [u for u in run.waiting if u.stage in stages and (not key or u.key.startswith(key))]
        if len(found) != 1:
            code = "which_unit" if found else "not_waiting"
            given = [u.request for u in run.units.values() if u.request and u.key.startswith(key)]
            if not found and stages == ("approval",) and any(map(approvals.approved, given)):
                code = "approved_already"
            self._guard.refuse(by, action, Target("playbook_run", run.id), code)
        return found[0]

    def _changed(self, run: Run) -> str:
        """Which playbook of a run is another now, or gone; empty for none."""
        now = {book.digest for book in self.library.entries()}
        books = self.file.books(run)
        return next((books[digest].name for digest in run.books if digest not in now), "")


def _policy(settings: PlaybookSettings, by: Identity) -> Policy:
    needed = settings.approvals + (by == OURSELVES)
    return Policy(needed, settings.approval_minutes * _MINUTE, settings.manual_minutes * _MINUTE)


def _reason(text: str) -> str:
    said = " ".join(text.split())
    if not said or len(said) > _LONGEST_REASON:
        raise UsageError(f"a reason is needed, of at most {_LONGEST_REASON} characters")
    return said
