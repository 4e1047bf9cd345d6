"""Where people change documents: asked at the guard, recorded in the audit log, then stored.

A change is one transaction of the document store: it is allowed, checked, written, recorded in the audit log
(on disk), and then committed. If the process ends between the last two, the next opening finds a record whose
change is not there and says so in another, as :mod:`trust.accounts` does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from alerts.documents import ABSENT, Doc, Documents, Writing, documents_of, encoded
from citywall.canonical import digest
from citywall.errors import DataFolderError, InputError, Refused, StoreConflict, StoreError
from citywall.permissions import Identity, Target
from citywall.settings import Settings
from trust import chain
from trust.accounts import Accounts
from trust.accounts import opened as accounts_opened
from trust.audit import AuditLog, entry
from trust.guard import Guard
from trust.records import SYSTEM, Record

UNDONE = "desk.undone"
#: Actions whose records stand for a change of a document of ours.
CHANGES = frozenset({
    "alerts.mute", "cases.work", "cases.close", "warnings.issue",
    "notices.issue", "notices.answer", "notices.close", "portals.accept",
})  # fmt: skip
T = TypeVar("T")


class Unfit(ValueError):
    """What was asked does not fit how things stand. `code` is a key of the catalogue's section `refused`."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class Form(msgspec.Struct, frozen=True):
    """How a kind of document is stored: its struct, when it is put in order by, and what it refers to."""

    kind: str
    type: type[Any]
    at: Callable[[Any], int]
    refs: Callable[[Any], tuple[str, ...]]
    target: Callable[[str, Any], Target]

    def doc(self, doc_id: str, body: Any) -> Doc:
        """The document of a body."""
        return Doc(self.kind, doc_id, encoded(body), at=self.at(body), refs=self.refs(body))


class Kept(msgspec.Struct, Generic[T], frozen=True):
    """A body as it was read or written, and the version that a change of it must name."""

    id: str
    body: T
    version: int


class Desk:
    """Changes documents for people who may. May be used from several threads."""

    def __init__(
        self, documents: Documents, log: AuditLog, guard: Guard, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.documents = documents
        self.guard = guard
        self.clock = clock
        self._log = log
        self._lock = threading.RLock()
        self._doubtful = False  # whether a record may lack its change
        self._reconcile()

    def change(
        self,
        by: Identity,
        action: str,
        form: Form,
        doc_id: str,
        *,
        version: int,
        make: Callable[[Any, Writing, int], Any],
        detail: dict[str, Any] | None = None,
        target: Target | None = None,
    ) -> Kept[Any]:
        """Change (or make, from version ABSENT) the document of an id; returns it as it is then.

        `make(body or None, transaction, now)` gives the new body, or raises Unfit. `target` is what the
        guard is told of where the document does not say. Raises Refused and StoreConflict.
        """
        with self._changing() as writing:
            before = writing.get(form.kind, doc_id)
            body = None if before is None else before.read(form.type)
            aim = target or (Target(form.kind, doc_id) if body is None else form.target(doc_id, body))
            self.guard.require(by, action, aim)
            if (before.version if before else ABSENT) != version:
                self._log.append(entry(by, action, aim, outcome="refused", reason="changed_meanwhile"))
                raise StoreConflict(f"{form.kind} {doc_id} was changed meanwhile: read it again")
            try:
                after = make(body, writing, self.clock())
            except Unfit as e:
                self.guard.refuse(by, action, aim, e.code, **e.values)
            kept = writing.put(form.doc(doc_id, after), version)
            record = self._log.append(
                entry(
                    by, action, target or form.target(doc_id, after), after=digest(after),
                    before="" if body is None else digest(body),
                    detail={"version": kept.version, **(detail or {})},
                )
            )  # fmt: skip
            writing.audited = record.n
            return Kept(doc_id, after, kept.version)

    @contextmanager
    def _changing(self) -> Iterator[Writing]:
        """One transaction; where it may have been recorded and not committed, the next one says so first."""
        with self._lock:
            if self._doubtful:
                self._reconcile()
            try:
                with self.documents.writing() as writing:
                    yield writing
            except (Refused, StoreConflict):
                raise
            except BaseException:
                self._doubtful = True
                raise

    def _reconcile(self) -> None:
        """Say of changes that were recorded and not committed that they are not there."""
        with self._lock, self.documents.writing() as writing:
            for record in self._unfinished(writing.audited):
                told = {"record": record.n, "action": record.action, "object": record.object}
                reason = "Citywall ended before the change was stored: it is not there"
                self._log.append(
                    entry(SYSTEM, UNDONE, Target("record", str(record.n)), outcome="failed", reason=reason,
                          detail=told)
                )  # fmt: skip
            writing.audited = self._log.head.n
        self._doubtful = False

    def _unfinished(self, audited: int | None) -> list[Record]:
        """Records of changes after `audited`; those that were said to be undone already are left out."""
        if audited is None:  # a store just made
            return []
        try:
            later = [
                record
                for record in chain.records_after(chain.files_in(self._log.folder), audited)
                if (record.action in CHANGES and record.outcome == "done") or record.action == UNDONE
            ]
        except InputError as e:
            raise DataFolderError(f"the audit log cannot be read: {e}") from e
        told = {record.object for record in later if record.action == UNDONE}
        return [r for r in later if r.action != UNDONE and f"record:{r.n}" not in told]


@contextmanager
def opened(data: Path, settings: Settings) -> Iterator[tuple[Desk, Accounts]]:
    """The desk of a data folder and its accounts, with the audit log open for writing.

    Raises DataFolderBusy where another process (the service) has the log.
    """
    with accounts_opened(data, settings) as accounts:
        yield Desk(documents_of(data, settings), accounts.log, accounts.guard), accounts


def read(form: Form, doc: Doc) -> Kept[Any]:
    """A document as its body; raises StoreError where it is damaged."""
    try:
        return Kept(doc.id, doc.read(form.type), doc.version)
    except msgspec.DecodeError as e:
        raise StoreError(f"{doc.kind} {doc.id} is damaged ({e})") from e
