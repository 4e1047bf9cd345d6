"""`geoip`: the country of an address, as a database of MaxMind's form (MMDB) says.

The file is read once, into ranges of addresses that lie apart, so that packets cost a search and no call. Its
reader is the package `maxminddb`, which is not installed with Citywall: only this needs it. What rules ask of
packets' addresses are numbers of packets called `geoip,<side>,[!]<countries>`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.addresses import V4_MAPPED
from citywall.errors import InputError
from rules.language.model import Rule

PREFIX = "geoip,"
SIDES = ("src", "dst", "both", "any")
#: Why a rule cannot match where settings name no database; what `rules check` says.
NO_DATABASE = "geoip needs rules.countries, a database of countries (MMDB)"
#: Networks that are read.
MOST = 20_000_000
_LOW, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32)
Words = NDArray[np.uint64]


class Countries:
    """Which country addresses are of: numbers of `codes`, 0 for none that is known."""

    def __init__(self, networks: Sequence[tuple[Any, str]]) -> None:
        """`networks`: (IPv4Network or IPv6Network, code), apart from each other and in order."""
        self.codes = ["", *sorted({code for _, code in networks})]
        number = {code: i for i, code in enumerate(self.codes)}
        four = [(n, number[code]) for n, code in networks if isinstance(n, IPv4Network)]
        six = [(n, number[code]) for n, code in networks if not isinstance(n, IPv4Network)]
        self._four = _Ranges(
            np.array([int(n.network_address) for n, _ in four], np.uint64),
            np.array([int(n.broadcast_address) for n, _ in four], np.uint64),
            [code for _, code in four],
        )
        self._six = _Ranges(
            np.array([n.network_address.packed for n, _ in six], "S16"),
            np.array([n.broadcast_address.packed for n, _ in six], "S16"),
            [code for _, code in six],
        )

    def of(self, high: Words, low: Words) -> NDArray[np.int64]:
        """The country of each address, given as its two words."""
        mapped = (high == 0) & (low >> _SHIFT == V4_MAPPED >> 32)
        found = np.zeros(len(high), np.int64)
        found[mapped] = self._four.find(low[mapped] & _LOW)
        rest = ~mapped
        if rest.any():
            words = np.stack([high[rest], low[rest]], axis=1).astype(">u8")
            found[rest] = self._six.find(np.ascontiguousarray(words).view("S16").ravel())
        return found

    def agree(self, name: str, source: tuple[Any, ...], target: tuple[Any, ...]) -> NDArray[np.bool_]:
        """Of which packets what a number `name` asks holds, given their addresses as two words each."""
        side, *codes = name.removeprefix(PREFIX).split(",")
        negated = codes[0].startswith("!")
        wanted = {codes[0].lstrip("!"), *codes[1:]}
        among = np.array([bool(code) and (code in wanted) is not negated for code in self.codes])
        sides = {"src": (source,), "dst": (target,)}.get(side, (source, target))
        told = [among[self.of(high, low)] for high, low, *_ in sides]
        return told[0] if len(told) == 1 else told[0] & told[1] if side == "both" else told[0] | told[1]


class _Ranges:
    """Ranges apart from each other, in order, and a number for each."""

    def __init__(self, first: NDArray[Any], last: NDArray[Any], numbers: list[int]) -> None:
        order = np.argsort(first, kind="stable")
        self._first, self._last = first[order], last[order]
        self._numbers = np.array(numbers, np.int64)[order] if numbers else np.zeros(0, np.int64)

    def find(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """The number of the range that each value is in, 0 for none."""
        if not len(self._first):
            return np.zeros(len(values), np.int64)
        at = np.searchsorted(self._first, values, "right") - 1
        inside = (at >= 0) & (values <= self._last[at])
        return np.where(inside, self._numbers[at], 0)


def read(path: Path) -> Countries:
    """Read a database; raises InputError where it, or the package that reads it, cannot be used."""
    try:
        import maxminddb
    except ImportError as e:
        raise InputError(
            str(path), "the package maxminddb is not installed: pip install 'citywall[countries]'"
        ) from e
    networks: list[tuple[Any, str]] = []
    try:
        with maxminddb.open_database(path) as database:
            for network, said in database:
                code = _code(said)
                if code:
                    networks.append((network, code))
                if len(networks) > MOST:
                    raise InputError(str(path), f"it has more than {MOST} networks")
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as e:
        raise InputError(str(path), f"it is no database of countries: {e}") from e
    if not networks:
        raise InputError(str(path), "it names no country")
    return Countries(networks)


def _code(said: object) -> str:
    """The country's code in what a database says of a network."""
    country = said.get("country") if isinstance(said, dict) else None
    code = country.get("iso_code") if isinstance(country, dict) else None
    return code if isinstance(code, str) else ""


def applied(rules: Sequence[Rule], known: Countries | None) -> list[Rule]:
    """Rules as they are where a database is known; the others are the same objects."""
    if known is None:
        return list(rules)
    return [_applied(rule) if NO_DATABASE in rule.cannot else rule for rule in rules]


def asked(rules: Sequence[Rule]) -> bool:
    """Whether any rule asks for countries."""
    return any(NO_DATABASE in rule.cannot for rule in rules)


def _applied(rule: Rule) -> Rule:
    made = copy.copy(rule)
    made.cannot = [why for why in rule.cannot if why != NO_DATABASE]
    return made
