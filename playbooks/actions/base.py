"""What an action is: a command's type, and how it is looked at, done, recognised and undone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

from msgspec import Meta, Struct

from citywall.settings import Settings

Text = Annotated[str, Meta(min_length=1, max_length=16384)]
Long = Annotated[str, Meta(max_length=16384)]


class CommandBase(Struct, frozen=True, kw_only=True, tag_field="type"):
    """CACAO v2.0, 5.1: what all commands have."""

    description: Long = ""
    version: Long = ""
    playbook_activity: Long = ""
    external_references: tuple[dict[str, Any], ...] = ()


class Failed(Exception):
    """An action that did not take effect: a key of the catalogue's `playbook_failed`, and what fills it in.

    `refused`: it was not tried, since the rules forbid it.
    """

    def __init__(self, key: str, *, refused: bool = False, **values: str) -> None:
        super().__init__(key)
        self.key = key
        self.values = values
        self.refused = refused

    @property
    def told(self) -> Told:
        """Why, for the journal."""
        return Told(self.key, self.values, self.refused)


class Unsure(Exception):
    """Whether an action took effect cannot be known: people must look."""


class Told(Struct, frozen=True):
    """A text of the catalogue: what is done, or why it was not. `refused`: the rules forbid it."""

    key: str
    values: dict[str, str] = {}
    refused: bool = False


class Plan(Struct, frozen=True):
    """What an action will do, for those who approve it; `script` says it in the target's own language."""

    does: Told
    script: str = ""


class Result(Struct, frozen=True):
    """What an action did. `outputs` by the names that `out_args` may ask for, without the underscores.

    `until` (ns): when its effect ends by itself; 0 for never. `undo`: what undoing it needs to know.
    """

    outputs: dict[str, str] = {}
    until: int = 0
    undo: dict[str, str] = {}


@dataclass(frozen=True)
class Unit:
    """One command to be done: `key` names it for good, so that who receives it twice can tell.

    `targets` and `agent` are definitions of the playbook in plain types. `now` in ns; `timeout_s` 0 for none.
    """

    key: str
    run: str
    step: str
    now: int
    command: Any = None
    agent: dict[str, Any] = field(default_factory=dict)
    targets: tuple[dict[str, Any], ...] = ()
    timeout_s: float = 0.0
    lane: str = "live"
    by: str = ""
    case: str = ""
    trigger: str = ""


class Casebook(Protocol):
    """What playbooks need of cases: notes that are found again by their key."""

    def note(self, case: str, key: str, text: str, by: str) -> None:
        """Add a note to a case; the same key again changes nothing. Raises StoreError."""
        ...

    def noted(self, case: str, key: str) -> bool:
        """Whether the note of a key is there."""
        ...


class NoticeBoard(Protocol):
    """What playbooks need of notices (通报): drafts that are found again by their key."""

    def draft(self, key: str, unit: str, title: str, text: str, *, case: str, by: str) -> str:
        """Draft a notice to a unit; returns its number. The same key again returns the same."""
        ...

    def drafted(self, key: str) -> str | None:
        """The number of the notice of a key."""
        ...


@dataclass(frozen=True)
class World:
    """What actions may use."""

    data: Path
    settings: Settings
    cases: Casebook | None = None
    notices: NoticeBoard | None = None
    alert: Callable[[str], dict[str, Any] | None] = lambda _: None  # an alert's document, by id


class Action(ABC):
    """One kind of action. `command` is the type of its commands.

    `containment`: it stops traffic or people, so that others must approve and a dry run is the default.
    `waits`: people do it. `repeatable`: done twice it does no harm, since receivers fold it by its key;
    others, where :meth:`seen` cannot tell, are left to people after a crash. `outputs`: what it gives.
    """

    name: ClassVar[str]
    command: ClassVar[type[CommandBase]]
    containment: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    repeatable: ClassVar[bool] = False
    outputs: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def plan(self, unit: Unit, world: World) -> Plan:
        """What will be done; raises Failed where it may not or cannot be."""

    @abstractmethod
    def act(self, unit: Unit, world: World) -> Result:
        """Do it, once; raises Failed where it did not take effect, Unsure where nobody can know."""

    def seen(self, unit: Unit, world: World) -> Result | None:
        """What it did, where it took effect already; None where it did not. Raises Unsure, Failed."""
        raise Unsure

    def undo(self, unit: Unit, result: Result, world: World) -> None:
        """Take its effect back; what is gone already is no failure. Raises Failed."""
        raise Failed("not_reversible")
