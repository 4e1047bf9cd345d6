"""Attacks that show in log-ins, tickets, calls and leases: who passes for another, and who hands out what."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citywall.batches import (
    CALL_MADE,
    CALLS_BOUND,
    DHCP_MESSAGE,
    NTLM_LOGON,
    OTHER_SENDER,
    SHARE_OPENED,
    TICKET_ASKED,
    TICKET_GIVEN,
    UDP,
)
from citywall.domains import NAMED
from drills.traffic.day import DESKS, DIRECTORY, SERVERS
from drills.traffic.events import Events, digests, names
from drills.traffic.rows import address

_SEAT = DESKS + 1200  # of the insider of each attack: seats from here on
_SEGMENT = 77
_EVERYBODY = address("255.255.255.255")


def _over(at: float, seconds: float, n: int) -> NDArray[np.float64]:
    return np.asarray(at + np.arange(n) * (seconds / n), np.float64)


def passed_hash(e: Events, at: float, level: int, _: int) -> None:
    """Another's account by NTLM, from a tool without a name, and the disks of servers."""
    n = (1, 3, 12)[level]
    times, there = _over(at, 120, n), SERVERS + 140 + np.arange(n)
    e.add(times, _SEAT, there, NTLM_LOGON, b"administrator", b"city", b"", type=6)
    e.add(times + 1, _SEAT, there, SHARE_OPENED, b"admin$")
    e.add(times + 2, _SEAT, there, CALLS_BOUND, type=2, code=3)


def passed_key(e: Events, at: float, level: int, _: int) -> None:
    """First tickets by the hash of a password, for accounts that always used AES."""
    n = (1, 2, 8)[level]
    for i in range(n):
        account = names("boss%d", i)
        e.add(at - 7200 + np.arange(4) * 900.0, _SEAT + 20 + i, DIRECTORY, TICKET_ASKED, account, b"city.gov",
              ports=(40_000, 88), type=18, code=3)  # fmt: skip
        e.add([at + i * 5], _SEAT + 1, DIRECTORY, TICKET_ASKED, account, b"city.gov", ports=(40_000, 88),
              type=23, code=3 if level == 0 else 2)  # fmt: skip


def roasting(e: Events, at: float, level: int, _: int) -> None:
    """Tickets with RC4 for service after service."""
    n, seconds = ((16, 600), (20, 60), (200, 10))[level]
    services = names("mssqlsvc/db%d", np.arange(n))
    e.add(_over(at, seconds, n), DIRECTORY, _SEAT + 2, TICKET_GIVEN, b"trainee", services, ports=(88, 40_000),
          type=23, answers=digests(services, n))  # fmt: skip


def directory_copy(e: Events, at: float, level: int, _: int) -> None:
    """A desk copies the directory: its bind unseen, asked of the mapper, or seen; one account, or all."""
    ends = _SEAT + 3, DIRECTORY
    if level:
        ports, code = ((40_001, 135), 2) if level == 1 else ((40_000, 49_668), 1)
        e.add([at], *ends, CALLS_BOUND, ports=ports, type=1, code=code)
    for n, number in enumerate((16, 12)):
        e.add([at + 1 + n], *ends, CALL_MADE, ports=(40_000, 49_668), type=number)
    e.add(at + 3 + np.arange((1, 4, 60)[level]) * 1.0, *ends, CALL_MADE, ports=(40_000, 49_668), type=3)


def starvation(e: Events, at: float, level: int, _: int) -> None:
    """Addresses asked for in the name of cards that nobody has."""
    n = (40, 250, 2500)[level]
    macs = 0x02AA00000000 + np.arange(n) * 7919
    cards = names("02:aa:00:%06d", np.arange(n))
    e.add(_over(at, 40, n), 0, _EVERYBODY, DHCP_MESSAGE, cards, ports=(68, 67), proto=UDP, type=1,
          src_mac=macs, flags=OTHER_SENDER, domain=_SEGMENT + 1)  # fmt: skip


def second_server(e: Events, at: float, level: int, bad: int) -> None:
    """A desk answers before the server does, and leads all who listen through itself."""
    n = (1, 4, 40)[level]
    who = np.arange(n)
    cards = names("pc-%06d", who)
    here = DESKS + 2 + who
    e.add(_over(at, 60, n), _SEAT + 4, here, DHCP_MESSAGE, cards, ports=(67, 68), proto=UDP, type=2,
          dst_mac=0x3C5282000000 + who, answer_lo=here | 0xFFFF00000000, answers=bad)  # fmt: skip


def two_homes(e: Events, at: float, level: int, _: int) -> None:
    """A machine renews its lease in one network and in another by turns."""
    n, every = ((4, 1500.0), (8, 600.0), (40, 60.0))[level]
    turn = np.arange(n) % 2
    there = np.where(turn == 0, _SEAT + 5, address("10.99.0.5"))
    mac, given = 0x3C5282990001, there | 0xFFFF00000000
    e.add(at + np.arange(n) * every, there, SERVERS + 1, DHCP_MESSAGE, b"3c:52:82:99:00:01", ports=(68, 67),
          proto=UDP, type=3, src_mac=mac, answer_lo=given, domain=NAMED + turn)  # fmt: skip
