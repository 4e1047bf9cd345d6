"""People change what is made of an alert: asked of the guard, recorded, then stored.

The record is on disk before the change is: an action whose record cannot be written is not done. Where the
change then fails, another record says so. Who is behind the newest version is told, and nothing changes.
"""

from __future__ import annotations

from alerts.store import AlertStore
from alerts.workflow import Status, Step, Versioned
from citywall.canonical import digest
from citywall.errors import StoreConflict, StoreError
from citywall.permissions import Identity, Target
from trust.audit import AuditLog, entry
from trust.guard import Guard

ACTION = "alerts.work"


class Handling:
    """Changes of alerts in `store`, asked of `guard` and recorded in `log`."""

    def __init__(self, store: AlertStore, guard: Guard, log: AuditLog) -> None:
        self._store = store
        self._guard = guard
        self._log = log

    def change(
        self,
        by: Identity,
        alert_id: str,
        version: str,
        at: int,
        *,
        status: Status | None = None,
        owner: str | None = None,
        note: str | None = None,
    ) -> Versioned:
        """Change status, owner (`""`: nobody) or add a note, as of `at` (ns of wall clock).

        `version` is that of the workflow as it was read. Raises Refused, StoreConflict where somebody was
        quicker, and StoreError for a change that is none; each attempt is recorded.
        """
        document = self._store.get(alert_id)
        if document is None:
            raise StoreError(f"there is no alert {alert_id}")
        unit = str((document.get("organization") or {}).get("id") or "")
        target = Target("alert", alert_id, unit)
        self._guard.require(by, ACTION, target)
        before = self._store.workflow(alert_id)
        if before.version != version:
            self._log.append(entry(by, ACTION, target, outcome="refused", reason="changed_meanwhile"))
            raise StoreConflict(f"alert {alert_id} was changed meanwhile: read it again")
        step = Step(at, by.user, status, owner, note)
        after = before.workflow.after(step)
        detail = {
            name: value
            for name, value in (("status", status), ("owner", owner), ("note", note))
            if value is not None
        }
        self._log.append(
            entry(by, ACTION, target, detail=detail, before=digest(before.workflow), after=digest(after))
        )
        try:
            return self._store.change(alert_id, step, version)
        except StoreError as e:
            reason = "changed_meanwhile" if isinstance(e, StoreConflict) else str(e)
            self._log.append(entry(by, ACTION, target, outcome="failed", reason=reason))
            raise
