"""Copying what people and rules wrote beside alerts, cases and the like, into another store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Protocol

from alerts.documents import ABSENT, Doc, Documents
from citywall.errors import StoreError

#: Every kind of document, what others refer to first.
KINDS = ("case", "work", "mute", "warning", "notice", "portal")
#: Documents of one transaction: it is one document itself on a server.
BATCH = 100


def copy_documents(source: Documents, target: Documents) -> tuple[int, list[str]]:
    """Copy all documents; returns how many are there now, and names (`kind id`) of others.

    Those are what the target had otherwise, and stay as they are there. Raises StoreError where something
    did not arrive as it was.
    """
    copied, kept = 0, list[str]()
    if not source.there:
        return copied, kept
    for kind in KINDS:
        docs = _all(source, kind)
        while batch := list(islice(docs, BATCH)):
            known = {doc.id: target.get(kind, doc.id) for doc in batch}
            new = [doc for doc in batch if known[doc.id] is None]
            with target.writing() as writing:
                for doc in new:
                    writing.put(doc, ABSENT)
            for doc in batch:
                there = known[doc.id] or target.get(kind, doc.id)
                if there is not None and _same(there, doc):
                    copied += 1
                elif known[doc.id] is not None:
                    kept.append(f"{kind} {doc.id}")
                else:
                    raise StoreError(f"{kind} {doc.id} did not arrive as it was")
    carry_audited(source, target)
    return copied, kept


class Written(Protocol):
    """A store that is written in transactions."""

    def writing(self) -> AbstractContextManager[Any]:
        """One transaction."""
        ...


def carry_audited(source: Written, target: Written) -> None:
    """The audit log's record that the source's last change has is that of the target's, where it had none."""
    with source.writing() as reading:
        audited: int | None = reading.audited
    with target.writing() as writing:
        if writing.audited is None and audited is not None:
            writing.audited = audited


def _all(source: Documents, kind: str) -> Iterator[Doc]:
    after = None
    while page := source.page(kind, after=after):
        yield from page
        after = (page[-1].at, page[-1].id)


def _same(one: Doc, other: Doc) -> bool:
    """Whether both say the same; versions are a store's own."""
    return (one.body, one.at, one.refs) == (other.body, other.at, other.refs)
