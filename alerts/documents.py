"""Documents that people and rules write beside alerts: cases, mutes, warnings, notices.

One small contract, so that any store that keeps versions can hold them: a document has a kind, an id, a
version and a JSON body; it is found again by id, by what it refers to, and by time. A change names the
version it was made from. :mod:`alerts.docfile` is the embedded one, :mod:`alerts.elastic.documents` that
on a server; `documents_of` gives the one that belongs to the store of the alerts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import msgspec

from citywall.servers import ElasticsearchSettings
from citywall.settings import Settings

if TYPE_CHECKING:
    from alerts.elastic.documents import ElasticDocuments

T = TypeVar("T")
#: The version of what is not there yet.
ABSENT = 0


class Doc(msgspec.Struct, frozen=True):
    """A document as it is stored.

    `refs` are what it can be found by besides its id (`host:…`, `alert:…`, `unit:…`); `at` is the time (ns)
    it is put in order by; `version` counts its changes from 1.
    """

    kind: str
    id: str
    body: bytes
    version: int = ABSENT
    at: int = 0
    refs: tuple[str, ...] = ()

    def read(self, type_: type[T]) -> T:
        """The body as a struct; raises msgspec.DecodeError, which stores tell as damage."""
        return msgspec.json.decode(self.body, type=type_)


class Head(msgspec.Struct, frozen=True):
    """What tells a document of a kind from what it was before; `size` is that of its body."""

    id: str
    version: int
    at: int
    size: int


class Reading(Protocol):
    """What can be asked. Every method raises StoreError where the store fails."""

    def get(self, kind: str, doc_id: str) -> Doc | None:
        """The document of an id."""
        ...

    def find(self, kind: str, refs: Collection[str], *, since: int | None = None) -> list[Doc]:
        """Documents that refer to any of `refs` and whose `at` is not before `since`, each once, by id."""
        ...

    def page(self, kind: str, *, limit: int = 100, after: tuple[int, str] | None = None) -> list[Doc]:
        """The newest documents by (`at`, id), newest first; `after` is that of an earlier page's last."""
        ...


class Writing(Reading, Protocol):
    """One transaction: what it reads is not changed by others before it ends."""

    def put(self, doc: Doc, version: int) -> Doc:
        """Write what was read as `version` (ABSENT: not there); raises StoreConflict where that is past."""
        ...

    def heads(self, kind: str, refs: Collection[str], *, since: int) -> list[Head] | None:
        """As `find`, of documents that one process alone derives; None where that is not so in this store."""
        ...

    def renew(self, kind: str, docs: Sequence[Doc]) -> list[Doc]:
        """Write documents of a kind over whatever version is there: for what is derived, and by one only.

        Returns them as they are then.
        """
        ...

    def drop(self, kind: str, doc_id: str) -> None:
        """Remove a document, if it is there."""
        ...

    @property
    def audited(self) -> int | None:
        """Number of the audit log's last record of a change in this store; None in a store just made."""
        ...

    @audited.setter
    def audited(self, n: int) -> None: ...


class Documents(Reading, Protocol):
    """A store of documents."""

    @property
    def there(self) -> bool:
        """Whether anything was ever written."""
        ...

    def writing(self) -> AbstractContextManager[Writing]:
        """A transaction: on disk when it ends, undone where anything is raised."""
        ...


def encoded(body: Any) -> bytes:
    """A struct as the bytes of a body; the same for the same struct."""
    return msgspec.json.encode(body, order="deterministic")


#: What is kept apart, each with transactions of its own: cases and duties, runs of playbooks.
Room = Literal["desk", "runs"]


def documents_of(data: Path, settings: Settings) -> Documents:
    """Where cases, mutes, warnings and notices are: beside the alerts. Raises StoreError."""
    # Imported late: the contract stands above its implementations, and one of them is heavy.
    if settings.store_embedded:
        from alerts.docfile import DocFile

        return DocFile(data)
    return served(settings.store, settings.elasticsearch, "desk")


@lru_cache(maxsize=8)
def served(url: str, settings: ElasticsearchSettings, room: Room) -> ElasticDocuments:
    """The documents of a room at a server: one object a process, so that its threads wait for each other."""
    from alerts.elastic.connection import Connection
    from alerts.elastic.documents import ElasticDocuments

    return ElasticDocuments(Connection(url, settings), settings, room)
