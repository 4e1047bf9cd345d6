"""Drafts a notice (通报) to a unit; people issue it."""

from __future__ import annotations

from playbooks.actions.base import (
    Action,
    CommandBase,
    Failed,
    NoticeBoard,
    Plan,
    Result,
    Text,
    Told,
    Unit,
    World,
)


class Command(CommandBase, frozen=True, kw_only=True, tag="x-citywall-notice"):
    """`unit`: the id of the unit (委办局) in the register."""

    unit: Text
    title: Text
    text: Text


class Notice(Action):
    """A draft is known by its key, so it is never there twice."""

    name = "notice"
    command = Command
    outputs = ("notice",)

    def plan(self, unit: Unit, world: World) -> Plan:
        """To whom, and the words."""
        _board(world)
        return Plan(
            Told("notice", {"unit": unit.command.unit, "title": unit.command.title}), unit.command.text
        )

    def seen(self, unit: Unit, world: World) -> Result | None:
        """The notices know."""
        number = _board(world).drafted(unit.key)
        return None if number is None else Result({"notice": number})

    def act(self, unit: Unit, world: World) -> Result:
        """Draft it."""
        command: Command = unit.command
        number = _board(world).draft(
            unit.key, command.unit, command.title, command.text, case=unit.case, by=unit.by
        )  # fmt: skip
        return Result({"notice": number})


def _board(world: World) -> NoticeBoard:
    if world.notices is None:
        raise Failed("no_notices")
    return world.notices
