"""Conversations made of Scapy's packets, and what rules say about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scapy.config import conf
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from citywall.applicationsettings import ApplicationSettings
from rules.language.parser import Parser
from rules.match.engine import Alert, Engine
from rules.match.limits import Limits
from stream.matching import over_capture

# Scapy asks the network for cards that packets do not name, and waits.
conf.neighbor.resolve = lambda *_: "02:00:00:00:00:02"

CLIENT, SERVER = "192.168.1.10", "203.0.113.5"


def tcp(turns: list[tuple[int, bytes]], *, sport: int = 40000, dport: int = 80) -> list[Packet]:
    """A TCP connection: handshake, turns of (0 client | 1 server, bytes), each acknowledged, and its end."""
    ends = [(CLIENT, SERVER, sport, dport), (SERVER, CLIENT, dport, sport)]
    seq = [1000, 5000]

    def packet(side: int, flags: str, data: bytes = b"") -> Packet:
        source, target, here, there = ends[side]
        made = Ether() / IP(src=source, dst=target) / TCP(
            sport=here, dport=there, flags=flags, seq=seq[side], ack=seq[1 - side] if flags != "S" else 0
        )  # fmt: skip
        seq[side] += len(data) + ("S" in flags or "F" in flags)
        return made / Raw(data) if data else made

    made = [packet(0, "S"), packet(1, "SA"), packet(0, "A")]
    for side, data in turns:
        made += [packet(side, "PA", data), packet(1 - side, "A")]
    return [*made, packet(0, "FA"), packet(1, "FA"), packet(0, "A")]


def udp(data: bytes, *, back: bool = False, dport: int = 53) -> Packet:
    """One datagram."""
    if back:
        return Ether() / IP(src=SERVER, dst=CLIENT) / UDP(sport=dport, dport=40000) / Raw(data)
    return Ether() / IP(src=CLIENT, dst=SERVER) / UDP(sport=40000, dport=dport) / Raw(data)


def ping(number: int = 1, *, ttl: int = 64) -> Packet:
    """One echo request."""
    return Ether() / IP(src=CLIENT, dst=SERVER, ttl=ttl) / ICMP(type=8, id=7, seq=number) / Raw(b"abcdefgh")


@pytest.fixture
def alerts(tmp_path: Path) -> Callable[..., list[Alert]]:
    """Match rules (a text) over packets, a second apart."""

    def match(text: str, packets: list[Packet], limits: Limits | None = None, **more: Any) -> list[Alert]:
        for i, packet in enumerate(packets):
            packet.time = 1_700_000_000 + i * more.get("pace", 1)
        path = tmp_path / "scene.pcap"
        wrpcap(str(path), packets)
        found = Parser().text(text)
        assert not found.rejected, found.rejected
        inline = more.get("inline", False)
        engine = Engine(found.rules, limits, inline=inline)
        return over_capture(
            path, engine, ApplicationSettings(inline=inline, checksums=more.get("checksums", False))
        )

    return match


@pytest.fixture
def sids(alerts: Callable[..., list[Alert]]) -> Callable[..., list[int]]:
    """As `alerts`, the sids alone."""
    return lambda *given, **more: [alert.rule.sid for alert in alerts(*given, **more)]
