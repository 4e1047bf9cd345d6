"""The journal: an event is applied, recorded in the audit log (on disk), and then committed with its run.

If the process ends between the last two, the next opening finds a record whose event is not there, and
says so in another; what was to be done is found due again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from citywall.errors import DataFolderError, InputError, Refused
from citywall.permissions import Identity, Target
from playbooks import engine
from playbooks.cacao import Playbook
from playbooks.events import Event
from playbooks.library import Entry
from playbooks.record import recorded
from playbooks.runs import Runs, RunWriting, Stored
from trust import chain
from trust.audit import AuditLog, entry
from trust.records import SYSTEM, Record

UNDONE = "playbooks.uncommitted"


class Journal:
    """Events of the runs in `file`, recorded in `log`. `clock` gives the wall time in ns."""

    def __init__(self, file: Runs, log: AuditLog, clock: Callable[[], int]) -> None:
        self.file = file
        self.log = log
        self.clock = clock
        self.lock = threading.RLock()
        self._doubtful = False
        self._reconcile()

    def begin(self, event: Event, by: Identity, entries: Sequence[Entry]) -> Stored:
        """The first event of a run, which is bound to playbooks as they are."""
        books = {found.digest: found.playbook for found in entries}
        return self._put(None, event, by, books, entries)

    def append(self, stored: Stored, event: Event, by: Identity | None = None) -> Stored:
        """One event more; raises StoreConflict where the run is not what `stored` is, engine.Impossible."""
        return self._put(stored, event, by, self.file.books(stored.run), ())

    def _put(
        self, stored: Stored | None, event: Event, by: Identity | None, books: dict[str, Playbook],
        entries: Sequence[Entry],
    ) -> Stored:  # fmt: skip
        with self.lock:
            if self._doubtful:
                self._reconcile()
            now = self.clock()
            version = 0 if stored is None else stored.version
            after, _ = engine.step(None if stored is None else stored.run, event, now, books)
            try:
                with self.file.writing() as transaction:
                    for found in entries:
                        transaction.keep_book(found.digest, found.document)
                    result = transaction.put(after, event, now, version)
                    self._record(transaction, event, result, by)
            except Refused:
                raise
            except BaseException:
                self._doubtful = True
                raise
            return result

    def _record(self, transaction: RunWriting, event: Event, result: Stored, by: Identity | None) -> None:
        record = self.log.append(recorded(event, result.run, result.version, by))
        transaction.audited = record.n

    def _reconcile(self) -> None:
        """Say of events that were recorded and not committed that they are not there."""
        with self.lock, self.file.writing() as transaction:
            for record in self._unfinished(transaction.audited):
                told = {
                    "record": record.n,
                    "run": record.detail.get("run"),
                    "event": record.detail.get("event"),
                }
                self.log.append(
                    entry(
                        SYSTEM, UNDONE, Target("record", str(record.n)), outcome="failed", detail=told,
                        reason="Citywall ended before the event was stored: it is not there",
                    )
                )  # fmt: skip
            transaction.audited = self.log.head.n
        self._doubtful = False

    def _unfinished(self, audited: int | None) -> list[Record]:
        """Records of events after `audited`; those that were said to be undone already are left out."""
        if audited is None:  # a file just made
            return []
        try:
            later = list(chain.records_after(chain.files_in(self.log.folder), audited))
        except InputError as e:
            raise DataFolderError(f"the audit log cannot be read: {e}") from e
        told = {record.object for record in later if record.action == UNDONE}
        return [
            record
            for record in later
            if record.action.startswith("playbooks.") and "event" in record.detail
            and record.action != UNDONE and f"record:{record.n}" not in told
        ]  # fmt: skip
