"""What an alert store offers, whichever it is, and how one is opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

from alerts import times
from alerts.query import Query
from alerts.workflow import Step, Versioned, Workflow
from citywall.errors import StoreError
from citywall.servers import ElasticsearchSettings

Document = dict[str, Any]
LANES = ("live", "drill", "test")
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


@dataclass(frozen=True)
class Part:
    """The alerts of one lane and day: a file or an index. `schema` is the layout it was written in."""

    name: str
    lane: str
    day: str
    documents: int
    bytes: int
    schema: int


@dataclass(frozen=True)
class StoreStatus:
    """How a store stands. `schema` is the layout that new parts get; `ready` says whether it was set up."""

    kind: Literal["sqlite", "elasticsearch"]
    place: str
    health: Literal["green", "yellow", "red"]
    version: str
    schema: int
    ready: bool
    parts: tuple[Part, ...]
    workflows: int

    @property
    def outdated(self) -> tuple[Part, ...]:
        """Parts in another layout than the present one."""
        return tuple(p for p in self.parts if p.schema != self.schema)


class AlertStore(Protocol):
    """Keeps ECS alert documents by id. Every method raises StoreError where the store fails.

    StoreUnavailable says that the same call may succeed later; every call may be made again safely.

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

    def workflow(self, alert_id: str) -> Versioned:
        """What people made of an alert; UNCHANGED where nobody has touched it."""
        ...

    def change(self, alert_id: str, step: Step, version: str) -> Versioned:
        """Make a change to what was read as `version`; raises StoreConflict where it is no longer so."""
        ...

    def workflows(self) -> Iterator[tuple[str, Workflow]]:
        """Everything that people made of alerts, by id, in order of id."""
        ...

    def adopt_workflows(self, items: Iterable[tuple[str, Workflow]]) -> list[str]:
        """Take over workflows of another store where they go on from what is here.

        Returns the ids of those left as they are, because somebody changed them here otherwise.
        """
        ...

    def status(self) -> StoreStatus:
        """Health, parts, counts and sizes."""
        ...

    def prepare(self) -> None:
        """Set the store up: whatever the first write would otherwise do."""
        ...

    def migrate(self) -> list[str]:
        """Bring parts in an older layout to the present one while nobody writes; returns their names."""
        ...

    def retain(self, days: int, now: int) -> list[str]:
        """Remove what was received more than `days` days before `now` (ns); returns what went."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def open_store(
    url: str,
    data: Path,
    read_only: bool = False,
    elasticsearch: ElasticsearchSettings | None = None,
) -> AlertStore:
    """The store of `url`: `sqlite://` is the embedded one in the data folder, `http(s)://` Elasticsearch.

    Speaks to nobody yet. Raises StoreError.
    """
    # Imported late: the contract stands above its implementations, and one of them is heavy.
    if url.startswith("sqlite://"):
        from alerts.embedded import EmbeddedStore

        return EmbeddedStore(data / "alerts", read_only=read_only)
    if url.startswith(("http://", "https://")):
        from alerts.elastic.store import ElasticStore

        return ElasticStore(url, elasticsearch or ElasticsearchSettings(), read_only=read_only)
    raise StoreError(
        f"{url!r} is no alert store that Citywall knows: sqlite:// is the embedded one, http:// and https:// "
        "are Elasticsearch"
    )


def day_of_receipt(document: Document) -> tuple[str, str]:
    """Lane and day (`2024-05-01`) of a document; raises StoreError for a lane that is none."""
    lane: str = document["citywall"]["lane"]
    if lane not in LANES:
        raise StoreError(f"alert {document['event']['id']}: {lane!r} is no lane")
    return lane, _day(document["event"]["ingested"])


@lru_cache(maxsize=1024)
def _day(text: str) -> str:
    """The day of a time; alerts of a file were all received at once."""
    return times.day_of(times.from_iso(text))


def lanes_of(lane: str | None) -> tuple[str, ...]:
    """The lanes asked for; raises StoreError for one that is none."""
    if lane is not None and lane not in LANES:
        raise StoreError(f"{lane!r} is no lane; lanes are {', '.join(LANES)}")
    return LANES if lane is None else (lane,)
