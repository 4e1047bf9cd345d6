"""Reading page after page, as of one point in time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from alerts.elastic import cursor
from alerts.elastic.connection import Connection
from alerts.elastic.dsl import Filter
from alerts.elastic.templates import SEARCH
from alerts.store import Document
from citywall.errors import StoreError

Hit = dict[str, Any]
_ORDER = [{f"{SEARCH}.time": "desc"}, {"event.id": "desc"}]


def document_of(hit: Hit) -> Document:
    """The document of a hit, without what was put beside it to be searched by. Takes it from the hit."""
    document: Document = hit["_source"]
    document.pop(SEARCH, None)
    return document


class Walk:
    """Hits of a query, newest first, as of the point in time `pit`; behind `start` where one is given."""

    def __init__(
        self,
        connection: Connection,
        pit: str,
        where: Filter,
        start: cursor.Cursor | None = None,
        *,
        source: bool = True,
    ) -> None:
        self._connection = connection
        self._where = where
        self._source = source
        self._start = start
        self.pit = pit

    def hits(self, size: int) -> Iterator[Hit]:
        """One after another, `size` at a time."""
        after = None if self._start is None else [self._start.time, self._start.id]
        while True:
            body: dict[str, Any] = {
                "size": size,
                "query": self._where.clause,
                "sort": _ORDER,
                "pit": {"id": self.pit, "keep_alive": cursor.KEEP},
                "track_total_hits": False,
                "_source": self._source,
            }
            if after is not None:
                body["search_after"] = after
            answer = self._ask(body)
            self.pit = answer.get("pit_id", self.pit)
            hits = answer["hits"]["hits"]
            yield from hits
            if len(hits) < size:
                return
            # With the server's own tie-break: the same alert may have been received on two days.
            after = hits[-1]["sort"]

    def close(self) -> None:
        """Let the server forget the point in time; it would by itself, later."""
        with contextlib.suppress(StoreError):
            self._connection.ask("DELETE", "/_pit", {"id": self.pit}, absent=None)

    def _ask(self, body: dict[str, Any]) -> Any:
        answer = self._connection.ask("POST", "/_search", body, absent=None)
        if answer is None:
            raise cursor.expired()
        return answer
