"""Attacks as flows and events, at three intensities each: what is put into a day to see when it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citywall.batches import ICMP, UDP
from drills.traffic import impostors, patient
from drills.traffic.day import DESKS, MASTER, PLANTS, RESOLVER, SERVERS
from drills.traffic.events import Events
from drills.traffic.rows import Flows, address

LOW, MIDDLE, HIGH = 0, 1, 2
INTENSITIES = ("low", "middle", "high")
_BAD = address("203.0.113.200")
_INSIDER = DESKS + 400
_RPC = b"\x05\x00\x0b\x03\x10"


def _no_flows(*_: object) -> None:
    """Of an attack that shows in events alone."""


@dataclass(frozen=True)
class Injection:
    """One attack: who does it, what is expected to tell it, and how its flows and events are made.

    `play(flows, at, level, bad)`: the attack begins `at` seconds after the day's beginning; `tell` likewise.
    """

    id: str
    detectors: tuple[str, ...]
    play: Callable[[Flows, float, int, int], None] = _no_flows
    tell: Callable[[Events, float, int, int], None] | None = None

    def made(self, begun: int, at: float, level: int, bad: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Its FLOW rows and its EVENT rows, on the day that began at `begun`."""
        flows, events = Flows(begun), Events(begun)
        self.play(flows, at, level, bad)
        if self.tell is not None:
            self.tell(events, at, level, bad)
        return flows.rows(), events.rows()


def _spread(at: float, seconds: float, n: int) -> np.ndarray:
    return at + np.arange(n) * (seconds / n)


def _horizontal(f: Flows, at: float, level: int, bad: int) -> None:
    n = (25, 100, 1000)[level]
    f.add(_spread(at, (600, 300, 60)[level], n), bad, SERVERS + np.arange(n), 3389, form="silent",
          packets=(1, 0), payload=(0, 0), lasts=0)  # fmt: skip


def _vertical(f: Flows, at: float, level: int, bad: int) -> None:
    n = (40, 300, 3000)[level]
    f.add(_spread(at, (300, 100, 60)[level], n), bad, SERVERS + 120, 1 + np.arange(n), form="refused",
          packets=(1, 1), payload=(0, 0), lasts=0)  # fmt: skip


def _sweep(f: Flows, at: float, level: int, bad: int) -> None:
    n = (25, 100, 500)[level]
    for dead in (0, 1):
        f.add(_spread(at, 60, n), bad, SERVERS + 2 * np.arange(n) + dead, 0, ICMP, sport=0, icmp=8,
              packets=(1, dead), payload=(56, 56 * dead), lasts=0)  # fmt: skip


def _guessing(f: Flows, at: float, level: int, bad: int) -> None:
    n = (15, 60, 400)[level]
    f.add(_spread(at, 240, n), bad, SERVERS + 121, 22, payload=(1700, 1400), heads=(b"SSH-2.0-", b"SSH-2.0-"),
          lasts=1.0)  # fmt: skip


def _spraying(f: Flows, at: float, level: int, bad: int) -> None:
    n = (25, 80, 300)[level]
    f.add(_spread(at, 1200, n), bad, SERVERS + 300 + np.arange(n), 3389, payload=(1500, 1600), lasts=2.0)


def _distributed(f: Flows, at: float, level: int, bad: int) -> None:
    n, each = ((30, 3), (80, 4), (400, 5))[level]
    who = np.tile(np.arange(n), each) + bad + 1000
    f.add(_spread(at, 1500, n * each), who, SERVERS + 122, 22, payload=(1700, 1400),
          heads=(b"SSH-2.0-", b"SSH-2.0-"), lasts=1.0)  # fmt: skip


def _syn_flood(f: Flows, at: float, level: int, bad: int) -> None:
    n = (1500, 8000, 40_000)[level]
    f.add(_spread(at, 10, n), bad + 5000 + np.arange(n) * 7, SERVERS + 123, 443, form="silent",
          packets=(1, 0), payload=(0, 0), lasts=0)  # fmt: skip


def _udp_flood(f: Flows, at: float, level: int, bad: int) -> None:
    n = (4000, 12_000, 40_000)[level]
    f.add(_spread(at, 10, n), bad + 5000 + np.arange(n) % 900, SERVERS + 124, 8000, UDP, packets=(3, 0),
          payload=(1500, 0), lasts=0.1)  # fmt: skip


def _reflection(f: Flows, at: float, level: int, bad: int) -> None:
    n = (600, 3000, 20_000)[level]
    f.add(_spread(at, 10, n), bad + 9000 + np.arange(n) % 200, SERVERS + 125, 40_000, UDP, sport=123,
          packets=(2, 0), payload=(900, 0), lasts=0)  # fmt: skip


def _carpet(f: Flows, at: float, level: int, bad: int) -> None:
    n = (6000, 20_000, 40_000)[level]
    f.add(_spread(at, 20, n), bad + 9000 + np.arange(n) % 300, SERVERS + 0x500 + np.arange(n) % 250,
          40_001, UDP, sport=389, packets=(1, 0), payload=(1400, 0), lasts=0)  # fmt: skip


def _beacon(f: Flows, at: float, level: int, bad: int) -> None:
    every, jitter, n = ((600, 0.3, 30), (60, 0.15, 60), (10, 0.0, 120))[level]
    dice = np.random.default_rng(n)
    gaps = every * (1 + jitter * dice.uniform(-1, 1, n))
    f.add(at + np.cumsum(gaps), _INSIDER, bad, 443, payload=(700, 300))


def _shell(f: Flows, at: float, level: int, bad: int) -> None:
    n = (1, 3, 10)[level]
    f.add(_spread(at, 300, n), _INSIDER + 1, bad, 9009, form="open", lasts=20, payload=(900, 60),
          heads=(b"$", b"id\n"))  # fmt: skip


def _mining(f: Flows, at: float, level: int, bad: int) -> None:
    lasts = (60, 600, 3600)[level]
    f.add([at], _INSIDER + 2, bad, 14_444, form="open", lasts=lasts, packets=(lasts, lasts),
          payload=(lasts * 100, lasts * 120), heads=(b'{"id":1,', b'{"id":1,'))  # fmt: skip


def _long(f: Flows, at: float, level: int, bad: int) -> None:
    hours = (1.2, 4, 13)[level]
    f.add([at - (hours > 8) * 7 * 3600], _INSIDER + 3, bad, 1234, form="open", lasts=hours * 3600,
          packets=(2000, 2000), payload=(90_000, 90_000))  # fmt: skip


def _dns_tunnel(f: Flows, at: float, level: int, _: int) -> None:
    n, size = ((15, 75), (150, 120), (1500, 180))[level]
    f.add(
        _spread(at, 120, n),
        _INSIDER + 4,
        RESOLVER,
        53,
        UDP,
        packets=(1, 1),
        payload=(size, size * 2),
        lasts=0,
    )


def _icmp_tunnel(f: Flows, at: float, level: int, bad: int) -> None:
    n = (40, 300, 3000)[level]
    f.add([at], _INSIDER + 5, bad, 0, ICMP, sport=0, icmp=8, lasts=120, packets=(n, n * 0.9),
          payload=(n * 300, n * 120))  # fmt: skip


def _theft(f: Flows, at: float, level: int, bad: int) -> None:
    size = (2.5e8, 1e9, 6e9)[level]
    f.add([at], _INSIDER + 6, bad, 443, form="open", lasts=600, packets=(size / 1300, size / 4000),
          payload=(size, 2e5))  # fmt: skip


def _fan(f: Flows, at: float, level: int, _: int) -> None:
    n = (18, 45, 200)[level]
    f.add(_spread(at, 900, n), _INSIDER + 7, DESKS + 600 + np.arange(n), 5985, lasts=2, payload=(3000, 9000))


def _execution(f: Flows, at: float, level: int, _: int) -> None:
    n = (1, 3, 10)[level]
    there = DESKS + 900 + np.arange(n)
    f.add(_spread(at, 200, n), _INSIDER + 8, there, 445, form="open", lasts=2, packets=(200, 90),
          payload=(180_000, 7000), heads=(b"\0\0\0\x45\xfeSMB", b"\0\0\0\x45\xfeSMB"))  # fmt: skip
    for port in (135, 49_700):
        f.add(_spread(at + 1, 200, n), _INSIDER + 8, there, port, payload=(2000, 900), heads=(_RPC, _RPC))


def _bursts(f: Flows, at: float, level: int, _: int) -> None:
    n = (250, 800, 2500)[level]
    f.add(_spread(at, 100, n), _INSIDER + 9, SERVERS + 10, 49_668, payload=(400, 200), heads=(_RPC, _RPC),
          lasts=0.05)  # fmt: skip


def _starvation(f: Flows, at: float, level: int, _: int) -> None:
    n = (150, 600, 5000)[level]
    f.add([at], 0, address("255.255.255.255"), 67, UDP, sport=68, lasts=8, packets=(n, 0),
          payload=(n * 240, 0), domain=77)  # fmt: skip


def _plant(f: Flows, at: float, level: int, _: int) -> None:
    n = (4, 12, 60)[level]
    f.add(_spread(at, 60, n), MASTER + 40, PLANTS + np.arange(n) % 2, 502, payload=(12, 9),
          heads=(b"\0\1\0\0\0\6\1\4", b"\0\1\0\0\0\3\1\x84"))  # fmt: skip


INJECTIONS = (
    Injection("horizontal scan", ("scan",), _horizontal),
    Injection("vertical scan", ("scan",), _vertical),
    Injection("ICMP sweep", ("scan",), _sweep),
    Injection("password guessing", ("bruteforce",), _guessing),
    Injection("password spraying", ("spray",), _spraying),
    Injection("distributed guessing", ("spray",), _distributed),
    Injection("SYN flood", ("flood",), _syn_flood),
    Injection("UDP flood", ("flood",), _udp_flood),
    Injection("NTP amplification", ("flood",), _reflection),
    Injection("carpet bombing", ("flood",), _carpet),
    Injection("call-backs", ("beacon",), _beacon),
    Injection("reverse shell", ("channel",), _shell),
    Injection("mining", ("channel",), _mining),
    Injection("long connection", ("longconn",), _long),
    Injection("DNS tunnel", ("dnstunnel",), _dns_tunnel),
    Injection("ICMP tunnel", ("covert",), _icmp_tunnel),
    Injection("data theft", ("exfiltration",), _theft),
    Injection("lateral fan-out", ("lateral",), _fan),
    Injection("remote execution", ("lateral",), _execution),
    Injection("attack on authentication", ("lateral",), _bursts),
    Injection("DHCP starvation", ("segment",), _starvation),
    Injection("reconnaissance of a plant", ("ics",), _plant),
    Injection("slow scan of hosts", ("slowscan",), patient.hosts),
    Injection("slow sweep of prefixes", ("slowscan",), patient.prefixes),
    Injection("scan of many sources", ("slowscan",), patient.shared),
    Injection("flood of requests", ("requests",), patient.requests),
    Injection("flood of ACK segments", ("requests",), patient.strays),
    Injection("requests never finished", ("slowflood",), patient.heads),
    Injection("slow reading", ("slowflood",), patient.readers),
    Injection("passed hash", ("passhash",), tell=impostors.passed_hash),
    Injection("tickets by a hash", ("passhash",), tell=impostors.passed_key),
    Injection("tickets to be cracked", ("passhash",), tell=impostors.roasting),
    Injection("copy of the directory", ("dcsync",), tell=impostors.directory_copy),
    Injection("pool of addresses emptied", ("leasepool",), tell=impostors.starvation),
    Injection("false DHCP server", ("leasepool",), tell=impostors.second_server),
    Injection("machine in two networks", ("twohomes",), tell=impostors.two_homes),
)


def bad_host(n: int) -> int:
    """The attacker of the n-th injection, where it comes from outside."""
    return _BAD + n * 0x10000
