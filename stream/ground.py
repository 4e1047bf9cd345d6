"""The register's zones, units and systems for the detectors, which know of no register."""

from __future__ import annotations

import contextlib
from base64 import b64decode
from collections.abc import Iterator

from citywall.domains import NAMED, Domains, vlan_number
from citywall.errors import SettingsError
from citywall.portals import PIN, port_of
from citywall.settings import Settings
from detectors.frontage import Front, Frontage
from detectors.ground import Ground, Spot, Stretch, ZoneRule
from posture.records import Register, from_text
from posture.spans import Span, host, span
from posture.table import DEFAULT, Table

_MAPPED = 0xFFFF << 32


def ground(settings: Settings, domains: Domains) -> Ground | None:
    """What the register of a run says of zones, units and systems; None without one."""
    if not settings.registered:
        return None
    try:
        register = from_text(settings.registered)
    except ValueError as e:
        raise SettingsError("settings", "registered", str(e)) from e
    return Ground(_stretches(register, domains), _rules(register), Frontage(_fronts(register, domains)))


def _stretches(register: Register, domains: Domains) -> Iterator[Stretch]:
    for domain, version, start, stop, place in Table(register).spans():
        above = _MAPPED if version == 4 else 0
        spot = Spot(place.zone, place.unit, place.system)
        yield Stretch(_number(domain, domains), above | start, above | stop, spot)


def _fronts(register: Register, domains: Domains) -> Iterator[Front]:
    """Where the portals are: the addresses of their assets, and those that their pages are named by."""
    assets = {asset.id: asset for asset in register.assets}
    for portal in register.portals:
        ports = tuple(sorted({port_of(url) for url in portal.urls}))
        pins = tuple(int.from_bytes(b64decode(pin.removeprefix(PIN))[:8], "big") for pin in portal.pins)
        asset = assets.get(portal.asset)
        places = [(asset.domain, span(address)) for address in asset.addresses] if asset else []
        for name in sorted(portal.hosts):
            with contextlib.suppress(ValueError):  # most have names
                version, value = host(name)
                places.append((DEFAULT, Span(version, value, value)))
        for domain, (version, start, stop) in dict.fromkeys(places):
            above = _MAPPED if version == 4 else 0
            yield Front(portal, _number(domain, domains), above | start, above | stop, ports, pins)


def _number(domain: str, domains: Domains) -> int:
    """The number of a network domain's name."""
    if domain == DEFAULT:
        return 0
    if domain in domains.names:
        return NAMED + domains.names.index(domain)
    return vlan_number(domain.removeprefix("vlan "))


def _rules(register: Register) -> dict[str, ZoneRule]:
    return {
        zone.id: ZoneRule(
            zone.internet, None if zone.reaches is None else frozenset(zone.reaches), zone.exchange
        )
        for zone in register.zones
    }
