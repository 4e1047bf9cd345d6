"""Attacks that look for targets: ports, hosts, neighbours."""

from __future__ import annotations

import struct

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


def horizontal(stage: Stage, start: int) -> Ends:
    """A client that was taken over looks for file sharing all over the server prefixes."""
    attacker = Side("10.20.30.66", "02:20:30:00:00:42")
    targets = [f"10.20.{net}.{n}" for net in (1, 50) for n in range(1, 255)]
    stage.dice.shuffle(targets)
    for time, address in zip(_spread(stage, start, 45, len(targets)), targets, strict=True):
        _probe(stage, attacker, address, 445, time)
    return Ends((attacker.address,), ("10.20.1.0/24", "10.20.50.0/24"))


def vertical(stage: Stage, start: int) -> Ends:
    """Someone outside tries the ports of the public portal."""
    attacker = stage.stranger("192.0.2.66")
    ports = [*_COMMON, *stage.dice.sample(range(1024, 65536), 360)]
    stage.dice.shuffle(ports)
    for time, port in zip(_spread(stage, start, 60, len(ports)), ports, strict=True):
        _probe(stage, attacker, stage.register["portal"].v4, port, time)
    return Ends((attacker.address,), (stage.register["portal"].v4,))


def ipv6(stage: Stage, start: int) -> Ends:
    """IPv6 is too large to try, but servers have low numbers: ::1 to ::ff, SSH."""
    attacker = Side("fd20:0:30::bad", "02:20:30:00:0b:ad")
    targets = [f"fd20:0:1::{n:x}" for n in range(1, 256)]
    for time, address in zip(_spread(stage, start, 30, len(targets)), targets, strict=True):
        _probe(stage, attacker, address, 22, time)
    return Ends((attacker.address,), ("fd20:0:1::/64",))


def icmp_sweep(stage: Stage, start: int) -> Ends:
    """Someone outside pings every address of the server prefix."""
    attacker = stage.stranger("192.0.2.99")
    for n, time in enumerate(_spread(stage, start, 25, 254), 1):
        host, rest = stage.register.owner(f"10.20.1.{n}"), struct.pack(">HH", 1, n)
        there = stage.stranger(f"10.20.1.{n}") if host is None else stage.side(host)
        stage.put(time, stage.forge.icmp(attacker, there, 8, rest=rest, payload=bytes(16)))
        if host is not None:
            stage.put(time + 700_000, stage.forge.icmp(there, attacker, 0, rest=rest, payload=bytes(16)))
    return Ends((attacker.address,), ("10.20.1.0/24",))


def arp_sweep(stage: Stage, start: int) -> Ends:
    """A stranger's machine in the client segment asks for every address of it."""
    attacker = Side("10.20.30.99", "02:20:30:00:00:63")
    for n, time in enumerate(_spread(stage, start, 8, 254), 1):
        address = f"10.20.30.{n}"
        host = stage.register.owner(address)
        there = stage.side(host) if host else Side(address, "00:00:00:00:00:00")
        stage.put(time, stage.forge.arp(1, attacker, there))
        if host is not None and host.name != "printer":
            stage.put(time + 350_000, stage.forge.arp(2, there, attacker))
    return Ends((attacker.address,), ("10.20.30.0/24",))
