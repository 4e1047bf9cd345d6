"""What an office city's log-ins, tickets and leases say in a day without an attack.

Desks prove themselves with AES, get tickets for what they use (one service's account knows only RC4), log in
to old servers by NTLM as themselves; administrators open disks; printers put what they scanned under no name;
two controllers copy from each other; cards ask for the addresses they had, of two servers that agree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citywall.batches import (
    CALL_MADE,
    CALLS_BOUND,
    DHCP_MESSAGE,
    NTLM_LOGON,
    SHARE_OPENED,
    TICKET_ASKED,
    TICKET_GIVEN,
    UDP,
)
from drills.traffic.day import BUSY, DESKS, DIRECTORY, FILES, HOUR, PRINTER, SERVERS, Day
from drills.traffic.events import Events, digests, names

_SERVICES = np.array([b"cifs/files", b"ldap/dc", b"http/portal", b"host/print", b"mssqlsvc/old"])
_CARDS = 0x3C5282000000
_LEASES = 7  # what both servers of addresses hand out


def told(day: Day, hour: int) -> Events:
    """Everything of one hour."""
    dice = np.random.default_rng((day.seed, hour, 1))
    events = Events(day.begun + hour * int(HOUR) * 1_000_000_000)
    for part in (_tickets, _old_servers, _controllers, _leases):
        part(events, dice, day.hosts, hour)
    return events


def _who(dice: np.random.Generator, hosts: int, each: float) -> NDArray[np.int64]:
    return dice.integers(0, hosts, dice.poisson(hosts * each))


def _tickets(events: Events, dice: np.random.Generator, hosts: int, hour: int) -> None:
    who = _who(dice, hosts, BUSY[hour])
    events.add(dice.uniform(0, HOUR, len(who)), DESKS + 2 + who, DIRECTORY + who % 2, TICKET_ASKED,
               names("user%d", who), b"city.gov", ports=(40_000, 88), type=18, code=3)  # fmt: skip
    who = _who(dice, hosts, 4 * BUSY[hour])
    which = dice.choice(len(_SERVICES), len(who), p=(0.4, 0.3, 0.15, 0.1, 0.05))
    events.add(dice.uniform(0, HOUR, len(who)), DIRECTORY + who % 2, DESKS + 2 + who, TICKET_GIVEN,
               names("user%d", who), _SERVICES[which], ports=(88, 40_000),
               type=np.where(which == 4, 23, 18), answers=digests(_SERVICES[which], len(who)))  # fmt: skip


def _old_servers(events: Events, dice: np.random.Generator, hosts: int, hour: int) -> None:
    who = _who(dice, hosts, 0.2 * BUSY[hour])
    _ntlm(events, dice.uniform(0, HOUR, len(who)), who, FILES + 1)
    n = dice.poisson(6 * BUSY[hour])
    who, there = dice.integers(0, 5, n), SERVERS + 100 + dice.integers(0, 30, n)
    at = dice.uniform(0, HOUR - 10, n)
    _ntlm(events, at, who, there)
    events.add(at + 1, DESKS + 2 + who, there, SHARE_OPENED, b"c$")
    scans = dice.integers(0, 5, dice.poisson(60 * BUSY[hour]))
    events.add(
        dice.uniform(0, HOUR, len(scans)), PRINTER + scans, FILES, NTLM_LOGON, b"scan", b"city", b"", type=6
    )


def _ntlm(
    events: Events, at: NDArray[np.float64], who: NDArray[np.int64], there: NDArray[np.int64] | int
) -> None:
    """Desks log in as those who sit there."""
    stations = names("pc-%d", who)
    events.add(at, DESKS + 2 + who, there, NTLM_LOGON, names("user%d", who), b"city", stations, type=6,
               answers=digests(stations, len(who)))  # fmt: skip


def _controllers(events: Events, dice: np.random.Generator, hosts: int, hour: int) -> None:
    del dice, hosts, hour
    at = np.arange(700.0, HOUR, 900.0)
    for one, other in ((0, 1), (1, 0)):
        ends = DIRECTORY + one, DIRECTORY + other
        events.add(at + one, *ends, CALLS_BOUND, ports=(40_100, 49_668), type=1, code=1)
        events.add(at + one + 0.1, *ends, CALL_MADE, ports=(40_100, 49_668), type=3)


def _leases(events: Events, dice: np.random.Generator, hosts: int, hour: int) -> None:
    if hour != 8:
        return
    who = np.arange(hosts)
    at, cards = dice.uniform(0, HOUR, hosts), names("pc-%06d", who)
    here, server = DESKS + 2 + who, SERVERS + 1 + who % 2
    given = here | 0xFFFF00000000
    events.add(at, here, server, DHCP_MESSAGE, cards, ports=(68, 67), proto=UDP, type=3, answer_lo=given,
               src_mac=_CARDS + who)  # fmt: skip
    events.add(at + 0.01, server, here, DHCP_MESSAGE, cards, ports=(67, 68), proto=UDP, type=5,
               answer_lo=given, answers=_LEASES, dst_mac=_CARDS + who)  # fmt: skip
