"""An alert changed in the service, by its own command, for who has a session there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from alerts.handling import ACTION
from alerts.workflow import Versioned
from citywall.errors import Refused, StoreConflict, StoreError

if TYPE_CHECKING:
    from console.service.client import Session


def change(
    session: Session, alert_id: str, version: str, *, status: str | None, owner: str | None, note: str | None
) -> Versioned:
    """As :meth:`alerts.handling.Handling.change`; raises the same, and StreamError."""
    assert session.identity is not None
    user = session.identity.user
    given = [("--status", status), ("--owner", "-" if owner == "" else owner), ("--note", note)]
    argv = [f"{name}={value}" for name, value in given if value is not None]
    code, said, complaint = session.run(
        "alerts", "work", alert_id, "--as", user, "--version", version, *argv, "--json"
    )
    if code == 0:
        return msgspec.json.decode(said, type=Versioned)
    error = _error(complaint)
    match error.get("type"):
        case "StoreConflict":
            raise StoreConflict(error["message"])
        case "Refused":
            raise Refused(error.get("code", "role"), user, ACTION, f"alert:{alert_id}")
        case "UsageError":  # a password was asked for: the session is over
            raise Refused("no_longer", user, ACTION, f"alert:{alert_id}")
        case _:
            raise StoreError(error.get("message") or complaint.strip())


def _error(complaint: str) -> dict[str, Any]:
    """The object among what a command complains of."""
    for line in reversed(complaint.splitlines()):
        if line.startswith("{"):
            found = json.loads(line)["error"]
            assert isinstance(found, dict)
            return found
    return {}
