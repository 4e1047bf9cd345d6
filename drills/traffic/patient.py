"""Attacks that take their time, share the work, or are answered: what windows of minutes do not show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drills.traffic.day import SERVERS
from drills.traffic.rows import Flows, address

_HOUR = 3600.0
_NETS = address("10.90.0.1")


def _over(at: float, seconds: float, n: int) -> NDArray[np.float64]:
    return np.asarray(at + np.arange(n) * (seconds / n), np.float64)


def hosts(f: Flows, at: float, level: int, bad: int) -> None:
    """One source asks for a host every so many minutes, for hours; nobody is there."""
    n, hours = ((40, 6.0), (80, 4.0), (160, 2.0))[level]
    f.add(_over(at, hours * _HOUR, n), bad, SERVERS + 0x900 + np.arange(n), 3389, form="silent",
          packets=(1, 0), payload=(0, 0), lasts=0)  # fmt: skip


def prefixes(f: Flows, at: float, level: int, bad: int) -> None:
    """One source asks for the first host of prefix after prefix."""
    n, hours = ((32, 5.0), (60, 3.0), (150, 1.5))[level]
    f.add(_over(at, hours * _HOUR, n), bad, _NETS + 256 * np.arange(n), 22, form="silent",
          packets=(1, 0), payload=(0, 0), lasts=0)  # fmt: skip


def shared(f: Flows, at: float, level: int, bad: int) -> None:
    """Many sources share the ports of one host, each a few, none twice."""
    sources, n, seconds = ((20, 160, 7200), (60, 400, 3600), (300, 1500, 1800))[level]
    f.add(_over(at, seconds, n), bad + 1000 + np.arange(n) % sources, SERVERS + 127, 1 + 41 * np.arange(n),
          form="silent", packets=(1, 0), payload=(0, 0), lasts=0)  # fmt: skip


def requests(f: Flows, at: float, level: int, bad: int) -> None:
    """Connections with a request and an answer, far more a second than the service ever had."""
    sources, rate, seconds = ((8, 180, 20), (40, 500, 15), (300, 2000, 10))[level]
    n = rate * seconds
    f.add(_over(at, seconds, n), bad + 1000 + np.arange(n) % sources, SERVERS + 128, 443, packets=(6, 6),
          payload=(400, 3000), lasts=0.3)  # fmt: skip


def heads(f: Flows, at: float, level: int, bad: int) -> None:
    """Requests that are never finished: a line of their head now and then."""
    sources, n = ((1, 45), (2, 200), (30, 900))[level]
    f.add(_over(at, 30, n), bad + np.arange(n) % sources, SERVERS + 131, 80, form="open", lasts=100.0,
          packets=(12, 8), payload=(420, 0), heads=(b"GET / HT", b""))  # fmt: skip


def readers(f: Flows, at: float, level: int, bad: int) -> None:
    """Answers that are taken a few bytes at a time."""
    n = (130, 220, 400)[level]
    f.add(_over(at, 30, n), bad, SERVERS + 132, 443, form="open", lasts=100.0, packets=(30, 25),
          payload=(900, 5000))  # fmt: skip


def strays(f: Flows, at: float, level: int, bad: int) -> None:
    """Segments that belong to no connection, from forged sources; the host resets each."""
    n = (1200, 6000, 30_000)[level]
    f.add(_over(at, 10, n), bad + 5000 + np.arange(n) % 4000, SERVERS + 129, 443, form="stray",
          packets=(1, 1), payload=(0, 0), lasts=0)  # fmt: skip
