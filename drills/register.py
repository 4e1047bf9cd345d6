"""The small extranet that scenes play in: units, systems, prefixes, hosts.

Home is 10.20.0.0/16 and fd20::/32 (private, so that default settings know it as ours); everybody else
has addresses set aside for documentation (RFC 5737, RFC 3849).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Unit:
    """An office of the government (委办局) and the prefixes it lives in."""

    name: str
    name_zh: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True)
class System:
    """A system on the extranet, its unit and the hosts that carry it."""

    name: str
    name_zh: str
    unit: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Host:
    """A host by name, with its addresses and the MAC it is seen with at the tap."""

    name: str
    v4: str
    v6: str = ""
    mac: str = ""
    ports: tuple[int, ...] = ()  # TCP ports it listens on

    def address(self, version: int) -> str:
        """Its address of IP version 4 or 6."""
        return self.v6 if version == 6 else self.v4


@dataclass
class Register:
    """Who is who in the scene. Names of hosts are unique."""

    units: tuple[Unit, ...]
    systems: tuple[System, ...]
    hosts: dict[str, Host] = field(default_factory=dict)
    #: The MAC of the router, through which everybody outside a segment is seen.
    gateway: Host = field(
        default_factory=lambda: Host("gateway", "10.20.30.1", "fe80::1", "02:20:00:00:00:01")
    )

    def add(self, host: Host) -> Host:
        """Enter a host; raises ValueError for a name that is taken."""
        if host.name in self.hosts:
            raise ValueError(f"host {host.name!r} is already in the register")
        self.hosts[host.name] = host
        return host

    def group(self, prefix: str) -> list[Host]:
        """Hosts whose names begin with `prefix`, in order of name."""
        return [host for name, host in sorted(self.hosts.items()) if name.startswith(prefix)]

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def owner(self, address: str) -> Host | None:
        """The host that has `address`."""
        return next((host for host in self.hosts.values() if address in (host.v4, host.v6)), None)


UNITS = (
    Unit("Big Data Bureau", "大数据局", ("10.20.1.0/24", "10.20.2.0/24", "fd20:0:1::/64", "fd20:0:2::/64")),
    Unit("Finance Bureau", "财政局", ("10.20.30.0/24", "fd20:0:30::/64")),
    Unit("Civil Affairs Bureau", "民政局", ("10.20.40.0/24",)),
    Unit("Health Commission", "卫健委", ("10.20.50.0/24",)),
)
SYSTEMS = (
    System("public portal", "公众门户", "Big Data Bureau", ("portal",)),
    System("OA", "OA 协同办公", "Big Data Bureau", ("oa",)),
    System("name service", "域名解析", "Big Data Bureau", ("dns",)),
    System("mail", "政务邮箱", "Big Data Bureau", ("mail",)),
    System("data exchange platform", "数据共享交换平台", "Big Data Bureau", ("exchange",)),
    System("file service", "文件服务", "Big Data Bureau", ("files", "backup")),
    System("operations", "运维", "Big Data Bureau", ("bastion", "monitor", "ntp", "meeting")),
)
_SERVERS = (
    ("portal", 10, (80, 443)),
    ("oa", 20, (443, 8080)),
    ("bastion", 22, (22,)),
    ("mail", 25, (25, 143, 587, 993)),
    ("ntp", 37, ()),
    ("files", 45, (22, 445)),
    ("backup", 46, (22, 873)),
    ("monitor", 50, (22, 443)),
    ("dns", 53, (53,)),
    ("exchange", 60, (22, 8443)),
    ("meeting", 70, (443,)),
    ("database", 80, (22, 5432)),
)
SITES = 24
CITIZENS = 48
CLIENTS = 18


def example() -> Register:
    """The register of the example scene."""
    register = Register(UNITS, SYSTEMS)
    for name, number, ports in _SERVERS:
        register.add(
            Host(name, f"10.20.1.{number}", f"fd20:0:1::{number:x}", f"02:20:01:00:00:{number:02x}", ports)
        )
    for i in range(CLIENTS):
        n = 11 + i
        register.add(Host(f"client-{i:02}", f"10.20.30.{n}", f"fd20:0:30::{n:x}", f"02:20:30:00:00:{n:02x}"))
    for i in range(2):
        register.add(
            Host(f"admin-{i}", f"10.20.2.{11 + i}", f"fd20:0:2::{11 + i:x}", f"02:20:02:00:00:{i:02x}")
        )
    register.add(Host("printer", "10.20.30.200", "", "02:20:30:00:00:c8", (9100,)))
    # Behind the gateway: seen with its MAC.
    gate = register.gateway.mac
    register.add(Host("nat-office", "10.20.40.1", "", gate))
    for i in range(4):
        register.add(Host(f"front-{i}", f"10.20.50.{11 + i}", "", gate, (22,)))
    for i in range(SITES):
        register.add(
            Host(f"site-{i:02}", f"198.51.100.{10 + i}", f"2001:db8:100::{10 + i:x}", gate, (80, 443))
        )
    for i in range(CITIZENS):
        register.add(Host(f"citizen-{i:02}", f"203.0.113.{10 + i}", f"2001:db8:200::{10 + i:x}", gate))
    register.add(Host("relay", "192.0.2.25", "2001:db8:25::25", gate, (25,)))
    return register


def addresses(hosts: list[Host]) -> list[str]:
    """Every address of some hosts, in the order of their numbers."""
    found = {a for host in hosts for a in (host.v4, host.v6) if a}
    return sorted(found, key=lambda a: (ipaddress.ip_address(a).version, int(ipaddress.ip_address(a))))
