"""Triggers: playbooks that the service begins by itself, for alerts that the store has acknowledged.

`<data>/triggers.sqlite` has a row for each alert and playbook that belong together, written when the store
has the alert and before the stream commits what it came from. A run's id is made of both, so that after a
crash it is not begun twice.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alerts.query import parse
from citywall.errors import CitywallError, QueryError, SettingsError, StoreUnavailable, UnknownAlert
from citywall.permissions import OURSELVES
from citywall.settings import Settings
from citywall.sqlitefile import SqliteFile
from playbooks.desk import Desk, library_of

log = logging.getLogger(__name__)

NAME = "triggers.sqlite"
SCHEMA = 1
_TABLES = (
    """CREATE TABLE triggers (alert TEXT NOT NULL, playbook TEXT NOT NULL, state TEXT NOT NULL,
    reason TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (alert, playbook)) WITHOUT ROWID""",
    "CREATE INDEX by_state ON triggers (state, at)",
)
#: Runs begun at a time: an outburst of alerts must not hold up those that wait for somebody.
_AT_ONCE = 20
#: How long (ns) an alert that the store acknowledged is waited for to be found there.
_FOUND_NS = 60_000_000_000
#: Pairs that are known without a look into the file.
_KNOWN = 10_000
Document = Mapping[str, Any]


class Triggers:
    """Which alerts begin which playbooks. Raises SettingsError for a rule that cannot be used."""

    def __init__(
        self, data: Path, settings: Settings, *, case_of: Callable[[str], str] = lambda _: ""
    ) -> None:
        self._file = SqliteFile(data / NAME, SCHEMA, _TABLES)
        self._live = settings.service.triggers_live
        self._lane = settings.lane
        self._case_of = case_of
        self._known: dict[tuple[str, str], None] = {}
        library = library_of(settings)
        self._rules = []
        for name, query in settings.service.triggers.items():
            key = f"service.triggers.{name}"
            try:
                library.get(name)
                self._rules.append((name, parse(query)))
            except QueryError as e:
                raise SettingsError("settings", key, str(e)) from e
            except CitywallError as e:
                raise SettingsError("settings", key, f"there is no such playbook: {e}") from e

    def acknowledged(self, documents: Sequence[Document]) -> None:
        """The store has these alerts: note which playbooks they begin; on disk when this returns."""
        new = [
            pair
            for document in documents
            if document.get("citywall", {}).get("lane") == self._lane
            for name, query in self._rules
            if (pair := (document["event"]["id"], name)) not in self._known and query.matches(document)
        ]
        if not new:
            return
        with self._file.writing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO triggers (alert, playbook, state, reason, at)"
                " VALUES (?, ?, 'waiting', '', ?)",
                [(alert, playbook, time.time_ns()) for alert, playbook in new],
            )
        self._known |= dict.fromkeys(new)
        while len(self._known) > _KNOWN:
            del self._known[next(iter(self._known))]

    def begin(self, desk: Desk) -> list[str]:
        """Ask for the runs that wait; returns their ids. One that cannot be begun is noted with why."""
        found = []
        for alert, playbook, since in self._waiting(_AT_ONCE):
            id_ = run_id(alert, playbook)
            try:
                desk.request(
                    OURSELVES, playbook, {}, live=self._live, alert=alert, case=self._case_of(alert),
                    lane=self._lane, id_=id_,
                )  # fmt: skip
            except StoreUnavailable:
                raise  # it waits
            except CitywallError as e:
                if isinstance(e, UnknownAlert) and time.time_ns() - since < _FOUND_NS:
                    continue
                log.warning("playbook %s is not begun for alert %s: %s", playbook, alert, e)
                self._note(alert, playbook, "failed", str(e))
            else:
                self._note(alert, playbook, "begun", id_)
                found.append(id_)
        return found

    def waiting(self) -> list[tuple[str, str]]:
        """Alerts and playbooks that wait to be begun, oldest first."""
        return [(alert, playbook) for alert, playbook, _ in self._waiting(-1)]

    def _waiting(self, most: int) -> list[tuple[str, str, int]]:
        with self._file.reading() as connection:
            if connection is None:
                return []
            return list(
                connection.execute(
                    "SELECT alert, playbook, at FROM triggers WHERE state = 'waiting'"
                    " ORDER BY at, alert, playbook LIMIT ?",
                    (most,),
                )
            )

    def _note(self, alert: str, playbook: str, state: str, reason: str) -> None:
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE triggers SET state = ?, reason = ? WHERE alert = ? AND playbook = ?",
                (state, reason, alert, playbook),
            )


def run_id(alert: str, playbook: str) -> str:
    """The id of the run of a playbook for an alert."""
    return "run-" + hashlib.blake2b(f"{alert}\0{playbook}".encode(), digest_size=8).hexdigest()
