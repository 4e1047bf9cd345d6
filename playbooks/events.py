"""What happens to a run. The journal is a list of these, and a run is what they come to."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from playbooks.actions.base import Plan, Result, Told
from playbooks.state import Policy


class _Event(Struct, frozen=True, kw_only=True, tag_field="event"):
    pass


class Requested(_Event, frozen=True, tag="requested"):
    """Somebody asked for the run. `books` are the digests of the playbooks it is bound to."""

    id: str
    playbook: str
    name: str
    by: str
    live: bool
    lane: str
    books: tuple[str, ...]
    policy: Policy
    values: dict[str, str]
    trigger: str = ""
    case: str = ""


class Woken(_Event, frozen=True, tag="woken"):
    """The delay of a step has passed."""

    token: int


class Vetted(_Event, frozen=True, tag="vetted"):
    """A unit was looked at before anything is done: its plan, or why it may not be."""

    key: str
    plan: Plan | None = None
    reason: Told | None = None


class Approved(_Event, frozen=True, tag="approved"):
    """Somebody approved a unit, having seen `digest`."""

    key: str
    by: str
    roles: tuple[str, ...]
    digest: str


class Rejected(_Event, frozen=True, tag="rejected"):
    """Somebody said no to a unit."""

    key: str
    by: str
    reason: str


class Begun(_Event, frozen=True, tag="begun"):
    """A unit is about to act."""

    key: str


class Acted(_Event, frozen=True, tag="acted"):
    """A unit acted, was seen to have acted, or did not. `uncertain`: nobody can know."""

    key: str
    outcome: Literal["done", "failed", "uncertain", "cancelled"]
    result: Result | None = None
    reason: Told | None = None


class Answered(_Event, frozen=True, tag="answered"):
    """Somebody said what became of a unit that people do, or that nobody could know of."""

    key: str
    by: str
    outcome: Literal["done", "failed", "again"]
    outputs: dict[str, str] = {}
    note: str = ""


class Escalated(_Event, frozen=True, tag="escalated"):
    """A unit has waited too long, for the `level`-th time."""

    key: str
    level: int


class Expired(_Event, frozen=True, tag="expired"):
    """The effect of a unit has come to its end."""

    key: str


class Aborted(_Event, frozen=True, tag="aborted"):
    """Somebody ended the run."""

    by: str
    reason: str


class Voided(_Event, frozen=True, tag="voided"):
    """A playbook of the run is no longer what was asked for."""

    reason: str


class RollbackAsked(_Event, frozen=True, tag="rollback_asked"):
    """Somebody wants the run's effects taken back."""

    by: str
    reason: str


class UndoBegun(_Event, frozen=True, tag="undo_begun"):
    """The effect of a unit is about to be taken back."""

    key: str


class Undone(_Event, frozen=True, tag="undone"):
    """It was, or could not be."""

    key: str
    reason: Told | None = None


Event = (
    Requested | Woken | Vetted | Approved | Rejected | Begun | Acted | Answered | Escalated | Expired
    | Aborted | Voided | RollbackAsked | UndoBegun | Undone
)  # fmt: skip
