"""Adds a note to the case that a run belongs to."""

from __future__ import annotations

from playbooks.actions.base import (
    Action,
    Casebook,
    CommandBase,
    Failed,
    Long,
    Plan,
    Result,
    Text,
    Told,
    Unit,
    World,
)


class Command(CommandBase, frozen=True, kw_only=True, tag="x-citywall-note"):
    """`case`: its id; empty for the run's own."""

    text: Text
    case: Long = ""


class Note(Action):
    """A note is known by its key, so it is never there twice."""

    name = "note"
    command = Command

    def plan(self, unit: Unit, world: World) -> Plan:
        """The case and the words."""
        _, case = _place(unit, world)
        return Plan(Told("note", {"case": case}), unit.command.text)

    def seen(self, unit: Unit, world: World) -> Result | None:
        """The case knows."""
        cases, case = _place(unit, world)
        return Result() if cases.noted(case, unit.key) else None

    def act(self, unit: Unit, world: World) -> Result:
        """Add it."""
        cases, case = _place(unit, world)
        cases.note(case, unit.key, unit.command.text, unit.by)
        return Result()


def _place(unit: Unit, world: World) -> tuple[Casebook, str]:
    case = unit.command.case.strip() or unit.case
    if world.cases is None:
        raise Failed("no_cases")
    if not case:
        raise Failed("no_case")
    return world.cases, case
