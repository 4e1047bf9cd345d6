"""The register in a run: read once where the run begins, told to its workers, compiled where it is asked."""

from __future__ import annotations

from pathlib import Path

import msgspec

from citywall.domains import Domains, vlan_number
from citywall.errors import SettingsError
from citywall.places import Locate, LocatePortal
from citywall.settings import Settings
from posture.records import Register, from_text, impersonal, to_text
from posture.table import DEFAULT, Table

_VLAN = "vlan "


def attach(settings: Settings) -> Settings:
    """`settings` with the register that `register` names read into `registered`.

    What it says of addresses is part of alerts, and so of a session's identity; who answers for a unit is
    not. Settings that hold one are left alone. Raises FaultyInput, and SettingsError where the register has
    entries in network domains that packets are never put into.
    """
    if not settings.register or settings.registered:
        return settings
    from posture import reading  # brings the YAML parser in, which a run without a register never needs

    register = reading.read([Path(settings.register)])
    check_domains(register, settings)
    return msgspec.structs.replace(settings, registered=to_text(impersonal(register)))


def locator(settings: Settings) -> Locate | None:
    """Says where addresses belong, as the register of a run has it; None without one."""
    table = _table(settings)
    return None if table is None else table.locate


def portals(settings: Settings) -> LocatePortal | None:
    """Says where portals belong, by their ids; None without a register."""
    table = _table(settings)
    return None if table is None else table.portal


def _table(settings: Settings) -> Table | None:
    if not settings.registered:
        return None
    try:
        return Table(from_text(settings.registered))
    except ValueError as e:
        raise SettingsError("settings", "registered", str(e)) from e


def check_domains(register: Register, settings: Settings) -> None:
    """Raise SettingsError where the register names a network domain that `[domains]` never gives."""
    domains = Domains(settings.domains)
    for name in register.domains:
        if name != DEFAULT and name not in domains.names and not _is_vlan(name, domains):
            reason = (
                f"{settings.register} has entries in network domain {name!r}, which [domains] never gives"
            )
            raise SettingsError("settings", "register", reason)


def _is_vlan(name: str, domains: Domains) -> bool:
    """Whether `name` is that of a VLAN which stands for itself."""
    if not name.startswith(_VLAN):
        return False
    try:
        number = vlan_number(name.removeprefix(_VLAN))
    except ValueError:
        return False
    return number != 0 and domains.of_vlan(number) == number and domains.name(number) == name
