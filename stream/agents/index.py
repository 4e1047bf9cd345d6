"""`index`: alerts in, into the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from citywall.sessions import Session
from citywall.state import Parts, bytes_of
from stream import codecs
from stream.codecs import Kind, Opening, Tally
from stream.patience import Patience
from stream.stages import FINISHED, Message, Output

if TYPE_CHECKING:
    from alerts.store import AlertStore

Document = dict[str, Any]
#: Seconds by the wall that documents of files wait for others to be stored with: what a transaction costs is
#: shared among them, and whoever looks on sees them come.
WAIT_S = 1.0
#: Kinds of sessions that are files, where they have a size.
FILES = ("capture", "flowlog")


class IndexStage:
    """Keeps the newest document of each alert in the store; on disk before anything is acknowledged.

    `open_store` is called when something is to be done there: a store that is away holds up nobody who is
    only given partitions. `after` gets documents that the store has taken, at least once each, the newest of
    each alert: cases are made of them. Of files, which end, fewer than `together` wait for others, in
    checkpoints too, but never beyond the end of a session; for the store no longer than `WAIT_S`.
    """

    name = "index"
    inputs: tuple[str, ...] = ("alerts",)
    outputs: tuple[str, ...] = ()

    def __init__(
        self,
        open_store: Callable[[], AlertStore],
        patience: Patience | None = None,
        after: Callable[[list[Document]], object] | None = None,
        together: int = 1,
    ) -> None:
        self._open_store = open_store
        self._after = after
        self._together = together
        self._untold: dict[str, Document] = {}  # stored, and `after` was not given them
        self.patience = patience or Patience()
        self.totals = {"alerts": 0}
        self.fresh: list[Document] = []  # indexed since somebody took them
        self._waiting: dict[str, Document] = {}
        self._since = 0.0  # when the first of them came, by the wall
        self._sessions: dict[str, set[str]] = {}  # ids of each session
        self._files: set[str] = set()  # sessions that are known to end by themselves

    @cached_property
    def _store(self) -> AlertStore:
        return self.patience(self._open_store)

    def receive(self, message: Message) -> Iterable[Output]:
        """Open a session (what an earlier run of it left goes), hold documents, or end it."""
        session = message.header.session
        if message.header.kind is Kind.OPEN:
            opened: Session = codecs.unpack(message.body, Opening).session
            self.patience(self._store.delete_session, session, lane=opened.lane)
            self._sessions[session] = set()
            if opened.kind in FILES and opened.size:
                self._files.add(session)
        elif message.header.kind is Kind.DATA:
            self._since = self._since if self._waiting else time.monotonic()
            for document in codecs.unpack(message.body, list[Document]):
                name = document["event"]["id"]
                self._waiting[name] = document
                if name not in self._sessions[session]:
                    self._sessions[session].add(name)
                    self.totals["alerts"] += 1
        else:
            tally = codecs.unpack(message.body, Tally)
            self._store_waiting()
            self._tell(least=1)
            tally.alerts = len(self._sessions.pop(session))
            self._files.discard(session)
            yield Output(FINISHED, session, Kind.END, codecs.pack(tally))

    def flush(self) -> Iterable[Output]:
        """Write what came, or enough of it, waiting for a store that is away; raises StoreError."""
        least = self._together if self._sessions.keys() <= self._files else 1
        if len(self._waiting) >= least or time.monotonic() - self._since >= WAIT_S:
            self._store_waiting()
        self._tell(least)
        return ()

    def _store_waiting(self) -> None:
        """Write what waits; raises StoreError."""
        if self._waiting:
            documents = list(self._waiting.values())
            self.patience(self._store.upsert, documents)
            if self._after is not None:
                self._untold |= self._waiting
            self._waiting.clear()
            self.fresh += documents

    def _tell(self, least: int) -> None:
        """Give `after` what it was not given yet, where that is enough."""
        if self._after is not None and self._untold and len(self._untold) >= least:
            self.patience(self._after, list(self._untold.values()))
            self._untold.clear()

    def take_fresh(self) -> list[Document]:
        """Documents indexed since the last call."""
        fresh, self.fresh = self.fresh, []
        return fresh

    def snapshot(self) -> Parts:
        """Ids of the sessions under way, what the store was not given, and what `after` was not."""
        ids = {session: sorted(names) for session, names in self._sessions.items()}
        held = {"waiting": list(self._waiting.values()), "untold": list(self._untold.values())}
        return {
            "sessions": codecs.pack(ids), "totals": codecs.pack(self.totals),
            **{name: codecs.pack(documents) for name, documents in held.items()},
        }  # fmt: skip

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        ids = codecs.unpack(bytes_of(parts, "sessions"), dict[str, list[str]])
        self._sessions = {session: set(names) for session, names in ids.items()}
        self.totals = codecs.unpack(bytes_of(parts, "totals"), dict[str, int])
        self._waiting, self._untold = (
            {d["event"]["id"]: d for d in codecs.unpack(bytes_of(parts, name), list[Document])}
            for name in ("waiting", "untold")
        )
