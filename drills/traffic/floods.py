"""Attacks that drown their target."""

from __future__ import annotations

import ipaddress

from drills.stage import ACK, SECOND, SYN, Stage
from drills.traffic.plan import Ends


def _evenly(stage: Stage, start: int, seconds: float, rate: float) -> list[int]:
    """Moments at `rate` a second for `seconds` (shrunk with the scene, but 6 at least), with jitter."""
    seconds = max(min(6.0, seconds), seconds * stage.scale)
    count = int(seconds * rate)
    return [start + int((i + stage.dice.random()) / rate * SECOND) for i in range(count)]


def _anyone(stage: Stage) -> str:
    """A made-up public address."""
    while True:
        address = ipaddress.IPv4Address(stage.dice.getrandbits(32))
        if address.is_global and not address.is_multicast:
            return str(address)


def syn(
    stage: Stage, start: int, *, target: str = "portal", port: int = 443, rate: int = 350, seconds: int = 20
) -> Ends:
    """SYNs from made-up sources to a server, which answers until its queue is full."""
    there = stage.party(target)
    for i, time in enumerate(_evenly(stage, start, seconds, rate)):
        source, ports, seq = stage.stranger(_anyone(stage)), (stage.port(), port), stage.dice.getrandbits(32)
        stage.put(time, stage.forge.tcp(source, there, ports, SYN, seq=seq))
        if i < 256 or i % 16 == 0:
            answer = stage.forge.tcp(there, source, ports[::-1], SYN | ACK, seq=i, ack=seq + 1)
            stage.put(time + 200_000, answer)
    return Ends((), (there.address,), spoofed=True)


def reflection(
    stage: Stage, start: int, *, target: str = "portal", mirrors: int = 60, rate: int = 220, seconds: int = 15
) -> Ends:
    """Time servers all over answer questions that the target never asked (NTP monlist)."""
    there = stage.party(target)
    sources = [_anyone(stage) for _ in range(mirrors)]
    body = b"\xd7\x00\x03\x2a\x00\x06\x00\x48" + stage.junk(432)
    port = stage.port()
    for time in _evenly(stage, start, seconds, rate):
        mirror = stage.stranger(stage.dice.choice(sources))
        stage.put(time, stage.forge.udp(mirror, there, (123, port), body))
    return Ends(tuple(sorted(set(sources))), (there.address,), spoofed=True)


def udp6(
    stage: Stage, start: int, *, target: str = "portal", port: int = 443, bots: int = 24, rate: int = 260,
    seconds: int = 15,
) -> Ends:  # fmt: skip
    """Machines of a botnet send UDP to a server's port over IPv6; it refuses now and then."""
    there = stage.party(target, 6)
    sources = [f"2001:db8:bad::{n:x}" for n in range(1, bots + 1)]
    for i, time in enumerate(_evenly(stage, start, seconds, rate)):
        bot = stage.stranger(stage.dice.choice(sources))
        ports = (stage.port(), port)
        frame = stage.forge.udp(bot, there, ports, stage.junk(stage.dice.randrange(200, 900)))
        stage.put(time, frame)
        if i % 100 == 0:
            refusal = stage.forge.icmp(there, bot, 1, 4, payload=frame[14:134])
            stage.put(time + 400_000, refusal)
    return Ends(tuple(sources), (there.address,))


def carpet(
    stage: Stage, start: int, *, network: str = "10.20.1.0/24", mirrors: int = 80, rate: int = 500,
    seconds: int = 12,
) -> Ends:  # fmt: skip
    """Directory servers all over (CLDAP) answer to every address of a prefix: little to each, much to all."""
    net = ipaddress.ip_network(network)
    sources = [_anyone(stage) for _ in range(mirrors)]
    body = b"\x30\x84\x00\x00\x05\x9c\x02\x01\x07\x64" + stage.junk(420)
    for time in _evenly(stage, start, seconds, rate):
        address = str(net[stage.dice.randrange(1, min(net.num_addresses, 1 << 16) - 1)])
        host = stage.register.owner(address)
        there = stage.stranger(address) if host is None else stage.side(host, net.version)
        mirror = stage.stranger(stage.dice.choice(sources))
        stage.put(time, stage.forge.udp(mirror, there, (389, stage.port()), body))
    return Ends(tuple(sorted(set(sources))), (network,), spoofed=True)
