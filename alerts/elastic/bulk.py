"""Writing many documents: requests of bounded size, two under way at once.

One attempt is made. What the server had no room for is told by StoreUnavailable, and the caller's patience
decides; what it will never take is told by a StoreError naming the alert, after all others were sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import msgspec

from alerts import times, tokens
from alerts.dayfile import NEEDED
from alerts.elastic.connection import Connection, cause_of, refusal, temporary
from alerts.elastic.templates import SEARCH
from alerts.store import Document
from alerts.terms import searchable
from citywall.errors import StoreError, StoreUnavailable

#: Requests under way at once: while the server works on one, the next is made.
IN_FLIGHT = 2
#: Refused alerts that an error names.
_NAMED = 3
_BRIEF = "errors,items.*.status,items.*.error,items.*._id"

_encode = msgspec.json.Encoder().encode


class Entry(msgspec.Struct, frozen=True):
    """What is to be done with one id in one index: `body` is the document, None removes it."""

    index: str
    id: str
    body: bytes | None

    def lines(self) -> tuple[bytes, ...]:
        """The lines of the request."""
        target = {"_index": self.index, "_id": self.id}
        if self.body is None:
            return (_encode({"delete": target}),)
        return _encode({"index": target}), self.body


def body_of(document: Document) -> bytes:
    """A document as it is indexed: itself, and beside it what searching needs.

    Raises StoreError naming the alert where something is missing that every alert has.
    """
    own: dict[str, Any] = document["citywall"]
    dedup = own.get("dedup", {})
    present = {
        "time": document.get("@timestamp"),
        "last": dedup.get("last_seen"),
        "severity": document["event"].get("severity"),
        "risk": document["event"].get("risk_score"),
        "count": dedup.get("count"),
        "detector": own.get("detector", {}).get("name"),
        "kind": document["event"].get("action"),
        "entity": own.get("entity"),
        "session": own.get("session"),
    }
    if missing := [name for name in NEEDED if name != "id" and present[name] is None]:
        raise StoreError(f"alert {document['event']['id']} lacks {', '.join(missing)}")
    time = times.from_iso(present["time"])
    search = {
        "time": time,
        "last": times.from_iso(present["last"]),
        "minute": time // times.MINUTE,
        "words": [tokens.line(text) for text in searchable(document)],
    }
    # Spliced behind the document's own fields: copying it to add one would cost more.
    return _encode(document)[:-1] + b',"' + SEARCH.encode() + b'":' + _encode(search) + b"}"


def send(connection: Connection, entries: Iterable[Entry], most_bytes: int) -> None:
    """Do all entries; raises StoreUnavailable or StoreError once everything was tried."""
    refused: list[str] = []
    waiting: list[StoreUnavailable] = []

    def settle(request: Future[list[StoreError]]) -> None:
        try:
            errors = request.result()
        except StoreUnavailable as e:
            errors = [e]
        for error in errors:
            if isinstance(error, StoreUnavailable):
                waiting.append(error)
            else:
                refused.append(str(error))

    pool: ThreadPoolExecutor | None = None
    under_way: deque[Future[list[StoreError]]] = deque()
    try:
        for chunk in _chunks(entries, most_bytes):
            pool = pool or ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="citywall-bulk")
            under_way.append(pool.submit(_request, connection, chunk))
            if len(under_way) > IN_FLIGHT:
                settle(under_way.popleft())
            if waiting:  # the server is away or has no room: more would only be refused too
                break
        while under_way:
            settle(under_way.popleft())
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)
    if waiting:
        raise waiting[0]
    if refused:
        more = f" (and {len(refused) - _NAMED} more)" if len(refused) > _NAMED else ""
        raise StoreError("; ".join(refused[:_NAMED]) + more)


def _chunks(entries: Iterable[Entry], most_bytes: int) -> Iterator[list[Entry]]:
    chunk: list[Entry] = []
    size = 0
    for entry in entries:
        length = len(entry.body or b"") + 120
        if chunk and size + length > most_bytes:
            yield chunk
            chunk, size = [], 0
        chunk.append(entry)
        size += length
    if chunk:
        yield chunk


def _request(connection: Connection, chunk: Sequence[Entry]) -> list[StoreError]:
    body = b"\n".join([line for entry in chunk for line in entry.lines()]) + b"\n"
    answer = connection.ask("POST", "/_bulk", body, lines=True, filter_path=_BRIEF)
    if not answer.get("errors"):
        return []
    errors: list[StoreError] = []
    for entry, item in zip(chunk, answer["items"], strict=True):
        (told,) = item.values()
        status = int(told["status"])
        if status < 300 or (entry.body is None and status == 404):
            continue
        kind, reason = cause_of(told)
        if temporary(status, kind):
            errors.append(refusal(connection.url, status, kind, reason))
        else:
            errors.append(StoreError(f"alert {entry.id} is refused by the store: {kind}: {reason}"))
    return errors
