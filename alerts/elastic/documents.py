"""Documents that people and rules write, on the server: one index a room, written in whole transactions.

The server knows no transactions of several documents, so each is one document first: `transaction` holds all
that it changes and its number, and is written on condition that it still is what was read (`if_seq_no`): of
two at once one is refused. Only then are the documents written, under that number as their external version,
so that doing it again changes nothing and what comes late is refused. Who begins the next transaction does
the last one again first, so one that was cut off between the two is finished before anybody builds upon it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import msgspec

from alerts.documents import ABSENT, Doc
from alerts.elastic import admin
from alerts.elastic.connection import Connection, cause_of, refusal
from alerts.elastic.templates import index_settings
from citywall.errors import StoreConflict, StoreError
from citywall.servers import ElasticsearchSettings

#: Counts changes of the mappings below.
LAYOUT = 1
#: The id of the transaction; those of documents have a colon in them.
_LAST = "transaction"
_PAGE = 1000
#: Terms of one question; the server takes 65,536.
_TERMS = 30_000
#: How long the server remembers the number under which a document was removed.
_REMEMBERED = "1h"
_MAPPINGS = {
    "dynamic": "strict",
    "_meta": {"version": LAYOUT},
    "properties": {
        "kind": {"type": "keyword"},
        "id": {"type": "keyword"},
        "version": {"type": "long"},
        "at": {"type": "long"},
        "refs": {"type": "keyword"},
        "body": {"type": "object", "enabled": False},
        "n": {"type": "long"},
        "audited": {"type": "long"},
        "changes": {"type": "object", "enabled": False},
    },
}
Key = tuple[str, str]


class ElasticDocuments:
    """The documents of `room` (`desk`, `runs`); see :class:`alerts.documents.Documents`.

    Speaks to nobody until the first call. Threads may share it: they write one after another.
    """

    def __init__(self, connection: Connection, settings: ElasticsearchSettings, room: str) -> None:
        self.index = f"{settings.index_prefix}-{room}"
        self._connection = connection
        self._settings = settings
        self._lock = threading.Lock()
        self._made = False
        self._done = -1  # number of the last transaction known to be written out

    @property
    def there(self) -> bool:
        """See :class:`alerts.documents.Documents`."""
        return self.last() is not None

    def get(self, kind: str, doc_id: str) -> Doc | None:
        """See :class:`alerts.documents.Reading`; as it is at this moment, not as of the last refresh."""
        answer = self._connection.ask("GET", self._place(_name(kind, doc_id)), absent={"found": False})
        return _doc(answer["_source"]) if answer.get("found") else None

    def versions(self, kind: str, ids: Sequence[str]) -> dict[str, int]:
        """The versions of those documents that are there, as they are at this moment."""
        if not ids:
            return {}
        answer = self._connection.ask(
            "POST", f"/{self.index}/_mget", {"ids": [_name(kind, doc_id) for doc_id in ids]},
            absent={"docs": []}, _source_includes="id,version",
        )  # fmt: skip
        sources = [each["_source"] for each in answer["docs"] if each.get("found")]
        return {source["id"]: source["version"] for source in sources}

    def find(self, kind: str, refs: Collection[str], *, since: int | None = None) -> list[Doc]:
        """See :class:`alerts.documents.Reading`."""
        wanted, found = sorted(set(refs)), dict[str, Doc]()
        for start in range(0, len(wanted), _TERMS):
            where: list[Any] = [{"term": {"kind": kind}}, {"terms": {"refs": wanted[start : start + _TERMS]}}]
            if since is not None:
                where.append({"range": {"at": {"gte": since}}})
            after: list[Any] | None = None
            while hits := self._search(where, [{"id": "asc"}], _PAGE, after):
                found |= {hit["_source"]["id"]: _doc(hit["_source"]) for hit in hits}
                after = hits[-1]["sort"]
        return [found[doc_id] for doc_id in sorted(found)]

    def page(self, kind: str, *, limit: int = 100, after: tuple[int, str] | None = None) -> list[Doc]:
        """See :class:`alerts.documents.Reading`."""
        found: list[Doc] = []
        place: list[Any] | None = None if after is None else list(after)
        newest_first = [{"at": "desc"}, {"id": "desc"}]
        while len(found) < limit and (
            hits := self._search(
                [{"term": {"kind": kind}}], newest_first, min(limit - len(found), _PAGE), place
            )
        ):
            found += [_doc(hit["_source"]) for hit in hits]
            place = hits[-1]["sort"]
        return found

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """One transaction: on the server when it ends, nothing of it where anything is raised."""
        with self._lock:
            self._prepare()
            last = self.last()
            if last is not None and last.n != self._done:
                self._write_out(last)
            transaction = Transaction(self, last)
            yield transaction
            if (after := transaction.after()) is not None:
                self._commit(after, last)
                self._write_out(after)

    def last(self) -> Last | None:
        """The last transaction; None in a store just made."""
        answer = self._connection.ask("GET", self._place(_LAST), absent={"found": False})
        if not answer.get("found"):
            return None
        source = answer["_source"]
        return Last(
            source["n"], source["audited"], source["changes"], answer["_seq_no"], answer["_primary_term"]
        )

    def _prepare(self) -> None:
        if self._made:
            return
        index = {**index_settings(self._settings, None), "gc_deletes": _REMEMBERED}
        admin.need_index(self._connection, self.index, {"settings": {"index": index}, "mappings": _MAPPINGS})
        if (found := admin.version_of(self._connection, self.index)) != LAYOUT:
            raise StoreError(
                f"{self.index}: has layout {found}, this version of Citywall reads and writes {LAYOUT}"
            )
        self._made = True

    def _commit(self, after: Last, before: Last | None) -> None:
        condition: dict[str, Any] = {"op_type": "create"}
        if before is not None:
            condition = {"if_seq_no": before.seq_no, "if_primary_term": before.term}
        body = {"n": after.n, "audited": after.audited, "changes": after.changes}
        try:
            self._connection.ask("PUT", self._place(_LAST), body, **condition)
        except StoreError as e:
            if "version_conflict" in str(e):
                raise StoreConflict(f"{self.index} was changed meanwhile: read it again") from e
            raise

    def _write_out(self, last: Last) -> None:
        """Write what a transaction changes; may be done again. Found by searches when this returns."""
        self._done = -1
        if last.changes:
            lines: list[bytes] = []
            for change in last.changes:
                target = {"_id": change["name"], "version": last.n, "version_type": "external_gte"}
                lines.append(msgspec.json.encode({"index" if "doc" in change else "delete": target}))
                if "doc" in change:
                    lines.append(msgspec.json.encode(change["doc"]))
            body = b"\n".join(lines) + b"\n"
            answer = self._connection.ask(
                "POST", f"/{self.index}/_bulk", body, lines=True, refresh="true",
                filter_path="errors,items.*.status,items.*.error",
            )  # fmt: skip
            for item in answer["items"] if answer.get("errors") else ():
                (told,) = item.values()
                # 409: somebody else was quicker, and what is there is of this transaction or a later one.
                if int(told["status"]) >= 300 and int(told["status"]) not in (404, 409):
                    raise refusal(self._connection.url, int(told["status"]), *cause_of(told))
        self._done = last.n

    def _search(
        self, where: list[Any], sort: list[Any], size: int, after: Sequence[Any] | None
    ) -> list[dict[str, Any]]:
        body: dict[str, Any] = {"size": size, "query": {"bool": {"filter": where}}, "sort": sort}
        if after is not None:
            body["search_after"] = after
        answer = self._connection.read(
            f"/{self.index}/_search", body,
            absent={"hits": {"hits": []}}, allow_partial_search_results="false",
        )  # fmt: skip
        found: list[dict[str, Any]] = answer["hits"]["hits"]
        return found

    def _place(self, name: str) -> str:
        return f"/{self.index}/_doc/{quote(name, safe='')}"


class Last(msgspec.Struct, frozen=True):
    """A transaction on the server. A change has the `name` of a document, and what it becomes."""

    n: int
    audited: int | None
    changes: list[dict[str, Any]]
    seq_no: int = 0
    term: int = 0


class Transaction:
    """What is read and written in one transaction; see :class:`alerts.documents.Writing`."""

    def __init__(self, store: ElasticDocuments, last: Last | None) -> None:
        self._store = store
        self._last = last
        self._audited = None if last is None else last.audited
        self._changed: dict[Key, Doc | None] = {}

    @property
    def audited(self) -> int | None:
        """See :class:`alerts.documents.Writing`."""
        return self._audited

    @audited.setter
    def audited(self, n: int) -> None:
        self._audited = n

    def get(self, kind: str, doc_id: str) -> Doc | None:
        """See :class:`alerts.documents.Reading`."""
        if (kind, doc_id) in self._changed:
            return self._changed[kind, doc_id]
        return self._store.get(kind, doc_id)

    def find(self, kind: str, refs: Collection[str], *, since: int | None = None) -> list[Doc]:
        """See :class:`alerts.documents.Reading`."""
        wanted = set(refs)
        found = {doc.id: doc for doc in self._store.find(kind, refs, since=since)}
        for doc_id, doc in self._ours(kind):
            found.pop(doc_id, None)
            if doc is not None and wanted & set(doc.refs) and (since is None or doc.at >= since):
                found[doc_id] = doc
        return [found[doc_id] for doc_id in sorted(found)]

    def page(self, kind: str, *, limit: int = 100, after: tuple[int, str] | None = None) -> list[Doc]:
        """See :class:`alerts.documents.Reading`."""
        ours = dict(self._ours(kind))
        found = self._store.page(kind, limit=limit + len(ours), after=after)
        found = [doc for doc in found if doc.id not in ours]
        found += [doc for doc in ours.values() if doc and (after is None or (doc.at, doc.id) < after)]
        return sorted(found, key=lambda doc: (doc.at, doc.id), reverse=True)[:limit]

    def put(self, doc: Doc, version: int) -> Doc:
        """See :class:`alerts.documents.Writing`."""
        before = self.get(doc.kind, doc.id)
        if (before.version if before else ABSENT) != version:
            raise StoreConflict(f"{doc.kind} {doc.id} was changed meanwhile: read it again")
        after = msgspec.structs.replace(doc, version=version + 1)
        self._changed[doc.kind, doc.id] = after
        return after

    def heads(self, kind: str, refs: Collection[str], *, since: int) -> None:
        """See :class:`alerts.documents.Writing`: several processes may derive documents here."""

    def renew(self, kind: str, docs: Sequence[Doc]) -> list[Doc]:
        """See :class:`alerts.documents.Writing`."""
        ours = dict(self._ours(kind))
        known = self._store.versions(kind, [doc.id for doc in docs if doc.id not in ours])
        known |= {doc_id: doc.version if doc else ABSENT for doc_id, doc in ours.items()}
        after = [msgspec.structs.replace(doc, version=known.get(doc.id, ABSENT) + 1) for doc in docs]
        self._changed |= {(kind, doc.id): doc for doc in after}
        return after

    def drop(self, kind: str, doc_id: str) -> None:
        """See :class:`alerts.documents.Writing`."""
        if self.get(kind, doc_id) is not None:
            self._changed[kind, doc_id] = None

    def after(self) -> Last | None:
        """This as the next transaction; None where nothing changes."""
        before = Last(0, None, []) if self._last is None else self._last
        if self._last is not None and not self._changed and self._audited == before.audited:
            return None
        changes: list[dict[str, Any]] = []
        for (kind, doc_id), doc in self._changed.items():
            change: dict[str, Any] = {"name": _name(kind, doc_id)}
            if doc is not None:
                change["doc"] = msgspec.structs.asdict(doc) | {"body": msgspec.Raw(doc.body)}
            changes.append(change)
        return Last(before.n + 1, self._audited, changes)

    def _ours(self, kind: str) -> Iterator[tuple[str, Doc | None]]:
        return ((doc_id, doc) for (k, doc_id), doc in self._changed.items() if k == kind)


def _name(kind: str, doc_id: str) -> str:
    return f"{kind}:{doc_id}"


def _doc(source: dict[str, Any]) -> Doc:
    try:
        return msgspec.convert(source | {"body": msgspec.json.encode(source["body"])}, _Read).doc()
    except (KeyError, msgspec.ValidationError) as e:
        raise StoreError(f"{source.get('kind')} {source.get('id')}: is damaged ({e})") from e


class _Read(msgspec.Struct, frozen=True):
    """A document as the server gives it."""

    kind: str
    id: str
    version: int
    at: int
    refs: tuple[str, ...]
    body: bytes

    def doc(self) -> Doc:
        return Doc(self.kind, self.id, self.body, self.version, self.at, self.refs)
