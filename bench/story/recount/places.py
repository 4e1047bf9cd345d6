"""A register of places read from its files: which system, unit and importance an address belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]


class Places:
    """Entries of every YAML file of a folder."""

    def __init__(self, folder: Path) -> None:
        read = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml"))]
        self.units, self.systems, self.assets, self.prefixes = (
            [entry for file in read for entry in file.get(kind, ())]
            for kind in ("units", "systems", "assets", "prefixes")
        )
        self.unit_of = {s["id"]: s["unit"] for s in self.systems}
        self._names = {e["id"]: [e["name"], e.get("name_en") or e["name"]] for e in self.units + self.systems}
        entries = [(address, entry) for entry in self.assets for address in entry["addresses"]]
        entries += [(entry["prefix"], entry) for entry in self.prefixes]
        self._networks = sorted(
            ((ip_network(text), entry) for text, entry in entries if "domain" not in entry),
            key=lambda found: found[0].prefixlen,
        )

    def name(self, id_: str) -> list[str]:
        """Chinese and English."""
        return self._names.get(id_, [id_, id_])

    def located(self, address: str) -> tuple[str, str] | None:
        """System and unit of an address of the default domain, None where nothing covers it.

        From the shortest prefix to the longest: who names a system answers with its unit, who names a unit
        alone is outside the systems around.
        """
        host, place = ip_address(address), None
        for network, entry in self._networks:
            if network.version == host.version and host in network:
                system, unit = place or ("", "")
                if entry.get("system"):
                    system = entry["system"]
                    unit = entry.get("unit") or self.unit_of[system]
                elif entry.get("unit"):
                    system, unit = "", entry["unit"]
                place = (system, unit)
        return place

    def seen(self, hosts: Iterable[str]) -> set[tuple[str, str]]:
        """Systems and their units, or units alone, of hosts."""
        places = {place for host in hosts if (place := self.located(host)) not in {None, ("", "")}}
        return {(system, self.unit_of.get(system, unit)) for system, unit in places if system or unit}
