"""The hosts of a scene: those of a register, and the people and sites outside that no register knows.

Who is who comes from the register (:mod:`posture`), the example that ships unless another is named. What a
register does not say is added here: which TCP ports a server listens on, the MAC it is seen with at the tap,
clients in their prefix, and everybody else, at addresses set aside for documentation (RFC 5737, RFC 3849).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from posture import reading
from posture import records as posture

#: TCP ports that the servers of a scene listen on, by the part they play.
PORTS: dict[str, tuple[int, ...]] = {
    "portal": (80, 443),
    "oa": (443, 8080),
    "bastion": (22,),
    "mail": (25, 143, 587, 993),
    "ntp": (),
    "files": (22, 445),
    "backup": (22, 873),
    "monitor": (22, 443),
    "dns": (53,),
    "exchange": (22, 8443),
    "meeting": (443,),
    "database": (22, 5432),
}
FRONTS = ("front-0", "front-1", "front-2", "front-3")
OFFICE = "nat-office"
CLIENT_PREFIXES, ADMIN_PREFIXES = "clients", "admins"
#: Every part: assets of a register play the first, prefixes of it the last two.
ASSET_PARTS = (*PORTS, *FRONTS, OFFICE)
PREFIX_PARTS = (CLIENT_PREFIXES, ADMIN_PREFIXES)
#: Who plays which part in the example register, where it is not an asset of the same name.
CAST: dict[str, tuple[str, ...]] = {
    **{part: (part,) for part in PORTS},
    **{f"front-{i}": (f"health-front-{i}",) for i in range(len(FRONTS))},
    OFFICE: ("civil-gateway",),
    CLIENT_PREFIXES: ("10.20.30.0/24", "fd20:0:30::/64"),
    ADMIN_PREFIXES: ("10.20.2.0/24", "fd20:0:2::/64"),
}
SITES = 24
CITIZENS = 48
CLIENTS = 18
ADMINS = 2
_FIRST, _PRINTER = 11, 200
_GATEWAY_MAC = "02:20:00:00:00:01"


class Miscast(Exception):
    """Parts that the register cannot fill: the part, the key of the reason, and what was named."""

    def __init__(self, faults: list[tuple[str, str, str]]) -> None:
        super().__init__("; ".join(f"{part}: {key} {name}" for part, key, name in faults))
        self.faults = faults


@dataclass(frozen=True)
class Host:
    """A host by name, with its addresses and the MAC it is seen with at the tap.

    What a `server` answers to a probe passes the tap.
    """

    name: str
    v4: str
    v6: str = ""
    mac: str = ""
    ports: tuple[int, ...] = ()  # TCP ports it listens on
    server: bool = False

    def address(self, version: int) -> str:
        """Its address of IP version 4 or 6."""
        return self.v6 if version == 6 else self.v4


@dataclass
class Register:
    """Who is who in the scene. Names of hosts are unique."""

    hosts: dict[str, Host] = field(default_factory=dict)
    #: The router, with whose MAC everybody outside a segment is seen.
    gateway: Host = field(default_factory=lambda: Host("gateway", "10.20.30.1", "fe80::1", _GATEWAY_MAC))
    #: Prefixes whose hosts are seen with MACs of their own: their segment is the tap's.
    segments: tuple[str, ...] = ()
    _owners: dict[str, Host] = field(default_factory=dict)

    def add(self, host: Host) -> Host:
        """Enter a host; raises ValueError for a name that is taken."""
        if host.name in self.hosts:
            raise ValueError(f"host {host.name!r} is already in the register")
        self.hosts[host.name] = host
        for address in filter(None, (host.v4, host.v6)):
            self._owners.setdefault(address, host)
        return host

    def group(self, prefix: str) -> list[Host]:
        """Hosts whose names begin with `prefix`, in order of name."""
        return [host for name, host in sorted(self.hosts.items()) if name.startswith(prefix)]

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def inside(self, address: str) -> bool:
        """Whether an address is in a segment of the tap; raises ValueError for what is none."""
        ip = ipaddress.ip_address(address)
        return any(ip in ipaddress.ip_network(segment) for segment in self.segments)

    def owner(self, address: str) -> Host | None:
        """The host that has `address`."""
        return self._owners.get(address)


def example() -> Register:
    """The hosts of the example register."""
    return of(reading.read([Path(reading.EXAMPLE)]))


def of(register: posture.Register, cast: Mapping[str, tuple[str, ...]] | None = None) -> Register:
    """The hosts of a scene in `register`; `cast` says who plays a part where it is not as in the example.

    Raises Miscast with every part that cannot be filled.
    """
    chosen = {**CAST, **(cast or {})}
    found = _Casting(register)
    parts = {part: found.asset(part, chosen[part][0]) for part in ASSET_PARTS}
    prefixes = {part: found.prefixes(part, chosen[part]) for part in PREFIX_PARTS}
    if found.faults:
        raise Miscast(found.faults)
    hosts = Register(
        gateway=Host("gateway", _nth(prefixes[CLIENT_PREFIXES][0], 1), "fe80::1", _GATEWAY_MAC),
        segments=tuple(dict.fromkeys(p for part in PREFIX_PARTS for p in prefixes[part])),
    )
    for name, ports in PORTS.items():
        v4, v6 = parts[name]
        hosts.add(Host(name, v4, v6, mac_of(v4), ports, server=True))
    _insiders(hosts, CLIENT_PREFIXES, "client-{:02}", CLIENTS, prefixes)
    _insiders(hosts, ADMIN_PREFIXES, "admin-{}", ADMINS, prefixes)
    printer = _nth(prefixes[CLIENT_PREFIXES][0], _PRINTER)
    hosts.add(Host("printer", printer, "", mac_of(printer), (9100,)))
    # Behind the gateway: seen with its MAC.
    gate = hosts.gateway.mac
    hosts.add(Host(OFFICE, parts[OFFICE][0], "", gate))
    for name in FRONTS:
        hosts.add(Host(name, parts[name][0], "", gate, (22,)))
    _outsiders(hosts, gate)
    return hosts


def _insiders(
    hosts: Register, part: str, name: str, count: int, prefixes: Mapping[str, tuple[str, str]]
) -> None:
    v4, v6 = prefixes[part]
    for i in range(count):
        address = _nth(v4, _FIRST + i)
        hosts.add(Host(name.format(i), address, _nth(v6, _FIRST + i) if v6 else "", mac_of(address)))


def _outsiders(hosts: Register, gate: str) -> None:
    for i in range(SITES):
        hosts.add(Host(f"site-{i:02}", f"198.51.100.{10 + i}", f"2001:db8:100::{10 + i:x}", gate, (80, 443)))
    for i in range(CITIZENS):
        hosts.add(Host(f"citizen-{i:02}", f"203.0.113.{10 + i}", f"2001:db8:200::{10 + i:x}", gate))
    hosts.add(Host("relay", "192.0.2.25", "2001:db8:25::25", gate, (25,)))


class _Casting:
    """Looks parts up in a register and notes what is not there."""

    def __init__(self, register: posture.Register) -> None:
        self._assets = {asset.id: asset for asset in register.assets}
        self._prefixes = {prefix.prefix for prefix in register.prefixes}
        self.faults: list[tuple[str, str, str]] = []

    def asset(self, part: str, name: str) -> tuple[str, str]:
        """The first IPv4 and IPv6 address of the asset that plays a part, the latter empty without one."""
        asset = self._assets.get(name)
        if asset is None:
            self.faults.append((part, "no_such_asset", name))
            return "", ""
        single = [a.partition("/")[0] for a in asset.addresses if a.endswith(("/32", "/128"))]
        v4 = next((a for a in single if "." in a), "")
        v6 = next((a for a in single if ":" in a), "")
        if not v4 or (part in PORTS and not v6):
            self.faults.append((part, "no_host_address", name))
        return v4, v6

    def prefixes(self, part: str, names: tuple[str, ...]) -> tuple[str, str]:
        """The IPv4 and IPv6 prefix that a part's hosts live in, the latter empty without one."""
        for name in names:
            if name not in self._prefixes:
                self.faults.append((part, "no_such_prefix", name))
        v4 = next((n for n in names if "." in n), "")
        v6 = next((n for n in names if ":" in n), "")
        if not v4 or not v6 or int(v4.partition("/")[2]) > 24:
            self.faults.append((part, "prefix_small", ", ".join(names)))
        return v4, v6


def mac_of(address: str) -> str:
    """The MAC that a host inside is seen with: from its subnet and number, locally administered."""
    packed = ipaddress.ip_address(address).packed
    if len(packed) == 4:
        subnet, high, low = f"{packed[2]:02}" if packed[2] < 100 else f"{packed[2]:02x}", 0, packed[3]
    else:
        subnet, high, low = f"{packed[5]:02x}", packed[14], packed[15]
    return f"02:20:{subnet}:00:{high:02x}:{low:02x}"


def _nth(prefix: str, number: int) -> str:
    return str(ipaddress.ip_network(prefix)[number])


def addresses(hosts: list[Host]) -> list[str]:
    """Every address of some hosts, in the order of their numbers."""
    found = {a for host in hosts for a in (host.v4, host.v6) if a}
    return sorted(found, key=lambda a: (ipaddress.ip_address(a).version, int(ipaddress.ip_address(a))))
