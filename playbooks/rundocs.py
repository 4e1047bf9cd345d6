"""Runs as documents, so that any store of documents can hold them: a server's, beside its alerts.

A run is a document of kind `run`, each of its events (an approval is such a one) one of kind `event`,
each playbook that runs are bound to one of kind `book`. An event, the run after it and its
playbooks are one transaction. What runs are looked for by stands in their references.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from alerts.documents import ABSENT, Doc, Documents, Reading, Writing
from citywall.errors import StoreError
from playbooks.cacao import Playbook
from playbooks.engine import wakes
from playbooks.events import Event
from playbooks.library import restored
from playbooks.runs import NEVER, Stored
from playbooks.state import ENGINE, Run

#: References of runs: they go on, something is due in them at some time, effects of theirs stand.
_GOES_ON, _WAKES, _HOLDS = "state:goes-on", "state:wakes", "state:holds"
_PAGE = 200


class _Event(msgspec.Struct, frozen=True):
    """An event of a run, its number and its time (ns)."""

    run: str
    n: int
    time: int
    event: Event


class Transaction:
    """What is read and written in one transaction; see :class:`playbooks.runs.RunWriting`."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing

    @property
    def audited(self) -> int | None:
        """See :class:`playbooks.runs.RunWriting`."""
        return self._writing.audited

    @audited.setter
    def audited(self, n: int) -> None:
        self._writing.audited = n

    def get(self, id_: str) -> Stored | None:
        """See :class:`playbooks.runs.RunWriting`."""
        return _get(self._writing, id_)

    def put(self, run: Run, event: Event, now: int, version: int) -> Stored:
        """See :class:`playbooks.runs.RunWriting`."""
        kept = self._writing.put(
            Doc("run", run.id, msgspec.json.encode(run), at=run.requested, refs=_refs(run)), version
        )
        body = _Event(run.id, kept.version, now, event)
        refs = (f"run:{run.id}", f"event:{type(event).__struct_config__.tag}")
        self._writing.put(
            Doc("event", f"{run.id}.{kept.version:06d}", msgspec.json.encode(body), at=now, refs=refs), ABSENT
        )
        return Stored(run, kept.version)

    def keep_book(self, digest: str, document: dict[str, Any]) -> None:
        """See :class:`playbooks.runs.RunWriting`."""
        if self._writing.get("book", digest) is None:
            self._writing.put(Doc("book", digest, msgspec.json.encode(document)), ABSENT)


class RunDocuments:
    """The runs in `documents`; see :class:`playbooks.runs.Runs`."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._books: dict[str, Playbook] = {}

    @property
    def there(self) -> bool:
        """See :class:`playbooks.runs.Runs`."""
        return self._documents.there

    def get(self, id_: str) -> Stored | None:
        """See :class:`playbooks.runs.Runs`."""
        return _get(self._documents, id_)

    def everything(self, limit: int = -1, *, since: int = 0, until: int = NEVER) -> list[Stored]:
        """See :class:`playbooks.runs.Runs`."""
        found: list[Stored] = []
        place: tuple[int, str] | None = None if until == NEVER else (until, "")
        while docs := self._documents.page("run", limit=_PAGE, after=place):
            for doc in docs:
                if doc.at < since or len(found) == limit:
                    return found
                found.append(_stored(doc))
            place = (docs[-1].at, docs[-1].id)
        return found

    def due(self, now: int) -> list[Stored]:
        """See :class:`playbooks.runs.Runs`."""
        found = self._with(_GOES_ON, _WAKES)
        return [s for s in found if not s.run.over or ((at := wakes(s.run)) is not None and at <= now)]

    def holding(self) -> list[Stored]:
        """See :class:`playbooks.runs.Runs`."""
        return self._with(_HOLDS)

    def journal(self, id_: str) -> list[tuple[int, Event]]:
        """See :class:`playbooks.runs.Runs`."""
        found = [doc.read(_Event) for doc in self._documents.find("event", (f"run:{id_}",))]
        return [(event.time, event.event) for event in sorted(found, key=lambda event: event.n)]

    def books(self, run: Run) -> dict[str, Playbook]:
        """See :class:`playbooks.runs.Runs`."""
        for digest in run.books:
            if digest not in self._books:
                doc = self._documents.get("book", digest)
                if doc is None:
                    raise StoreError(f"the playbook {digest} of run {run.id} is missing")
                self._books[digest] = restored(doc.body)
        return {digest: self._books[digest] for digest in run.books}

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """See :class:`playbooks.runs.Runs`."""
        with self._documents.writing() as writing:
            yield Transaction(writing)

    def _with(self, *refs: str) -> list[Stored]:
        found = [_stored(doc) for doc in self._documents.find("run", refs)]
        return sorted(found, key=lambda stored: (stored.run.requested, stored.run.id))


def _refs(run: Run) -> tuple[str, ...]:
    found = [f"status:{run.status}"]
    found += [f"alert:{run.trigger}"] if run.trigger else []
    found += [f"case:{run.case}"] if run.case else []
    found += [_GOES_ON] if not run.over else []
    found += [_WAKES] if wakes(run) is not None else []
    found += [_HOLDS] if any(unit.held for unit in run.units.values()) else []
    return tuple(found)


def _get(asked: Reading, id_: str) -> Stored | None:
    doc = asked.get("run", id_)
    return None if doc is None else _stored(doc)


def _stored(doc: Doc) -> Stored:
    try:
        made = doc.read(_Made).engine
        if made != ENGINE:
            raise StoreError(
                f"run {doc.id} was made by version {made} of the engine, this one goes on with {ENGINE}"
            )
        return Stored(doc.read(Run), doc.version)
    except msgspec.DecodeError as e:
        raise StoreError(f"run {doc.id} is damaged ({e})") from e


class _Made(msgspec.Struct):
    """What can be read of any version's run."""

    engine: int
