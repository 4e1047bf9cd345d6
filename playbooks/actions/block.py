"""Blocks an address or prefix with nftables on this machine, for a time; the kernel ends it."""

from __future__ import annotations

import errno
import ipaddress
from typing import NoReturn

from playbooks.actions.base import Action, CommandBase, Failed, Long, Plan, Result, Text, Told, Unit, World
from playbooks.nftables import table

#: What is never blocked, whatever the settings say: without it a machine, or a link, no longer works.
ALWAYS = (
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32",
    "::/127", "fe80::/10", "ff00::/8",
)  # fmt: skip
_WIDEST = {4: 16, 6: 32}
_SECOND = 1_000_000_000


class Command(CommandBase, frozen=True, kw_only=True, tag="x-citywall-block"):
    """`address`: address or prefix. `minutes`: how long, at most as the settings allow; empty for as long."""

    address: Text
    minutes: Long = ""


class Block(Action):
    """Drops what comes from the prefix or goes to it, at this machine."""

    name = "block"
    command = Command
    containment = True
    outputs = ("blocked", "blocked_until")

    def plan(self, unit: Unit, world: World) -> Plan:
        """Which prefix for how long. Refuses what is protected."""
        network, seconds = _network(unit.command), _seconds(unit.command, world)
        for prefix in (*ALWAYS, *world.settings.playbooks.protected):
            other = ipaddress.ip_network(prefix)
            if other.version == network.version and other.overlaps(network):
                raise Failed("protected", refused=True, prefix=str(network), protected=prefix)
        if network.prefixlen < _WIDEST[network.version]:
            raise Failed("too_wide", refused=True, prefix=str(network), least=f"/{_WIDEST[network.version]}")
        does = Told("block", {"prefix": str(network), "minutes": str(seconds // 60)})
        return Plan(does, table.script(network, seconds))

    def seen(self, unit: Unit, world: World) -> Result | None:
        """The kernel knows."""
        network = _network(unit.command)
        try:
            left = table.remaining_ms(network)
        except OSError as e:
            _told(e)
        return None if left is None else _result(network, unit.now + left * 1_000_000)

    def act(self, unit: Unit, world: World) -> Result:
        """Block. What another run blocks for longer stays so."""
        network, seconds = _network(unit.command), _seconds(unit.command, world)
        try:
            table.block(network, seconds)
        except OSError as e:
            _told(e)
        return _result(network, unit.now + seconds * _SECOND)

    def undo(self, unit: Unit, result: Result, world: World) -> None:
        """Let it pass again."""
        try:
            table.unblock(_network(unit.command))
        except OSError as e:
            _told(e)


def _network(command: Command) -> table.Network:
    try:
        return ipaddress.ip_network(command.address.strip())
    except ValueError as e:
        raise Failed("not_address", text=command.address[:80]) from e


def _seconds(command: Command, world: World) -> int:
    most = world.settings.playbooks.block_minutes
    said = command.minutes.strip()
    if said and not (said.isascii() and said.isdigit() and 0 < int(said[:9]) <= most):
        raise Failed("minutes", text=said[:20], most=str(most))
    return 60 * (int(said) if said else most)


def _result(network: table.Network, until: int) -> Result:
    from trust.records import iso

    outputs = {"blocked": str(network), "blocked_until": iso(until)}
    return Result(outputs, until=until, undo={"prefix": str(network)})


def _told(error: OSError) -> NoReturn:
    key = "no_right" if error.errno in {errno.EPERM, errno.EACCES} else "nftables"
    raise Failed(key, reason=error.strerror or str(error)) from error
