"""What an alert store offers, whichever it is, and how one is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from alerts.query import Query
from citywall.errors import StoreError

Document = dict[str, Any]
#: Fields that `tally` counts by.
By = Literal["severity", "detector", "kind", "session"]


@dataclass(frozen=True)
class Page:
    """Documents, newest first, and the cursor of the page after; None where there is none."""

    documents: list[Document]
    after: str | None


@dataclass(frozen=True)
class MinuteCount:
    """Alerts detected in one minute of event time, by severity. `minute` is its start in ns."""

    minute: int
    severity: int
    count: int


class AlertStore(Protocol):
    """Keeps ECS alert documents by id. Every method raises StoreError where the store fails.

    `since` and `until` are event times in ns: an alert belongs to a span that any part of it, from
    `@timestamp` to `citywall.dedup.last_seen`, lies in; `until` itself is outside. `lane` None is all.
    """

    def upsert(self, documents: Sequence[Document]) -> None:
        """Keep documents, replacing those of the same ids; on return they are on disk."""
        ...

    def get(self, alert_id: str) -> Document | None:
        """The document of an id."""
        ...

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
        """A page of what a query finds, newest `@timestamp` first; `after` continues an earlier page."""
        ...

    def scan(
        self,
        query: Query | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        lane: str | None = None,
    ) -> Iterator[Document]:
        """Everything a query finds, newest first, a page in memory at a time."""
        ...

    def count(
        self,
        query: Query | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        lane: str | None = None,
    ) -> int:
        """How many alerts a query finds."""
        ...

    def tally(
        self,
        by: By,
        *,
        since: int | None = None,
        until: int | None = None,
        lane: str | None = None,
    ) -> dict[str, int]:
        """Alerts counted by one field, most first."""
        ...

    def minutes(self, since: int, until: int, *, lane: str | None = None) -> list[MinuteCount]:
        """Alerts by minute of `@timestamp` in `[since, until)`; minutes without any are left out."""
        ...

    def delete_session(self, session: str, *, lane: str | None = None) -> int:
        """Remove a session's alerts, before it is run again from the start; returns how many."""
        ...

    def retain(self, days: int, now: int) -> list[str]:
        """Remove what was received more than `days` days before `now` (ns); returns what went."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def open_store(url: str, data: Path, read_only: bool = False) -> AlertStore:
    """The store of `url`: `sqlite://` is the embedded one in the data folder. Raises StoreError."""
    if not url.startswith("sqlite://"):
        raise StoreError(f"{url!r} is no alert store that Citywall knows; the embedded one is sqlite://")
    # Imported late: the contract stands above its implementations.
    from alerts.embedded import EmbeddedStore

    return EmbeddedStore(data / "alerts", read_only=read_only)
