"""What people make of an alert: status, owner, notes. Kept beside the alert, never inside it.

The stream writes an alert as often as it likes; what people wrote is a document of its own under the same
id, changed only by who has seen its newest version.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from citywall.errors import StoreError

Status = Literal["new", "acknowledged", "in_progress", "resolved", "false_alarm"]
STATUSES: tuple[str, ...] = get_args(Status)
#: The version of what nobody has changed yet.
UNCHANGED = ""
MAX_NOTE = 8192
MAX_NAME = 200
#: Changes that are kept of one alert.
MAX_STEPS = 1000


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change: when (ns of wall clock), by whom, and what became of which."""

    at: int
    by: str
    status: Status | None = None
    owner: str | None = None  # "" takes the owner away
    note: str | None = None


class Workflow(msgspec.Struct, frozen=True):
    """What people made of an alert. `received` is the day of the alert: both are kept equally long."""

    status: Status = "new"
    owner: str = ""
    history: tuple[Step, ...] = ()
    lane: str = "live"
    received: str = ""

    @property
    def notes(self) -> tuple[Step, ...]:
        """The steps that say something, oldest first."""
        return tuple(s for s in self.history if s.note is not None)

    def after(self, step: Step) -> Workflow:
        """This with one step more; raises StoreError where the step is none."""
        if step.status is not None and step.status not in STATUSES:
            raise StoreError(f"{step.status!r} is no status; there are {', '.join(STATUSES)}")
        if step.status is None and step.owner is None and step.note is None:
            raise StoreError("a change must change something: status, owner or note")
        if not step.by.strip() or len(step.by) > MAX_NAME or len(step.owner or "") > MAX_NAME:
            raise StoreError(f"a change names who makes it, and names have at most {MAX_NAME} characters")
        if step.note is not None and not 0 < len(step.note) <= MAX_NOTE:
            raise StoreError(f"a note has at least one and at most {MAX_NOTE} characters")
        if len(self.history) >= MAX_STEPS:
            raise StoreError(f"an alert keeps at most {MAX_STEPS} changes")
        return msgspec.structs.replace(
            self,
            status=self.status if step.status is None else step.status,
            owner=self.owner if step.owner is None else step.owner,
            history=(*self.history, step),
        )


class Versioned(msgspec.Struct, frozen=True):
    """A workflow as it was read, and the version that a change of it must name."""

    workflow: Workflow
    version: str


def newer(one: Workflow, other: Workflow) -> bool:
    """Whether `one` goes on from `other`: it holds all of its history and more."""
    return len(one.history) > len(other.history) and one.history[: len(other.history)] == other.history
