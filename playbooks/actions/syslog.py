"""Syslog (RFC 5424) with an event in CEF, over UDP (RFC 5426) or TCP (RFC 6587, octet counting).

The key is CEF's `externalId`: a receiver that gets a message twice can tell, and after a crash it
is sent again.
"""

from __future__ import annotations

import socket
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, field

import citywall
from playbooks.actions.base import Action, CommandBase, Failed, Long, Plan, Result, Text, Told, Unit, World
from trust.records import iso

_FACILITY = 13  # log audit
_PRIORITIES = ((9, 2), (7, 3), (4, 4), (0, 5))  # severity of CEF from which a severity of syslog holds
_TIMEOUT_S = 10.0


class Command(CommandBase, frozen=True, kw_only=True, tag="x-citywall-syslog"):
    """What happened. `severity` is CEF's, 0 to 10; `fields` are extension fields of CEF, `src`, `act`."""

    event: Text
    severity: Annotated[int, Meta(ge=0, le=10)] = 5
    fields: dict[Annotated[str, Meta(pattern="^[A-Za-z0-9]{1,30}$")], Long] = field(default_factory=dict)


class Syslog(Action):
    """One message to the place of the settings."""

    name = "syslog"
    command = Command
    repeatable = True

    def plan(self, unit: Unit, world: World) -> Plan:
        """The place and the event."""
        place = world.settings.playbooks.syslog
        if not place:
            raise Failed("no_syslog")
        return Plan(Told("syslog", {"place": place}), cef(unit))

    def act(self, unit: Unit, world: World) -> Result:
        """Send."""
        place = world.settings.playbooks.syslog
        parts = urlsplit(place)
        host, port = parts.hostname or "", parts.port or 514
        data = message(unit)
        try:
            if parts.scheme == "udp":
                family, kind, proto, _, end = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
                with socket.socket(family, kind, proto) as out:
                    out.sendto(data, end)
            else:
                with socket.create_connection((host, port), unit.timeout_s or _TIMEOUT_S) as out:
                    out.sendall(b"%d %s" % (len(data), data))
        except OSError as e:
            raise Failed("unreachable", place=place, reason=e.strerror or str(e)) from e
        return Result()


def cef(unit: Unit) -> str:
    """The event in CEF."""
    command: Command = unit.command
    head = "|".join(
        _head(part)
        for part in ("CEF:0", "Citywall", "Citywall", citywall.__version__, "playbook", command.event)
    )
    fields = {"externalId": unit.key, "cs1Label": "run", "cs1": unit.run, **command.fields}
    return f"{head}|{command.severity}|" + " ".join(f"{name}={_value(v)}" for name, v in fields.items())


def message(unit: Unit) -> bytes:
    """The event as a message of RFC 5424."""
    severity = next(low for least, low in _PRIORITIES if unit.command.severity >= least)
    host = socket.gethostname() or "-"
    time = iso(unit.now)[:26] + "Z"
    return f"<{_FACILITY * 8 + severity}>1 {time} {host} citywall - playbook - {cef(unit)}".encode()


def _head(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    said = text.replace("\\", "\\\\").replace("=", "\\=").replace("\r", "")
    return said.replace("\n", "\\n")
