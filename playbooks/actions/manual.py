"""A step that people do (CACAO v2.0, 5.7): its command is what is asked of them."""

from __future__ import annotations

import base64
import binascii

from playbooks.actions.base import Action, CommandBase, Failed, Long, Plan, Result, Told, Unit, World


class Command(CommandBase, frozen=True, kw_only=True, tag="manual"):
    """`command`, or `command_b64`: what is to be done, in words."""

    command: Long = ""
    command_b64: Long = ""


class Manual(Action):
    """Waits until somebody says that it is done, or that it cannot be."""

    name = "manual"
    command = Command
    waits = True

    def plan(self, unit: Unit, world: World) -> Plan:
        """The words."""
        return Plan(Told("manual", {"text": _words(unit.command)}))

    def act(self, unit: Unit, world: World) -> Result:
        """People act."""
        raise Failed("manual")


def _words(command: Command) -> str:
    if command.command:
        return command.command
    try:
        return base64.b64decode(command.command_b64, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as e:
        raise Failed("not_base64") from e
