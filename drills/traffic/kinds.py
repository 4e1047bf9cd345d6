"""Attacks that a scenario may be composed of: one line here a kind, with its options."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from citywall.i18n import tr
from drills.traffic import channels, floods, guessing, scans
from drills.traffic.plan import Ends
from posture.fields import Bad, Field, flag, number, prefix, text
from posture.nodes import Scalar


@dataclass(frozen=True)
class Kind:
    """A kind of attack: how it is played, what it is called, and what may be said of one.

    `class_` is as in capture manifests; `options` are the keyword arguments of `play`.
    """

    id: str
    play: Callable[..., Ends]
    class_: str
    attck: tuple[str, ...]
    options: dict[str, Field]

    def title(self, language: str) -> str:
        """What people call it."""
        return tr(f"drills_kinds.{self.id}", language)


def party(node: Scalar) -> str:
    """A host of the scene by name, or an address; which hosts there are is looked up later."""
    said = text(node)
    try:
        return str(ipaddress.ip_address(said))
    except ValueError:
        if any(c in said for c in ".:/ "):
            raise Bad("drill_fault.not_party", text=said) from None
    return said


def domain(node: Scalar) -> str:
    """A domain name of labels of letters, digits and hyphens (RFC 1123), 100 characters at most."""
    said = text(node)
    labels = said.split(".")
    good = all(
        0 < len(label) <= 63 and label.isascii() and label.replace("-", "").isalnum() for label in labels
    )
    if len(said) > 100 or not good:
        raise Bad("drill_fault.not_domain", text=said)
    return said


_PARTY, _NETWORK = Field(party), Field(prefix)
_PORT, _RATE, _SECONDS = Field(number(1, 65535)), Field(number(1, 5000)), Field(number(1, 3600))
_SCAN = {"source": _PARTY, "seconds": _SECONDS}
_FLOOD = {"target": _PARTY, "rate": _RATE, "seconds": _SECONDS}

KINDS: dict[str, Kind] = {
    kind.id: kind
    for kind in (
        Kind("icmp-sweep", scans.icmp_sweep, "scan", ("T1018",), {**_SCAN, "network": _NETWORK}),
        Kind("arp-sweep", scans.arp_sweep, "scan", ("T1018",), {**_SCAN, "network": _NETWORK}),
        Kind(
            "horizontal-scan", scans.horizontal, "scan", ("T1046",),
            {**_SCAN, "networks": Field(each=prefix), "port": _PORT},
        ),
        Kind("ipv6-scan", scans.ipv6, "scan", ("T1046",), {**_SCAN, "network": _NETWORK, "port": _PORT}),
        Kind(
            "vertical-scan", scans.vertical, "scan", ("T1046",),
            {**_SCAN, "target": _PARTY, "ports": Field(number(1, 5000))},
        ),
        Kind(
            "ssh-guessing", guessing.ssh, "bruteforce", ("T1110.001",),
            {**_SCAN, "target": _PARTY, "attempts": Field(number(1, 5000)), "success": Field(flag)},
        ),
        Kind("syn-flood", floods.syn, "dos", ("T1498.001", "T1499.001"), {**_FLOOD, "port": _PORT}),
        Kind("ntp-reflection", floods.reflection, "dos", ("T1498.002",), {**_FLOOD, "mirrors": _RATE}),
        Kind("udp6-flood", floods.udp6, "dos", ("T1498.001",), {**_FLOOD, "port": _PORT, "bots": _RATE}),
        Kind(
            "carpet-bombing", floods.carpet, "dos", ("T1498.002",),
            {"network": _NETWORK, "mirrors": _RATE, "rate": _RATE, "seconds": _SECONDS},
        ),
        Kind(
            "c2-beacon", channels.beacon, "c2", ("T1071.001",),
            {**_SCAN, "target": _PARTY, "port": _PORT, "every": Field(number(1, 3600)),
             "jitter": Field(number(0, 90))},
        ),
        Kind(
            "dns-tunnel", channels.tunnel, "dns-tunnel", ("T1071.004", "T1572"),
            {**_SCAN, "target": _PARTY, "domain": Field(domain), "rate": Field(number(1, 200))},
        ),
        Kind(
            "data-theft", channels.theft, "exfiltration", ("T1048", "T1041"),
            {**_SCAN, "target": _PARTY, "port": _PORT, "kilobytes": Field(number(64, 1 << 20))},
        ),
    )
}  # fmt: skip
#: Options that name a prefix or several, and the IP version that they must be of (0: either).
VERSIONS: dict[tuple[str, str], int] = {
    ("icmp-sweep", "network"): 4, ("arp-sweep", "network"): 4, ("horizontal-scan", "networks"): 4,
    ("ipv6-scan", "network"): 6, ("carpet-bombing", "network"): 4,
}  # fmt: skip


def version_of(kind: str, option: str) -> int:
    """The IP version that a prefix or party of an attack is played in."""
    return VERSIONS.get((kind, option), 6 if kind in {"ipv6-scan", "udp6-flood"} else 4)


def bad_option(kind: str, option: str, value: Any, *, known: Callable[[str], bool]) -> Bad | None:
    """What is wrong with an option that was read, where that needs the scene: who is `known` in it."""
    version = version_of(kind, option)
    for said in value if isinstance(value, list) else [value]:
        if option in {"network", "networks"}:
            net = ipaddress.ip_network(said)
            if net.version != version:
                return Bad("drill_fault.wrong_version", text=said, version=str(version))
            if version == 4 and not 16 <= net.prefixlen <= 30:
                return Bad("drill_fault.prefix_size", text=said)
        elif option in {"source", "target"}:
            if not _is_address(said):
                if not known(said):
                    return Bad("drill_fault.no_such_host", text=said)
            elif ipaddress.ip_address(said).version != version:
                return Bad("drill_fault.wrong_version", text=said, version=str(version))
    return None


def _is_address(said: str) -> bool:
    try:
        ipaddress.ip_address(said)
    except ValueError:
        return False
    return True
