"""What the register says of an alert's hosts: asset, system, unit, zone.

`citywall.asset.src` and `.dst` list the places of the hosts on either side, each once: of the host an alert
names, and of the hosts in its sample where it names none or several. `citywall.zone.src` and `.dst` are the
zones' names. The fields of `citywall.asset` itself are those of the asset the alert is about: the most
important on the side that was attacked, or where the register knows none there, on the side it came from;
`citywall.asset.side` says which. `organization` is the unit that answers for it. Severity is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from alerts.ongoing import Distinct, OngoingAlert
from citywall.findings import Endpoint
from citywall.places import Locate, LocatePortal, Place

Document = dict[str, Any]


def add(
    document: Document,
    alert: OngoingAlert,
    locate: Locate,
    domain_name: Callable[[int], str],
    portals: LocatePortal | None = None,
) -> None:
    """Add to an alert's document what the register says; nothing where it knows none of the hosts.

    An alert about a portal belongs to where that belongs, wherever it is served from.
    """
    sides = {
        "src": _places(alert.peak.source, alert.sources, locate, domain_name),
        "dst": _places(alert.peak.target, alert.targets, locate, domain_name),
    }
    portal = portals(str(alert.peak.facts.get("portal", ""))) if portals is not None else None
    if portal is not None:
        sides["dst"] = list(dict.fromkeys((portal, *(p for p in sides["dst"] if p.unit == portal.unit))))
    zones = {
        side: names
        for side, places in sides.items()
        if (names := list(dict.fromkeys(p.zone_name for p in places if p.zone_name)))
    }
    if zones:
        document["citywall"]["zone"] = zones
    owned = {side: [p for p in places if p.unit] for side, places in sides.items()}
    side = "dst" if owned["dst"] else "src"
    if not owned[side]:
        return
    about = max(owned[side], key=lambda place: (place.importance or 0, bool(place.asset)))
    document["organization"] = {"id": about.unit, "name": about.unit_name}
    document["citywall"]["asset"] = {
        "side": side,
        **_asset(about),
        **{side: [_asset(place) for place in places] for side, places in owned.items() if places},
    }


def _places(
    endpoint: Endpoint | None, hosts: Distinct, locate: Locate, domain_name: Callable[[int], str]
) -> list[Place]:
    found = (locate(domain_name(domain), address) for domain, address in _hosts(endpoint, hosts))
    return list(dict.fromkeys(place for place in found if place is not None))


def _hosts(endpoint: Endpoint | None, hosts: Distinct) -> Iterator[tuple[int, str]]:
    if endpoint is not None and endpoint.prefix is None:
        yield endpoint.domain, endpoint.address
    yield from zip(hosts.domains, hosts.sample, strict=True)


def _asset(place: Place) -> Document:
    said = {
        "id": place.asset, "name": place.asset_name, "system_id": place.system, "system": place.system_name,
        "unit_id": place.unit, "owner": place.unit_name, "zone_id": place.zone,
        "importance": place.importance, "mlps_level": place.mlps_level, "cii": place.cii,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value not in {"", None}}
