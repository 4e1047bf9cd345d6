"""Hosts named in free text, as manifests name attackers and victims.

`192.168.1.247 (50:ed:3c:39:bc:d9)`, `147.32.80.0/21`, `10.10.10.10:25565`, `ff02::1 / local link`,
`37,623 spoofed sources` (names none).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAC = re.compile(r"(?<![0-9A-Fa-f:-])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![0-9A-Fa-f:-])")
_V4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2}(?!\d))?(?![\d.]*\d)")
# Hexadecimal digits with at least two colons may be IPv6, also with an IPv4 tail: the parser decides.
_V6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?:/\d{1,3})?")


@dataclass(frozen=True)
class Hosts:
    """Networks (a host is one of full length) and MACs (lower case, with colons)."""

    networks: frozenset[Network] = frozenset()
    macs: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether any host is named."""
        return bool(self.networks or self.macs)

    def __or__(self, other: Hosts) -> Hosts:
        """Hosts of both."""
        return Hosts(self.networks | other.networks, self.macs | other.macs)

    def covers(self, name: str) -> bool:
        """Whether `name` (an address, a prefix or a MAC) is one of these hosts or lies within one.

        A prefix wider than every network named here is not covered: it does not tell which host.
        """
        found = named(name)
        if found.macs & self.macs:
            return True
        return any(_within(inner, outer) for inner in found.networks for outer in self.networks)


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def named(text: str) -> Hosts:
    """Every address, prefix and MAC in `text`."""
    macs = {match.group().lower().replace("-", ":") for match in _MAC.finditer(text)}
    rest = _MAC.sub(" ", text)
    sixes = _networks(_V6.findall(rest))
    fours = _networks(_V4.findall(_V6.sub(_without_v6, rest)))
    return Hosts(frozenset(sixes | fours), frozenset(macs))


def _without_v6(match: re.Match[str]) -> str:
    return " " if _networks([match.group()]) else match.group()


def _networks(candidates: Iterable[str]) -> set[Network]:
    found: set[Network] = set()
    for candidate in candidates:
        # Punctuation of the sentence may cling to an address, and `::` ends one too: only single marks go.
        tail = candidate.rstrip(".")
        if tail.endswith(":") and not tail.endswith("::"):
            tail = tail[:-1]
        if not any(character.isalnum() for character in tail):
            continue
        try:
            found.add(ipaddress.ip_network(tail, strict=False))
        except ValueError:
            continue  # digits with dots or colons that are no address: a version, a time of day
    return found
