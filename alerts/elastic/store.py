"""The alert store on Elasticsearch; see :mod:`alerts.elastic.templates` for how alerts lie there."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from alerts import times
from alerts.elastic import admin, bulk, cursor
from alerts.elastic.connection import Connection
from alerts.elastic.dsl import Filter, both, compiled, span
from alerts.elastic.templates import SEARCH, Names
from alerts.elastic.walk import Hit, Walk, document_of
from alerts.elastic.workflows import Workflows
from alerts.query import Query
from alerts.store import (
    By,
    Document,
    MinuteCount,
    Page,
    StoreStatus,
    day_of_receipt,
    lanes_of,
)
from alerts.tokens import fold
from alerts.workflow import Step, Versioned, Workflow
from citywall.errors import StoreError
from citywall.servers import ElasticsearchSettings

_PAGE = 500
_BUCKETS = 1000
_COUNTED = {
    "severity": "event.severity",
    "detector": "citywall.detector.name",
    "kind": "event.action",
    "session": "citywall.session",
}
Accepts = Callable[[Document], bool]


class ElasticStore:
    """Alert store at `url`; see :class:`alerts.store.AlertStore` for what each method promises.

    Speaks to nobody until the first call. What this object wrote it finds at once; others find it within
    the server's refresh interval, and at once after `close`.
    """

    def __init__(self, url: str, settings: ElasticsearchSettings, *, read_only: bool = False) -> None:
        self.url = url
        self.read_only = read_only
        self.names = Names(settings.index_prefix)
        self.settings = settings
        self.connection = Connection(url, settings)
        self._work = Workflows(self.connection, self.names, settings)
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        self._known: set[str] = set()  # indices seen to be there
        self._unseen: set[str] = set()  # written to since they were last refreshed
        self._prepared = False

    def upsert(self, documents: Sequence[Document]) -> None:
        """Bulk requests; on return the server has them on disk."""
        self._writable()
        newest: dict[tuple[str, str], Document] = {}  # two requests are under way at once: no order
        for document in documents:
            index = self.names.index(*day_of_receipt(document))
            newest[index, document["event"]["id"]] = document
        for index in sorted({index for index, _ in newest}):
            self._need(index)
        entries = (bulk.Entry(i, name, bulk.body_of(d)) for (i, name), d in newest.items())
        try:
            bulk.send(self.connection, entries, self.settings.bulk_bytes)
        except StoreError:
            self._known.clear()  # somebody may have removed one
            raise
        finally:
            self._written({index for index, _ in newest})

    def get(self, alert_id: str) -> Document | None:
        """Looks into every lane; the newest day wins."""
        body = {"query": {"term": {"event.id": {"value": fold(alert_id)}}}, "size": _PAGE}
        hits = self._search(body, lanes_of(None))["hits"]["hits"]
        if not hits:
            return None
        return document_of(max(hits, key=lambda h: self._day_and_lane(h["_index"])))

    def search(
        self,
        query: Query | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        limit: int = 100,
        after: str | None = None,
        lane: str | None = None,
    ) -> Page:
        """The first page opens a point in time; the cursor carries it on."""
        if limit < 1:
            raise StoreError(f"a page needs at least one document, not {limit}")
        start = None if after is None else cursor.read(after)
        where, accepts = _condition(query, since, until)
        walk = Walk(self.connection, self._point(lane, start), where, start)
        found: list[Hit] = []
        try:
            for hit in walk.hits(min(limit + 1, _PAGE)):
                if accepts is None or accepts(document_of(hit)):
                    found.append(hit)
                if len(found) > limit:
                    last = found[limit - 1]["sort"]
                    return Page(
                        [document_of(h) for h in found[:limit]],
                        cursor.Cursor(walk.pit, last[0], last[1]).written(),
                    )
        except StoreError:
            walk.close()
            raise
        walk.close()
        return Page([document_of(h) for h in found], None)

    def scan(
        self,
        query: Query | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        lane: str | None = None,
    ) -> Iterator[Document]:
        """Everything as of one point in time."""
        where, accepts = _condition(query, since, until)
        walk = Walk(self.connection, self._point(lane), where)
        try:
            for hit in walk.hits(_PAGE):
                document = document_of(hit)
                if accepts is None or accepts(document):
                    yield document
        finally:
            walk.close()

    def count(
        self,
        query: Query | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        lane: str | None = None,
    ) -> int:
        """Counted by the server where its fields can answer the query, else by reading documents."""
        where, accepts = _condition(query, since, until)
        if accepts is not None:
            return sum(1 for _ in self.scan(query, since=since, until=until, lane=lane))
        body = {"query": where.clause, "size": 0, "track_total_hits": True}
        return int(self._search(body, lanes_of(lane))["hits"]["total"]["value"])

    def tally(
        self,
        by: By,
        *,
        since: int | None = None,
        until: int | None = None,
        lane: str | None = None,
    ) -> dict[str, int]:
        """An aggregation."""
        if by not in _COUNTED:
            raise StoreError(f"alerts are not counted by {by!r}")
        counts: Counter[str] = Counter()
        for key, n in self._buckets(both(span(since, until)), {"by": _COUNTED[by]}, lanes_of(lane)):
            counts[str(key["by"])] += n
        return dict(sorted(counts.items(), key=lambda kv: (-kv[1], kv[0])))

    def minutes(self, since: int, until: int, *, lane: str | None = None) -> list[MinuteCount]:
        """An aggregation; `since` is taken down to its minute."""
        # The last minute is the last that begins before `until`.
        bounds = {
            "gte": times.bounded(since) // times.MINUTE,
            "lte": (times.bounded(until) - 1) // times.MINUTE,
        }
        where = Filter({"range": {f"{SEARCH}.minute": bounds}}, exact=True)
        fields = {"minute": f"{SEARCH}.minute", "severity": "event.severity"}
        return [
            MinuteCount(key["minute"] * times.MINUTE, key["severity"], n)
            for key, n in self._buckets(where, fields, lanes_of(lane))
        ]

    def delete_session(self, session: str, *, lane: str | None = None) -> int:
        """Found page by page and deleted by id: not every server deletes by query."""
        self._writable()
        where = Filter({"term": {"citywall.session": {"value": fold(session)}}}, exact=True)
        walk = Walk(self.connection, self._point(lane), where, source=False)
        deleted = 0
        try:
            page: list[bulk.Entry] = []
            for hit in walk.hits(_PAGE):
                page.append(bulk.Entry(hit["_index"], hit["_id"], None))
                if len(page) == _PAGE:
                    deleted += self._delete(page)
                    page = []
            return deleted + self._delete(page)
        finally:
            walk.close()

    def workflow(self, alert_id: str) -> Versioned:
        """From the index beside the days."""
        return self._work.get(alert_id)

    def change(self, alert_id: str, step: Step, version: str) -> Versioned:
        """Written on the condition that the document is still the one that was read."""
        self._writable()
        document = self.get(alert_id)
        if document is None:
            raise StoreError(f"there is no alert {alert_id}")
        lane, day = day_of_receipt(document)
        return self._work.change(alert_id, step, version, Workflow(lane=lane, received=day))

    def workflows(self) -> Iterator[tuple[str, Workflow]]:
        """From the index beside the days."""
        return self._work.everything()

    def adopt_workflows(self, items: Iterable[tuple[str, Workflow]]) -> list[str]:
        """One after another, each on condition."""
        self._writable()
        return self._work.adopt(items)

    def status(self) -> StoreStatus:
        """Asked of the server."""
        self._refresh()
        return admin.status(self.connection, self.names, self._work.count())

    def prepare(self) -> None:
        """Put the templates, and the index of workflows."""
        self._writable()
        admin.install(self.connection, self.names, self.settings)
        self._work.prepare()
        self._prepared = True

    def migrate(self) -> list[str]:
        """Copies every day in an older layout into a new index of the same name."""
        self._writable()
        self.prepare()
        return admin.migrate(self.connection, self.names, self.settings)

    def retain(self, days: int, now: int) -> list[str]:
        """Deletes the indices of days before; returns their names, oldest first."""
        self._writable()
        oldest = times.day_of(now - days * times.DAY)
        admin.put_policy(self.connection, self.names, days)
        days_of = {
            name: admin.parsed(self.names, name) for name in admin.indices(self.connection, self.names)
        }
        gone = sorted((day, name) for name, (_, day) in days_of.items() if day < oldest)
        with self._lock:
            for _, name in gone:
                self.connection.ask("DELETE", f"/{name}", absent=None)
                self._known.discard(name)
                self._unseen.discard(name)
        self._work.forget_before(oldest)
        return [name for _, name in gone]

    def close(self) -> None:
        """Make what was written findable, and let go of the connections."""
        try:
            with contextlib.suppress(StoreError):  # it is on disk; only found a moment later
                self._refresh()
        finally:
            self.connection.close()

    def _point(self, lane: str | None, start: cursor.Cursor | None = None) -> str:
        """The point in time of a cursor, or a new one; lanes that hold nothing yet are left out."""
        lanes = lanes_of(lane)
        if start is not None:
            return start.pit
        self._refresh()
        answer = self.connection.read(
            f"/{self._places(lanes)}/_pit",
            keep_alive=cursor.KEEP,
            ignore_unavailable="true",
            allow_partial_search_results="false",
        )
        return str(answer["id"])

    def _delete(self, page: list[bulk.Entry]) -> int:
        if page:
            bulk.send(self.connection, page, self.settings.bulk_bytes)
            self._written({entry.index for entry in page})
        return len(page)

    def _written(self, indices: set[str]) -> None:
        with self._lock:
            self._unseen |= indices

    def _need(self, index: str) -> None:
        """See that templates and index are there."""
        with self._lock:
            if not self._prepared:
                admin.need_templates(self.connection, self.names, self.settings)
                self._prepared = True
            if index not in self._known:
                admin.need_index(self.connection, index)
                self._known.add(index)

    def _refresh(self) -> None:
        # Who comes while another refreshes waits for that: what it wrote itself may be in it.
        with self._refreshing:
            with self._lock:
                unseen, self._unseen = self._unseen, set()
            if not unseen:
                return
            places = ",".join(sorted(unseen))
            try:
                self.connection.ask("POST", f"/{places}/_refresh", ignore_unavailable="true")
            except StoreError:
                self._written(unseen)
                raise

    def _places(self, lanes: Sequence[str]) -> str:
        return ",".join(self.names.alias(lane) for lane in lanes)

    def _search(self, body: dict[str, Any], lanes: Sequence[str]) -> Any:
        self._refresh()
        return self.connection.read(
            f"/{self._places(lanes)}/_search",
            body,
            ignore_unavailable="true",
            allow_partial_search_results="false",
        )

    def _buckets(
        self, where: Filter, fields: dict[str, str], lanes: Sequence[str]
    ) -> Iterator[tuple[dict[str, Any], int]]:
        """Counts by fields, in their order, a page of buckets at a time: exact however many there are."""
        sources = [{name: {"terms": {"field": field}}} for name, field in fields.items()]
        composite: dict[str, Any] = {"size": _BUCKETS, "sources": sources}
        while True:
            body = {"size": 0, "query": where.clause, "aggs": {"all": {"composite": composite}}}
            found = self._search(body, lanes).get("aggregations", {}).get("all", {"buckets": []})
            for bucket in found["buckets"]:
                yield bucket["key"], int(bucket["doc_count"])
            if "after_key" not in found:
                return
            composite["after"] = found["after_key"]

    def _day_and_lane(self, index: str) -> tuple[str, str]:
        lane, day = admin.parsed(self.names, index)
        return day, lane

    def _writable(self) -> None:
        if self.read_only:
            raise StoreError(f"{self.url}: was opened for reading only")


def _condition(query: Query | None, since: int | None, until: int | None) -> tuple[Filter, Accepts | None]:
    parts = span(since, until)
    accepts = None
    if query is not None:
        where = compiled(query.node)
        parts.insert(0, where)
        if not where.exact:
            accepts = query.matches
    return both(parts), accepts
