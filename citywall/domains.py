"""Network domains: where an address means one host.

Departments' private networks overlap behind their VPNs, so `10.0.0.5` may be many hosts. A domain is a
number: 0 is the default; below 2**24 it is a VLAN (`outer << 12 | inner`) that stands for itself; from
2**24 it is a named domain of the settings; from 2**31 it is a virtual network (VXLAN, GENEVE, a
service instance of 802.1ah) by its identifier. Public addresses are one host wherever they are seen, and
always live in domain 0.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.addresses import is_private

NAMED = 1 << 24
#: What a packet of a virtual network has as its VLAN: this, and the network's identifier.
VNI = 1 << 31


class DomainSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[domains]`: how packets are put into network domains.

    `by_vlan`: each VLAN or virtual network without a name of its own is a domain. `vlans`: VLAN id (or
    `outer.inner`, or `vni:` and the identifier of a virtual network) to domain name. `names` is their order
    of numbering, filled from `vlans` when left empty.
    """

    by_vlan: bool = True
    vlans: dict[str, str] = {}
    names: tuple[str, ...] = ()


class Domains:
    """Looks up domains of VLANs, and names of domains."""

    def __init__(self, settings: DomainSettings) -> None:
        self._settings = settings
        self.by_vlan = settings.by_vlan
        names = list(settings.names)
        for name in sorted(set(settings.vlans.values())):
            if name not in names:
                names.append(name)
        self.names = names
        pairs = sorted((vlan_number(v), NAMED + names.index(n)) for v, n in settings.vlans.items())
        self.vlan_keys: NDArray[np.uint32] = np.array([p[0] for p in pairs], np.uint32)
        self.vlan_domains: NDArray[np.uint32] = np.array([p[1] for p in pairs], np.uint32)

    def of_session(self, vlans: Mapping[str, str]) -> Domains:
        """With domains of VLANs that one session has of its own (`"0"`: of packets without one).

        Their names must be among `names`; numbers stay as they are.
        """
        if not vlans:
            return self
        own = msgspec.structs.replace(
            self._settings, names=tuple(self.names), vlans=self._settings.vlans | dict(vlans)
        )
        return Domains(own)

    def of_vlan(self, vlan: int) -> int:
        """The domain of packets on `vlan`."""
        at = int(np.searchsorted(self.vlan_keys, vlan))
        if at < len(self.vlan_keys) and int(self.vlan_keys[at]) == vlan:
            return int(self.vlan_domains[at])
        return vlan if self.by_vlan else 0

    def name(self, domain: int) -> str:
        """What users call a domain."""
        if domain & VNI:
            return f"vni {domain ^ VNI}"
        if domain >= NAMED:
            return self.names[domain - NAMED]
        if domain == 0:
            return "default"
        outer, inner = domain >> 12, domain & 0xFFF
        return f"vlan {outer}.{inner}" if outer else f"vlan {inner}"


def vlan_number(text: str) -> int:
    """`"12"`, `"100.12"` or `"vni:5000"` to the vlan number of a batch; raises ValueError."""
    if text.startswith("vni:"):
        vni = int(text.removeprefix("vni:"))
        if not 0 <= vni < 1 << 24:
            raise ValueError(f"identifiers of virtual networks are 0 to 16777215, not {text!r}")
        return VNI | vni
    outer, _, inner = text.rpartition(".")
    tags = [int(t) for t in (outer, inner) if t]
    if not all(0 <= t <= 4095 for t in tags):
        raise ValueError(f"VLAN ids are 0 to 4095, not {text!r}")
    return tags[0] if len(tags) == 1 else tags[0] << 12 | tags[1]


def of_host(domain: int, hi: int, lo: int) -> int:
    """The domain a host's address is told apart by: its own if private, else 0."""
    return domain if is_private(hi, lo) else 0
