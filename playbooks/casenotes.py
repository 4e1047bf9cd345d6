"""Notes of playbooks in the cases of a data folder.

A note is written in the name of whoever asked for the run, with the roles they have by then: who may no
longer work on cases leaves none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alerts.cases.casebook import Casebook
from alerts.cases.work import commented
from alerts.desk import Desk
from alerts.documents import documents_of
from citywall.errors import Refused, StoreError
from citywall.permissions import LOCAL, OURSELVES, Identity
from citywall.settings import Settings
from trust.accounts import Accounts

_VIA = "playbook"


class CaseNotes:
    """The cases that :class:`playbooks.actions.base.Casebook` asks for."""

    def __init__(self, data: Path, settings: Settings, accounts: Accounts, clock: Callable[[], int]) -> None:
        documents = documents_of(data, settings)
        self._book = Casebook(documents, settings.cases)
        self._desk = Desk(documents, accounts.log, accounts.guard, clock)
        self._accounts = accounts

    def note(self, case: str, key: str, text: str, by: str) -> None:
        """Add a note to a case; the same key again changes nothing. Raises StoreError."""
        try:
            who = (
                OURSELVES
                if by == OURSELVES.user
                else self._accounts.get(Identity(_VIA, (LOCAL,), via=_VIA), by).account.identity(_VIA)
            )
            self._book.change(
                self._desk, who, case, lambda work, user, now: commented(work, user, now, text, key),
                what="comment",
            )  # fmt: skip
        except Refused as e:
            raise StoreError(f"the note on case {case} was refused: {e}") from e

    def noted(self, case: str, key: str) -> bool:
        """Whether the note of a key is there, on this case or on one that has become part of it."""
        return any(s.what == "comment" and s.value == key for s in self._book.view(case).timeline)
