"""A day of an office city without an attack, as flows: what detectors must bear in silence.

People at their desks browse, mail, print, meet and use files by the hour of the day; machines ask for names
and the time, report to their makers, are updated, monitored, scanned by the house's own scanner and backed up
at night. The same seed gives the same day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citywall.batches import ICMP, UDP
from drills.traffic.rows import Flows, address

HOUR = 3600.0
#: How busy each hour is, as a share of the busiest.
BUSY = np.array(
    [2, 1, 1, 1, 1, 2, 5, 20, 80, 100, 100, 95, 50, 60, 95, 100, 95, 80, 30, 12, 8, 6, 4, 3], np.float64
) / 100  # fmt: skip
DESKS, SERVERS, SITES = address("10.50.0.0"), address("10.60.0.0"), address("198.18.0.0")
RESOLVER, CLOCK, MAIL, FILES, PRINTER, UPDATES = (SERVERS + n for n in (53, 123, 25, 45, 91, 85))
DIRECTORY, MONITOR, SCANNER, BACKUP, PORTAL, BASTION = (SERVERS + n for n in (10, 50, 66, 200, 80, 22))
NAT, MASTER, PLANTS = address("10.70.0.1"), address("10.80.0.2"), address("10.80.0.100")
#: What the register says of this house: who may scan, and who copies outside by contract.
DECLARED = {"scanner": "10.60.0.66", "nat": "10.70.0.1", "cloud backup": "10.60.0.45"}


@dataclass(frozen=True)
class Day:
    """One day of so many hosts; `hour(h)` gives the flows that begin in it."""

    hosts: int
    seed: int
    begun: int  # ns, midnight

    def hour(self, hour: int) -> Flows:
        """Everything of one hour."""
        dice = np.random.default_rng((self.seed, hour))
        flows = Flows(self.begun + hour * int(HOUR) * 1_000_000_000)
        for part in (_people, _names, _office, _machines, _servers, _night):
            part(flows, dice, self.hosts, hour)
        return flows


def exempt() -> dict[str, dict[str, list[str]]]:
    """The detectors' settings that a house with this register has."""
    scanner, pool, copies = DECLARED.values()
    return {
        "scan": {"exempt": [scanner, pool]}, "lateral": {"exempt": [scanner]}, "spray": {"exempt": [scanner]},
        "exfiltration": {"exempt": [copies]}, "ics": {"exempt": [scanner]}, "beacon": {"exempt": [pool]},
        "slowscan": {"exempt": [scanner, pool]},
    }  # fmt: skip


def _who(dice: np.random.Generator, hosts: int, each: float) -> NDArray[np.int64]:
    """Desks, each about `each` times, in no order."""
    return dice.integers(0, hosts, dice.poisson(hosts * each)) + DESKS + 2


def _people(flows: Flows, dice: np.random.Generator, hosts: int, hour: int) -> None:
    """The web, its dead links, meetings, uploads; and an office behind one address."""
    busy = BUSY[hour]
    for crowd in (_who(dice, hosts, 25 * busy), np.full(dice.poisson(4000 * busy * hosts / 2000), NAT)):
        n = len(crowd)
        site = SITES + (dice.zipf(1.3, n) % 30000)
        down = dice.lognormal(9, 2, n).clip(300, 3e8)
        up = dice.lognormal(7, 1, n).clip(200, 2e7)
        lasts = dice.exponential(8, n)
        bulk = (up / 1200 + 4, down / 1200 + 4)
        flows.add(dice.uniform(0, HOUR, n), crowd, site, 443, lasts=lasts, packets=bulk, payload=(up, down))
        dead = min(max(n // 60, 1), n)
        flows.add(dice.uniform(0, HOUR, dead), crowd[:dead], site[:dead] + 40000, 443, form="silent",
                  packets=(3, 0), payload=(0, 0), lasts=3)  # fmt: skip
    calls = _who(dice, hosts, 0.08 * busy)
    n, minutes = len(calls), dice.uniform(5, 60, len(calls)) * 60
    rate = dice.uniform(0.8, 1.2, n) * 120_000 * minutes
    flows.add(dice.uniform(0, HOUR, n), calls, SITES + 50_000 + calls % 7, 3478, UDP, lasts=minutes,
              packets=(rate / 900, rate / 1000), payload=(rate, rate * 1.3))  # fmt: skip


def _names(flows: Flows, dice: np.random.Generator, hosts: int, hour: int) -> None:
    """Questions of desks to the resolver, and of the resolver to others."""
    for asker, there, each in ((None, RESOLVER, 60.0), (RESOLVER, address("223.5.5.5"), 15.0)):
        crowd = _who(dice, hosts, each * BUSY[hour] + 3)
        n = len(crowd)
        size = dice.normal(38, 7, n).clip(24, 90)
        flows.add(dice.uniform(0, HOUR, n), crowd if asker is None else asker, there, 53, UDP, lasts=0.02,
                  packets=(1, 1), payload=(size, size * dice.uniform(1.5, 6, n)))  # fmt: skip


def _office(flows: Flows, dice: np.random.Generator, hosts: int, hour: int) -> None:
    """Directory, procedures, files, mail, printing: what a desk does inside the house."""
    busy = BUSY[hour]
    for port, each, up, down, lasts, opening in (
        (88, 1.0, 1300, 1400, 0.05, b""),
        (389, 1.0, 800, 3000, 0.5, b""),
        (135, 0.5, 300, 300, 0.1, b"\x05\x00\x0b\x03\x10"),
        (49668, 0.5, 2500, 3000, 0.5, b"\x05\x00\x0b\x03\x10"),
        (445, 0.3, 3000, 6000, 5.0, b"\x00\x00\x00\x45\xfeSMB"),
    ):
        crowd = _who(dice, hosts, each * busy)
        at = dice.uniform(0, HOUR, len(crowd))
        flows.add(
            at, crowd, DIRECTORY + crowd % 2, port, lasts=lasts, payload=(up, down), heads=(opening, opening)
        )
    crowd = _who(dice, hosts, 0.6 * busy)
    n = len(crowd)
    put, taken = dice.lognormal(10, 2, n).clip(500, 2e8), dice.lognormal(12, 2, n).clip(500, 2e9)
    flows.add(dice.uniform(0, HOUR, n), crowd, FILES, 445, lasts=dice.exponential(120, n),
              packets=(put / 1200 + 5, taken / 1200 + 5), payload=(put, taken),
              heads=(b"\x00\x00\x00\x45\xfeSMB", b"\x00\x00\x00\x45\xfeSMB"))  # fmt: skip
    for port, each, up_mean, down_mean in ((993, 4.0, 2000, 9000), (587, 0.4, 60_000, 900)):
        crowd = _who(dice, hosts, each * busy)
        n = len(crowd)
        sizes = dice.exponential(up_mean, n) + 300, dice.exponential(down_mean, n) + 300
        flows.add(dice.uniform(0, HOUR, n), crowd, MAIL, port, lasts=dice.exponential(30, n), payload=sizes)
    crowd = _who(dice, hosts, 0.2 * busy)
    flows.add(dice.uniform(0, HOUR, len(crowd)), crowd, PRINTER + crowd % 5, 9100, payload=(300_000, 200),
              packets=(250, 120), lasts=4)  # fmt: skip


def _regular(flows: Flows, dice: np.random.Generator, who: NDArray[np.int64], every: float, jitter: float,
             **to: object) -> None:  # fmt: skip
    """Each of `who` at even intervals, from a moment of its own on."""
    turns = int(HOUR // every)
    phase = (who * 7919 % 1000) / 1000 * every
    at = (phase[:, None] + np.arange(turns)[None, :] * every).ravel()
    at = (at + dice.normal(0, jitter, len(at))).clip(0, HOUR)
    flows.add(at, np.repeat(who, turns), **to)  # type: ignore[arg-type]


def _machines(flows: Flows, dice: np.random.Generator, hosts: int, hour: int) -> None:
    """What machines do by themselves: the time, makers' reports, updates, a line held to the maker."""
    on = np.arange(hosts) + DESKS + 2
    if not 7 <= hour <= 19:
        on = on[: hosts // 10]
    _regular(flows, dice, on, 1024, 2, dst=CLOCK, dport=123, proto=UDP, packets=(1, 1), payload=(48, 48))
    for app, (share, every) in enumerate(((3, 300), (4, 600), (7, 900), (40, 600))):
        who = on[on % share == 0]
        _regular(flows, dice, who, every, every / 20, dst=SITES + 60_000 + app, dport=443, payload=(900, 700))
    own = on[on % 701 == 5]  # two or three have software that nobody else has
    for host in own:
        _regular(flows, dice, np.array([host]), 420, 5, dst=SITES + 61_000 + host % 50, dport=443,
                 payload=(500, 400))  # fmt: skip
    if hour == 12:
        flows.add(dice.uniform(0, HOUR, hosts), on[0] + np.arange(hosts), UPDATES, 8530, lasts=20,
                  packets=(3000, 9000), payload=(20_000, 12_000_000))  # fmt: skip
    if hour == 8:
        who = on[on % 11 == 0]
        flows.add(dice.uniform(0, HOUR, len(who)), who, SITES + 60_100, 5228, form="open", lasts=9 * HOUR,
                  packets=(700, 700), payload=(40_000, 60_000))  # fmt: skip
        clients = dice.uniform(0, HOUR, hosts)
        flows.add(clients, on[0] + np.arange(hosts), SERVERS + 1, 67, UDP, sport=68, packets=(1, 1),
                  payload=(300, 300), lasts=0.05)  # fmt: skip


def _servers(flows: Flows, dice: np.random.Generator, hosts: int, hour: int) -> None:
    """The portal's visitors, monitoring, administrators by way of the bastion, a plant's master."""
    n = dice.poisson(1500 * BUSY[hour] * hosts / 2000)
    visitors = address("203.0.113.0") + dice.integers(0, 40_000, n)
    flows.add(dice.uniform(0, HOUR, n), visitors, PORTAL, 443, payload=(900, 30_000), packets=(9, 30))
    watched = np.arange(30) + SERVERS + 100
    minutes = np.repeat(np.arange(60) * 60.0, len(watched)) + np.tile(np.arange(30) * 0.3, 60)
    targets = np.tile(watched, 60)
    flows.add(minutes, MONITOR, targets, 0, ICMP, sport=0, packets=(3, 3), payload=(168, 168), icmp=8)
    flows.add(minutes + 0.1, MONITOR, targets, 443, payload=(300, 900))
    flows.add(minutes + 0.2, MONITOR, targets, 161, UDP, packets=(4, 4), payload=(200, 500))
    n = dice.poisson(6 * BUSY[hour])
    admins, there = DESKS + 2 + dice.integers(0, 5, n), SERVERS + 100 + dice.integers(0, 30, n)
    lines = {"lasts": dice.exponential(900, n) + 60, "packets": (900, 900), "payload": (60_000, 200_000),
             "heads": (b"SSH-2.0-", b"SSH-2.0-")}  # fmt: skip
    at = dice.uniform(0, HOUR, n)
    flows.add(at, admins, BASTION, 22, form="open", **lines)
    flows.add(at + 2, BASTION, there, 22, form="open", **lines)
    plants = np.arange(6) + PLANTS
    polls = np.repeat(np.arange(0, HOUR, 10.0), 6) + np.tile(np.arange(6) * 0.2, 360)
    flows.add(polls, MASTER, np.tile(plants, 360), 502, payload=(12, 17),
              heads=(b"\0\1\0\0\0\6\1\3", b"\0\1\0\0\0\x0b\1\3"))  # fmt: skip


def _night(flows: Flows, dice: np.random.Generator, hosts: int, hour: int) -> None:
    """Backups inside and of one server outside, and the house's own scanner."""
    if hour == 1:
        who = np.arange(30) + SERVERS + 100
        flows.add(dice.uniform(0, HOUR / 2, 30), who, BACKUP, 10_000, lasts=1200,
                  packets=(1_500_000, 700_000), payload=(2e9, 1e6))  # fmt: skip
        flows.add([60.0], FILES, SITES + 60_200, 443, lasts=3000, packets=(3_000_000, 900_000),
                  payload=(4e9, 1e6))  # fmt: skip
    if hour == 3:
        targets = np.arange(250) + SERVERS
        for port in (21, 22, 80, 443, 445, 1433, 3306, 3389, 8080):
            form = "talk" if port in (22, 80, 443) else "refused"
            flows.add(dice.uniform(0, HOUR, 250), SCANNER, targets, port, form=form, packets=(3, 3),
                      payload=(0, 200 if form == "talk" else 0))  # fmt: skip
    if hour == 2 and hosts:
        flows.add([30.0], DESKS + 3, SERVERS + 130, 23, form="open", lasts=90, packets=(60, 60),
                  payload=(400, 3000))  # fmt: skip
