"""What people do about alerts from the console: work on cases, start, approve and take back playbook runs.

Each act is made in the name of who is at the desk, is asked of the guard and recorded below the console, and
has the accounts open for as long as it takes; where a service runs, it makes them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from citywall.errors import Refused, StoreConflict, UsageError
from citywall.permissions import Identity, Target
from console.service import work

if TYPE_CHECKING:
    from alerts.cases.casebook import View
    from alerts.cases.work import Work
    from alerts.desk import Kept
    from alerts.duties.notices import Notice
    from citywall.settings import Settings
    from console.service.client import Session
    from console.workdesk import Desk
    from playbooks.actions.base import World
    from playbooks.desk import Desk as PlaybookDesk
    from playbooks.runs import Stored
    from trust.accounts import Accounts

T = TypeVar("T")
_WORK, _RUN, _APPROVE, _ROLLBACK = (
    "cases.work", "playbooks.request", "playbooks.approve", "playbooks.rollback",
)  # fmt: skip


class Responding:
    """Acts on the cases and playbooks of a data folder. Raises Refused, StoreConflict, UsageError."""

    def __init__(
        self, desk: Desk, data: Path, settings: Settings, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._desk = desk
        self._data = data
        self._settings = settings
        self._clock = clock

    def step(
        self, seen: View, what: str, step: Callable[[Work, str, int], Work], action: str = _WORK
    ) -> View:
        """Take a step on a case as it was seen; see :meth:`alerts.cases.casebook.Casebook.change`."""
        from alerts.cases.casebook import Casebook
        from alerts.desk import Desk
        from alerts.documents import documents_of

        if (session := self._desk.session) is not None:
            return self._step_there(session, seen, step, action)
        with self._desk.acting(action, Target("case", seen.case.id)) as (accounts, by):
            documents = documents_of(self._data, self._settings)
            desk = Desk(documents, accounts.log, accounts.guard, self._clock)
            book = Casebook(documents, self._settings.cases)
            return book.change(desk, by, seen.work_id, step, action=action, version=seen.version, what=what)

    def _step_there(
        self, session: Session, seen: View, step: Callable[[Work, str, int], Work], action: str
    ) -> View:
        """Have the service take it. What it comes to on the case as it was seen says which step it is."""
        from alerts.cases.casebook import Casebook
        from alerts.desk import Unfit
        from alerts.documents import documents_of

        book = Casebook(documents_of(self._data, self._settings), self._settings.cases)
        by = session.identity.user if session.identity else ""
        if book.view(seen.case.id).version != seen.version:
            raise StoreConflict(f"case {seen.case.id} was changed meanwhile: read it again")
        try:
            taken = step(seen.work, by, self._clock()).history[-1]
        except Unfit as e:
            raise Refused(e.code, by, action, f"case:{seen.case.id}", **e.values) from e
        work.step(session, seen.case.id, taken, action)
        return book.view(seen.case.id)

    def answer_notice(self, seen: Kept[Notice], what: str, text: str, result: str = "") -> None:
        """Take a step on a notice as it was seen: receive, rectify, retest (with a result) or close it."""
        from alerts.desk import Desk
        from alerts.documents import documents_of
        from alerts.duties import notices
        from alerts.duties.office import Office

        steps: dict[str, tuple[str, Callable[[Notice, str, int], Notice]]] = {
            "receive": ("notices.answer", lambda n, by, now: notices.received(n, by, now, text)),
            "rectify": ("notices.answer", lambda n, by, now: notices.rectified(n, by, now, text)),
            "retest": (
                "notices.close",
                lambda n, by, now: notices.retested(n, by, now, text, passed=result == "passed"),
            ),
            "close": ("notices.close", lambda n, by, now: notices.closed(n, by, now, text)),
        }
        action, step = steps[what]
        if (session := self._desk.session) is not None:
            work.notice(session, seen.id, what, text=text, result=result, action=action)
            return
        with self._desk.acting(action, Target("notice", seen.id, seen.body.unit)) as (accounts, by):
            documents = documents_of(self._data, self._settings)
            desk = Desk(documents, accounts.log, accounts.guard, self._clock)
            office = Office(documents, self._settings.reporting.sender_code)
            office.change(desk, by, action, seen, lambda n, now: step(n, by.user, now), what=what)

    def request(self, playbook: str, *, live: bool, alert: str = "", case: str = "") -> Stored:
        """Ask for a run of a playbook."""
        if (session := self._desk.session) is not None:
            return self._there(work.request(session, playbook, live=live, alert=alert, case=case))

        def ask(desk: PlaybookDesk, by: Identity) -> Stored:
            return desk.request(by, playbook, {}, live=live, alert=alert, case=case, lane=self._settings.lane)

        return self._on_runs(_RUN, Target("playbook", playbook), ask)

    def approve(self, run: str, seen: str, key: str) -> Stored:
        """Approve what a run waits for, having seen its digest."""
        if (session := self._desk.session) is not None:
            work.approve(session, run, seen, key)
            return self._there(run)
        return self._on_run(_APPROVE, run, lambda desk, by: desk.approve(by, run, seen, key))

    def reject(self, run: str, reason: str, key: str) -> Stored:
        """Say no to what a run waits for."""
        if (session := self._desk.session) is not None:
            work.reject(session, run, reason, key)
            return self._there(run)
        return self._on_run(_APPROVE, run, lambda desk, by: desk.reject(by, run, reason, key))

    def answer(self, run: str, outcome: str, key: str, note: str, outputs: Mapping[str, str]) -> Stored:
        """Say what became of a step that people do, or of one that was cut off."""
        if (session := self._desk.session) is not None:
            work.answer(session, run, outcome, key, note=note, outputs=outputs)
            return self._there(run)
        return self._on_run(
            _RUN, run, lambda desk, by: desk.answer(by, run, outcome, key, note=note, outputs=outputs)
        )

    def abort(self, run: str, reason: str) -> Stored:
        """End a run."""
        if (session := self._desk.session) is not None:
            work.abort(session, run, reason)
            return self._there(run)
        return self._on_run(_RUN, run, lambda desk, by: desk.abort(by, run, reason))

    def rollback(self, run: str, reason: str) -> Stored:
        """Take back what a run did."""
        if (session := self._desk.session) is not None:
            work.rollback(session, run, reason)
            return self._there(run)
        return self._on_run(_ROLLBACK, run, lambda desk, by: desk.rollback(by, run, reason))

    def _there(self, run: str) -> Stored:
        """A run as the service left it."""
        from playbooks.runs import runs_of

        found = runs_of(self._data, self._settings).get(run)
        if found is None:
            raise UsageError(f"there is no run {run}")
        return found

    def _on_run(self, action: str, run: str, do: Callable[[PlaybookDesk, Identity], T]) -> T:
        return self._on_runs(action, Target("playbook_run", run), do)

    def _on_runs(self, action: str, target: Target, do: Callable[[PlaybookDesk, Identity], T]) -> T:
        from playbooks.desk import Desk, library_of
        from playbooks.runs import runs_of

        with self._desk.acting(action, target) as (accounts, by):
            world = self._world(accounts)
            desk = Desk(
                runs_of(self._data, self._settings),
                accounts,
                library_of(self._settings),
                world,
                clock=self._clock,
            )
            return do(desk, by)

    def _world(self, accounts: Accounts) -> World:
        from console.commands.playbooks import world_of
        from playbooks.casenotes import CaseNotes

        notes = CaseNotes(self._data, self._settings, accounts, self._clock)
        return replace(world_of(self._data, self._settings), cases=notes)
