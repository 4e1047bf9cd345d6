"""What is due in a run: the runner does these, and tells the engine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wake:
    """Tell that the delay of a token has passed."""

    token: int


@dataclass(frozen=True)
class Vet:
    """Look at a unit: what it would do, and whether it may."""

    key: str


@dataclass(frozen=True)
class Act:
    """Do a unit. `begun`: it was begun before, so look first whether it took effect.

    `cancelled`: the run is over; if it took no effect it must not.
    """

    key: str
    begun: bool = False
    cancelled: bool = False


@dataclass(frozen=True)
class Undo:
    """Take the effect of a unit back."""

    key: str


@dataclass(frozen=True)
class Expire:
    """See that the effect of a unit has ended."""

    key: str


@dataclass(frozen=True)
class Escalate:
    """Tell people that a unit waits."""

    key: str
    level: int


Effect = Wake | Vet | Act | Undo | Expire | Escalate
