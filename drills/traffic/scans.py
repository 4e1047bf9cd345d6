"""Attacks that look for targets: ports, hosts, neighbours.

Every attack takes names of hosts or addresses, and has the values of the scene that `citywall synth` makes.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence

from drills.forge import Side
from drills.stage import ACK, RST, SECOND, SYN, Stage
from drills.traffic.plan import Ends

_COMMON = (
    21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 389, 443, 445, 465, 514, 587, 631, 993, 995, 1433,
    1521, 1723, 2049, 2375, 3306, 3389, 5432, 5900, 5985, 6379, 7001, 8000, 8080, 8443, 8888, 9000, 9200,
    11211, 27017,
)  # fmt: skip


def _probe(stage: Stage, attacker: Side, address: str, port: int, time: int) -> None:
    """A SYN; a live host refuses, or answers and is reset; where nobody is nothing comes."""
    host, source = stage.register.owner(address), stage.port()
    there = stage.stranger(address) if host is None else stage.side(host, attacker.version)
    seq, answer = stage.dice.getrandbits(32), stage.dice.getrandbits(32)
    forge, ports = stage.forge, (source, port)
    stage.put(time, forge.tcp(attacker, there, ports, SYN, seq=seq))
    if host is None or not host.server:
        return
    later = time + stage.dice.randrange(300, 4000) * 1000
    if port in host.ports:
        stage.put(later, forge.tcp(there, attacker, ports[::-1], SYN | ACK, seq=answer, ack=seq + 1))
        stage.put(later + 500_000, forge.tcp(attacker, there, ports, RST, seq=seq + 1))
    else:
        stage.put(later, forge.tcp(there, attacker, ports[::-1], RST | ACK, ack=seq + 1))


def _spread(stage: Stage, start: int, seconds: float, count: int) -> list[int]:
    """`count` ascending moments within `seconds` (shrunk with the scene)."""
    seconds *= stage.scale
    return sorted(start + int(stage.dice.uniform(0, seconds) * SECOND) for _ in range(count))


def _hosts(network: str, most: int) -> list[str]:
    """Addresses of a prefix from its first host on, `most` at most, without an IPv4 broadcast address."""
    net = ipaddress.ip_network(network)
    last = net.num_addresses - (2 if net.version == 4 else 1)
    return [str(net[n]) for n in range(1, min(most, last) + 1)]


def horizontal(
    stage: Stage, start: int, *, source: str = "10.20.30.66",
    networks: Sequence[str] = ("10.20.1.0/24", "10.20.50.0/24"), port: int = 445, seconds: int = 45,
) -> Ends:  # fmt: skip
    """A client that was taken over looks for a service (file sharing) all over some prefixes."""
    attacker = stage.party(source)
    targets = [address for network in networks for address in _hosts(network, 254)]
    stage.dice.shuffle(targets)
    for time, address in zip(_spread(stage, start, seconds, len(targets)), targets, strict=True):
        _probe(stage, attacker, address, port, time)
    return Ends((attacker.address,), tuple(networks))


def vertical(
    stage: Stage, start: int, *, source: str = "192.0.2.66", target: str = "portal", ports: int = 400,
    seconds: int = 60,
) -> Ends:  # fmt: skip
    """Someone tries the ports of a host: the usual ones first in mind, then others."""
    attacker, address = stage.party(source), stage.party(target).address
    common = _COMMON[:ports]
    tried = [*common, *stage.dice.sample(range(1024, 65536), ports - len(common))]
    stage.dice.shuffle(tried)
    for time, port in zip(_spread(stage, start, seconds, len(tried)), tried, strict=True):
        _probe(stage, attacker, address, port, time)
    return Ends((attacker.address,), (address,))


def ipv6(
    stage: Stage, start: int, *, source: str = "fd20:0:30::bad", network: str = "fd20:0:1::/64",
    port: int = 22, seconds: int = 30,
) -> Ends:  # fmt: skip
    """IPv6 is too large to try, but servers have low numbers: ::1 to ::ff, SSH."""
    attacker = stage.party(source, 6)
    targets = _hosts(network, 255)
    for time, address in zip(_spread(stage, start, seconds, len(targets)), targets, strict=True):
        _probe(stage, attacker, address, port, time)
    return Ends((attacker.address,), (network,))


def icmp_sweep(
    stage: Stage, start: int, *, source: str = "192.0.2.99", network: str = "10.20.1.0/24", seconds: int = 25
) -> Ends:
    """Someone pings every address of a prefix."""
    attacker, targets = stage.party(source), _hosts(network, 254)
    for n, time in enumerate(_spread(stage, start, seconds, len(targets)), 1):
        host, rest = stage.register.owner(targets[n - 1]), struct.pack(">HH", 1, n)
        there = stage.stranger(targets[n - 1]) if host is None else stage.side(host)
        stage.put(time, stage.forge.icmp(attacker, there, 8, rest=rest, payload=bytes(16)))
        if host is not None:
            stage.put(time + 700_000, stage.forge.icmp(there, attacker, 0, rest=rest, payload=bytes(16)))
    return Ends((attacker.address,), (network,))


def arp_sweep(
    stage: Stage, start: int, *, source: str = "10.20.30.99", network: str = "10.20.30.0/24", seconds: int = 8
) -> Ends:
    """A stranger's machine in a segment asks for every address of it."""
    attacker, targets = stage.party(source), _hosts(network, 254)
    for address, time in zip(targets, _spread(stage, start, seconds, len(targets)), strict=True):
        host = stage.register.owner(address)
        there = stage.side(host) if host else Side(address, "00:00:00:00:00:00")
        stage.put(time, stage.forge.arp(1, attacker, there))
        if host is not None and host.name != "printer":
            stage.put(time + 350_000, stage.forge.arp(2, there, attacker))
    return Ends((attacker.address,), (network,))
