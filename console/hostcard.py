"""One host: where the register puts it, the alerts it appears in, the flows it had."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import msgspec

from citywall.errors import UsageError
from citywall.i18n import tr
from console.display.sheet import Section
from console.listing import alert_columns, alert_row, flow_columns, flow_row
from console.sources import about_host, flow_query
from console.text import clean

if TYPE_CHECKING:
    from console.sources import Sources

NEWEST = 20


class HostCard(msgspec.Struct, frozen=True):
    """`places` are as `citywall assets show --json` has them; None without a register.

    `total` counts the alerts; None where the store cannot say cheaply. `alerts` and `flows` are the newest.
    """

    address: str
    places: list[dict[str, Any]] | None
    total: int | None
    alerts: list[dict[str, Any]]
    flows: list[dict[str, Any]]


def address_of(text: str, language: str) -> str:
    """An address as it is written; raises UsageError for what is none."""
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError as e:
        raise UsageError(tr("error.no_address", language, text=text)) from e


def gather(sources: Sources, address: str, newest: int = NEWEST) -> HostCard:
    """Read the card of an address."""
    query = about_host(address)
    flows, _ = sources.flows(flow_query(f"ip:{address}"), limit=newest)
    return HostCard(
        address,
        places(sources, address),
        sources.counted(query),
        sources.alerts(query, limit=newest).documents,
        flows,
    )


def places(sources: Sources, address: str) -> list[dict[str, Any]] | None:
    """Where the register puts an address, by network domain; None without a register."""
    register = sources.register()
    if register is None:
        return None
    from posture import listing

    told: list[dict[str, Any]] = listing.told(
        register, address, listing.whereabouts(register, address, None)
    )["places"]
    return told


def sections(address: str, found: list[dict[str, Any]] | None, language: str) -> list[Section]:
    """What the register says, as sections."""
    if not found:
        section = Section(address)
        key = "app_host.no_register" if found is None else "app_host.unregistered"
        section.prose.append(tr(key, language))
        return [section]
    return [_place(address, place, language) for place in found]


def whole(card: HostCard, language: str, *, unit: bool) -> list[Section]:
    """The card as sections: register, alerts, flows."""
    total = "" if card.total is None else f" ({card.total:,})"
    alerts = Section(tr("app_host.alerts", language) + total)
    alerts.columns = alert_columns(language, unit=unit)
    alerts.rows = [alert_row(document, language, unit=unit) for document in card.alerts]
    flows = Section(tr("app_host.flows", language))
    flows.columns = flow_columns(language)
    flows.rows = [flow_row(document, language) for document in card.flows]
    for section in (alerts, flows):
        if not section.rows:
            section.prose.append(tr("app.nothing", language))
    return [*sections(card.address, card.places, language), alerts, flows]


def _place(address: str, place: dict[str, Any], language: str) -> Section:
    domain = str(place["domain"])
    title = (
        tr("assets.in_domain", language, address=address, domain=domain) if domain != "default" else address
    )
    section = Section(clean(title))
    for key in ("asset", "system", "unit", "zone", "importance", "mlps", "cii"):
        found = place.get("mlps_level" if key == "mlps" else key)
        section.say(tr(f"assets.{key}", language), _said(found, language), "bold" if key == "unit" else "")
    for person in (place.get("unit") or {}).get("persons", ()):
        contact = " ".join(filter(None, (person["name"], person["phone"], person["email"])))
        section.say(tr(f"register.role_{person['role']}", language), clean(contact))
    return section


def _said(found: object, language: str) -> str:
    if isinstance(found, bool):
        return tr("assets.yes" if found else "assets.no", language)
    if isinstance(found, dict):
        name = (language == "en" and found.get("name_en")) or found.get("name") or found.get("id") or ""
        return clean(str(name))
    return "" if found is None else clean(str(found))
