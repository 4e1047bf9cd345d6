"""What a run tells while it goes on, and at its end."""

from __future__ import annotations

from typing import Any

import msgspec


class Progress(msgspec.Struct):
    """A snapshot of a run, about ten times a second. Counts are of the whole run.

    `session` counts from 1, 0 before the first. `stages`: items a second by stage, over the last second.
    `new_alerts`: documents indexed since the last snapshot.
    """

    session: int = 0
    sessions: int = 0
    path: str = ""
    bytes_done: int = 0
    bytes_total: int = 0
    packets: int = 0
    flows: int = 0
    events: int = 0
    findings: int = 0
    alerts: int = 0
    new_alerts: list[dict[str, Any]] = []
    stages: dict[str, float] = {}
    seconds: float = 0.0


class SessionReport(msgspec.Struct):
    """How one input fared. `refused` says why nothing of it was read; `id` is then empty.

    `kind` is "capture" or "flowlog"; `places` are the first few byte offsets or line numbers of each error.
    `same_as` is the path of an earlier input of the run with the same content: what is told is that one's.
    """

    path: str
    id: str = ""
    packets: int = 0
    bytes: int = 0
    flows: int = 0
    events: int = 0
    findings: int = 0
    alerts: int = 0
    errors: dict[str, int] = {}
    notes: dict[str, int] = {}
    refused: str | None = None
    same_as: str | None = None
    kind: str = ""
    places: dict[str, list[int]] = {}


class RunReport(msgspec.Struct):
    """What a run did.

    `seconds`: processor seconds by stage; by the wall clock those of the run under `total`, and under
    `checkpoints` those of all stations' checkpoints together, waiting included.
    """

    packets: int = 0
    bytes: int = 0
    flows: int = 0
    events: int = 0
    findings: int = 0
    alerts: int = 0
    decode_errors: dict[str, int] = {}
    seconds: dict[str, float] = {}
    peak_memory_bytes: int = 0
    sessions: list[SessionReport] = []
    resumed: bool = False

    def add(self, session: SessionReport) -> None:
        """Take an input into the totals, unless it is the same as an earlier one."""
        self.sessions.append(session)
        if session.same_as is not None:
            return
        for name in ("packets", "bytes", "flows", "events", "findings", "alerts"):
            setattr(self, name, getattr(self, name) + getattr(session, name))
        for reason, n in session.errors.items():
            self.decode_errors[reason] = self.decode_errors.get(reason, 0) + n
