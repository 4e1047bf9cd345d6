"""What the console reads: alerts, what people made of them, flows, the register, how the run fares.

Everything is read while others write: no lock is taken. Each call opens what it needs and may be made from
any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerts.query import ALERTS, FLOWS, Query, parse
from alerts.store import open_store

if TYPE_CHECKING:
    from alerts.cases.casebook import Casebook
    from alerts.duties.office import Office
    from alerts.store import AlertStore, Document, Page
    from alerts.workflow import Versioned
    from citywall.settings import Settings
    from playbooks.runs import Runs
    from posture.records import Register
    from stream.health import Health

#: Files in the data folder that people's work is written to.
_WORKED = ("desk.sqlite", "playbooks.sqlite")


class Stopped(Exception):
    """Nobody waits for this answer any more."""


class Stoppable(Query):
    """A query whose search ends with Stopped once `stop` is set: some are answered by reading documents."""

    def __init__(self, query: Query, stop: threading.Event) -> None:
        super().__init__(query.node)
        object.__setattr__(self, "_stop", stop)

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether an ECS document answers to it."""
        stop: threading.Event = object.__getattribute__(self, "_stop")
        if stop.is_set():
            raise Stopped
        return super().matches(document)


class Sources:
    """Reads the data folder `data` and the store that `settings` name."""

    def __init__(self, data: Path, settings: Settings) -> None:
        self.data = data
        self.settings = settings
        self.store: AlertStore = open_store(
            settings.store, data, read_only=True, elasticsearch=settings.elasticsearch
        )
        self.embedded = settings.store_embedded
        self._register: Register | None = None
        self._classes: dict[str, str] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

    def alerts(
        self,
        query: Query | None,
        *,
        until: int | None = None,
        limit: int,
        after: str | None = None,
        stop: threading.Event | None = None,
    ) -> Page:
        """A page of alerts, newest first, none begun at `until` (ns) or later."""
        if query is not None and stop is not None:
            query = Stoppable(query, stop)
        return self.store.search(query, until=until, limit=limit, after=after)

    def counted(self, query: Query | None) -> int | None:
        """How many alerts a query finds; None where only reading every document could tell."""
        if query is not None and self.embedded:
            from alerts.sqlfilter import compiled

            if not compiled(query.node).exact:
                return None
        if query is None:
            return sum(self.store.tally("severity").values())
        return self.store.count(query)

    def alert(self, alert_id: str) -> Document | None:
        """The document of an id."""
        return self.store.get(alert_id)

    def workflow(self, alert_id: str) -> Versioned:
        """What people made of an alert."""
        return self.store.workflow(alert_id)

    def class_of(self, detector: str) -> str:
        """The GB/T 20986 class of what a detector finds, as its newest alert names it."""
        with self._lock:
            if detector not in self._classes:
                page = self.store.search(parse(f'detector:"{_quoted(detector)}"'), limit=1)
                own = page.documents[0]["citywall"] if page.documents else {}
                self._classes[detector] = str((own.get("gb20986") or {}).get("class") or "other")
            return self._classes[detector]

    def flows(
        self, query: Query | None, *, limit: int, after: str | None = None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A page of archived flows as ECS documents, newest first, and the cursor of the next."""
        from alerts.archive import FlowArchive
        from citywall.domains import Domains
        from console.flowdocument import flow_document

        page = FlowArchive(self.data, read_only=True).query(query, limit=limit, after=after)
        name = Domains(self.settings.domains).name
        return [flow_document(row, name) for row in page.flows], page.after

    def register(self) -> Register | None:
        """The register of the settings; None where none is named. Read once."""
        if not self.settings.register:
            return None
        with self._lock:
            if self._register is None:
                from posture import reading

                self._register = reading.read([Path(self.settings.register)])
            return self._register

    def casebook(self) -> Casebook:
        """The cases."""
        from alerts.cases.casebook import Casebook
        from alerts.documents import documents_of

        return Casebook(documents_of(self.data, self.settings), self.settings.cases)

    def office(self) -> Office:
        """The notices."""
        from alerts.documents import documents_of
        from alerts.duties.office import Office

        return Office(documents_of(self.data, self.settings), self.settings.reporting.sender_code)

    def runs(self) -> Runs:
        """The runs of playbooks."""
        from playbooks.runs import runs_of

        return runs_of(self.data, self.settings)

    def health(self) -> tuple[Health | None, bool]:
        """What is known of the run, and whether its process is gone though it has not ended."""
        from stream import health

        found = health.read(self.data)
        return found, found is not None and found.state == "running" and not health.held(self.data)

    def _worked_there(self) -> list[int]:
        """How often people's work and runs were changed on the server."""
        from alerts.documents import served

        rooms = [served(self.settings.store, self.settings.elasticsearch, room) for room in ("desk", "runs")]
        return [last.n if (last := room.last()) else 0 for room in rooms]

    def pulse(self) -> object:
        """Something that is another whenever alerts may have been written; cheap."""
        folder = self.data / "alerts"
        seen: list[tuple[object, ...]] = []
        paths = [path for name in _WORKED for path in self.data.glob(f"{name}*")]
        if self.embedded:
            paths += [*folder.glob("*/*.sqlite"), *folder.glob("*/*.sqlite-wal"), *folder.glob("*.sqlite")]
        else:
            seen.append((str(self.store.count(None)), *self._worked_there()))
        for path in paths:
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            seen.append((str(path), facts.st_mtime_ns, facts.st_size))
        return tuple(sorted(seen))


def alert_query(text: str) -> Query | None:
    """A query over alerts; None for an empty one. Raises QueryError."""
    return parse(text, ALERTS) if text.strip() else None


def flow_query(text: str) -> Query | None:
    """A query over flows; None for an empty one. Raises QueryError."""
    return parse(text, FLOWS) if text.strip() else None


def about_host(address: str) -> Query:
    """The alerts that a host, network or MAC appears in."""
    return parse(f'ip:"{_quoted(address)}"')


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
