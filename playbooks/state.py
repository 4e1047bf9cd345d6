"""A run of a playbook as it is kept: tokens that stand on steps, and units of work.

A step that begins a branch waits, as a token, for the tokens of its branches. A unit is one command; its key
names it for good. Times are ns of wall clock: people and machines are waited for.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from citywall.approvals import Request
from citywall.canonical import digest
from playbooks.actions.base import Plan, Result, Told

#: Of the form and meaning of states and events: what another version wrote is not gone on with.
ENGINE = 1
#: Steps that a run enters at most: a loop without an end is ended.
MAX_VISITS = 2000
#: How often what waits is escalated.
MAX_LEVEL = 3

Status = Literal[
    "running", "completed", "failed", "aborted", "voided", "rolling_back", "rolled_back", "rollback_failed"
]
Stage = Literal[
    "new", "approval", "manual", "ready", "begun", "uncertain", "done", "planned", "failed", "cancelled",
    "undoing", "undone", "expired",
]  # fmt: skip
#: Units that people must do something about.
WAITING = frozenset({"approval", "manual", "uncertain"})
OPEN = frozenset({"new", "approval", "manual", "ready", "begun", "uncertain"})


class Policy(msgspec.Struct, frozen=True):
    """Settings as they were when the run was asked for. Times in ns."""

    approvals: int = 1
    approval_ns: int = 1800 * 10**9
    manual_ns: int = 14400 * 10**9


class Scope(msgspec.Struct):
    """Variables of one playbook of the run; `book` is its place in `Run.books`."""

    book: int
    values: dict[str, str | None] = {}


class Token(msgspec.Struct):
    """Where a branch stands. `joining`: its branches go on; it waits."""

    id: int
    step: str
    scope: int
    parent: int = 0
    visit: int = 0
    stage: Literal["delayed", "acting", "joining"] = "acting"
    at: int = 0  # until when it is delayed (ns), or which command it is at
    failed: bool = False  # a branch of it has


class Unit(msgspec.Struct):
    """One command of one visit to a step."""

    key: str
    token: int
    scope: int
    step: str
    index: int
    stage: Stage
    action: str
    command: Any = None  # with its variables filled in, in plain types
    plan: Plan | None = None
    request: Request | None = None
    result: Result | None = None
    reason: Told | None = None
    order: int = 0  # in which it was done
    changed: int = 0  # ns
    due: int = 0  # when it is escalated, in ns; 0 for never
    level: int = 0
    by: str = ""  # who answered

    @property
    def held(self) -> bool:
        """Whether its effect stands and can be taken back."""
        return self.stage in {"done", "undoing"} and self.result is not None and bool(self.result.undo)


class Visit(msgspec.Struct):
    """That a step was entered and left; the report of a run lists them."""

    step: str
    scope: int
    began: int
    ended: int = 0
    outcome: str = ""


class Run(msgspec.Struct):
    """All that a run is. `books[0]` is the playbook, others are those it calls, by digest."""

    id: str
    playbook: str
    name: str
    requester: str
    requested: int
    live: bool
    lane: str
    books: list[str]
    engine: int = ENGINE
    policy: Policy = Policy()
    trigger: str = ""  # id of an alert
    case: str = ""
    status: Status = "running"
    reason: Told | None = None
    scopes: list[Scope] = []
    tokens: dict[int, Token] = {}
    units: dict[str, Unit] = {}
    visits: list[Visit] = []
    last_token: int = 0
    done: int = 0  # units done so far
    excepted: bool = False  # `workflow_exception` was entered
    ended: int = 0

    @property
    def waiting(self) -> list[Unit]:
        """What people must do something about."""
        live = self.status == "running"
        return [u for u in self.units.values() if u.stage in WAITING and (live or u.stage == "uncertain")]

    @property
    def over(self) -> bool:
        """Whether nothing more happens by itself but expiry."""
        return self.status not in {"running", "rolling_back"}


def asked(run: Run, unit: Unit) -> str:
    """Digest of what an approver sees: playbook, step, the command with its values, and what it will do."""
    seen = [run.id, run.books, unit.key, unit.step, unit.command, msgspec.to_builtins(unit.plan)]
    return digest(seen)
