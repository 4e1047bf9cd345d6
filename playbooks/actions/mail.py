"""Sends mail through the server of the settings.

One that was cut off is left to people: no server can be asked what it took.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from playbooks.actions.base import Action, CommandBase, Failed, Plan, Result, Text, Told, Unit, World
from playbooks.sending import address, message_id, send


class Command(CommandBase, frozen=True, kw_only=True, tag="x-citywall-mail"):
    """To whom, about what, and the words."""

    to: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=50)]
    subject: Text
    text: Text


class Mail(Action):
    """One mail to all, with a Message-ID made from the key."""

    name = "mail"
    command = Command
    outputs = ("message_id",)

    def plan(self, unit: Unit, world: World) -> Plan:
        """To whom, and the whole text."""
        settings = world.settings.playbooks.mail
        if not settings.host or not settings.sender:
            raise Failed("no_mail_server")
        to = ", ".join(address(one) for one in unit.command.to)
        subject = " ".join(unit.command.subject.split())
        script = f"To: {to}\nSubject: {subject}\nMessage-ID: {message_id(unit.key, settings.sender)}\n\n"
        return Plan(Told("mail", {"to": to, "subject": subject}), script + unit.command.text)

    def act(self, unit: Unit, world: World) -> Result:
        """Send."""
        command: Command = unit.command
        sent = send(
            world, command.to, command.subject, command.text, key=unit.key, timeout_s=unit.timeout_s
        )  # fmt: skip
        return Result({"message_id": sent})
