"""Attacks that drown their target."""

from __future__ import annotations

import ipaddress

from drills.stage import ACK, SECOND, SYN, Stage
from drills.traffic.plan import Ends


def _evenly(stage: Stage, start: int, seconds: float, rate: float) -> list[int]:
    """Moments at `rate` a second for `seconds` (shrunk with the scene, but 6 at least), with jitter."""
    seconds = max(6.0, seconds * stage.scale)
    count = int(seconds * rate)
    return [start + int((i + stage.dice.random()) / rate * SECOND) for i in range(count)]


def _anyone(stage: Stage) -> str:
    """A made-up public address."""
    while True:
        address = ipaddress.IPv4Address(stage.dice.getrandbits(32))
        if address.is_global and not address.is_multicast:
            return str(address)


def syn(stage: Stage, start: int) -> Ends:
    """SYNs from made-up sources to the portal, which answers until its queue is full."""
    portal = stage.register["portal"]
    target = stage.side(portal)
    for i, time in enumerate(_evenly(stage, start, 20, 350)):
        source, ports, seq = stage.stranger(_anyone(stage)), (stage.port(), 443), stage.dice.getrandbits(32)
        stage.put(time, stage.forge.tcp(source, target, ports, SYN, seq=seq))
        if i < 256 or i % 16 == 0:
            answer = stage.forge.tcp(target, source, ports[::-1], SYN | ACK, seq=i, ack=seq + 1)
            stage.put(time + 200_000, answer)
    return Ends((), (portal.v4,), spoofed=True)


def reflection(stage: Stage, start: int) -> Ends:
    """Time servers all over answer questions that the portal never asked (NTP monlist)."""
    portal = stage.register["portal"]
    mirrors = [_anyone(stage) for _ in range(60)]
    body = b"\xd7\x00\x03\x2a\x00\x06\x00\x48" + stage.junk(432)
    port = stage.port()
    for time in _evenly(stage, start, 15, 220):
        mirror = stage.stranger(stage.dice.choice(mirrors))
        stage.put(time, stage.forge.udp(mirror, stage.side(portal), (123, port), body))
    return Ends(tuple(sorted(set(mirrors))), (portal.v4,), spoofed=True)


def udp6(stage: Stage, start: int) -> Ends:
    """Machines of a botnet send UDP to the portal's web port over IPv6; it refuses now and then."""
    portal = stage.register["portal"]
    bots = [f"2001:db8:bad::{n:x}" for n in range(1, 25)]
    for i, time in enumerate(_evenly(stage, start, 15, 260)):
        bot, target = stage.stranger(stage.dice.choice(bots)), stage.side(portal, 6)
        ports = (stage.port(), 443)
        frame = stage.forge.udp(bot, target, ports, stage.junk(stage.dice.randrange(200, 900)))
        stage.put(time, frame)
        if i % 100 == 0:
            refusal = stage.forge.icmp(target, bot, 1, 4, payload=frame[14:134])
            stage.put(time + 400_000, refusal)
    return Ends(tuple(bots), (portal.v6,))
