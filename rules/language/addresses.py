"""Address and port lists of a rule's header: variables, negation, nesting, ranges.

Addresses are inclusive ranges of 128-bit numbers, IPv4 in its mapped form; ports of 16-bit ones.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from citywall.errors import RuleFault

Ranges = tuple[tuple[int, int], ...]

MAPPED = 0xFFFF_0000_0000
ALL_ADDRESSES: Ranges = ((0, (1 << 128) - 1),)
ALL_PORTS: Ranges = ((0, 65535),)
_DEEPEST = 32

#: What Suricata's shipped configuration says; settings change it.
ADDRESS_VARIABLES: Mapping[str, str] = {
    "HOME_NET": "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]",
    "EXTERNAL_NET": "!$HOME_NET",
    **dict.fromkeys(
        (
            *("HTTP_SERVERS", "SMTP_SERVERS", "SQL_SERVERS", "DNS_SERVERS", "TELNET_SERVERS"),
            *("DC_SERVERS", "DNP3_SERVER", "DNP3_CLIENT", "MODBUS_CLIENT", "MODBUS_SERVER"),
            *("ENIP_CLIENT", "ENIP_SERVER"),
        ),
        "$HOME_NET",
    ),
    "AIM_SERVERS": "$EXTERNAL_NET",
}
PORT_VARIABLES: Mapping[str, str] = {
    "HTTP_PORTS": "80",
    "SHELLCODE_PORTS": "!80",
    "ORACLE_PORTS": "1521",
    "SSH_PORTS": "22",
    "DNP3_PORTS": "20000",
    "MODBUS_PORTS": "502",
    "FILE_DATA_PORTS": "[$HTTP_PORTS,110,143]",
    "FTP_PORTS": "21",
    "GENEVE_PORTS": "6081",
    "VXLAN_PORTS": "4789",
    "TEREDO_PORTS": "3544",
    "SIP_PORTS": "[5060,5061]",
}


class Lists:
    """Reads header lists with one set of variables; each distinct text is read once."""

    def __init__(
        self,
        addresses: Mapping[str, str] = ADDRESS_VARIABLES,
        ports: Mapping[str, str] = PORT_VARIABLES,
    ) -> None:
        self._addresses = addresses
        self._ports = ports
        self._known_addresses: dict[str, tuple[Ranges, bool]] = {}
        self._known_ports: dict[str, Ranges] = {}

    def addresses(self, text: str) -> Ranges:
        """Ranges of an address list; raises RuleFault (column 0: the caller knows it)."""
        return self._address_list(text)[0]

    def negates(self, text: str) -> bool:
        """Whether an address list, or a variable in it, negates something; raises RuleFault."""
        return self._address_list(text)[1]

    def _address_list(self, text: str) -> tuple[Ranges, bool]:
        if text not in self._known_addresses:
            found = _read(text, _Kind("address", self._addresses, _address, ALL_ADDRESSES))
            self._known_addresses[text] = found
        return self._known_addresses[text]

    def ports(self, text: str) -> Ranges:
        """Ranges of a port list; raises RuleFault."""
        if text not in self._known_ports:
            self._known_ports[text] = _read(text, _Kind("port", self._ports, _port, ALL_PORTS))[0]
        return self._known_ports[text]


class _Kind(NamedTuple):
    """How one kind of list is read."""

    what: str
    variables: Mapping[str, str]
    single: Callable[[str], tuple[int, int]]
    everything: Ranges


def _read(text: str, kind: _Kind) -> tuple[Ranges, bool]:
    """The ranges of a list, and whether it negates some."""
    what, everything = kind.what, kind.everything
    wanted, refused = _terms(text, kind, 0)
    top = everything[0][1]
    ranges = subtract(merge(wanted) if wanted else everything, merge(refused), top)
    if not ranges:
        raise RuleFault(f"the {what} list {text!r} is empty: everything in it is negated", 0)
    return ranges, bool(refused)


def _terms(text: str, kind: _Kind, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """What a list names and what it negates."""
    what, everything = kind.what, kind.everything
    if depth > _DEEPEST:
        raise RuleFault(f"the {what} list {text[:40]!r} is nested too deeply or names itself", 0)
    text = text.strip()
    if not text:
        raise RuleFault(f"an empty {what}", 0)
    if len(parts := list(_parts(text, what))) > 1:  # a list may stand without its brackets
        return _both(parts, kind, depth)
    if text[0] == "!":
        wanted, refused = _terms(text[1:], kind, depth + 1)
        inside = subtract(merge(wanted) if wanted else everything, merge(refused), everything[0][1])
        if inside == everything:
            raise RuleFault(f"!any matches no {what}", 0)
        return [], list(inside)
    if text[0] == "[":
        if text[-1] != "]":
            raise RuleFault(f"the {what} list {text[:40]!r} is not closed", 0)
        return _both(_parts(text[1:-1], what), kind, depth)
    if text[0] == "$":
        name = text[1:]
        if name not in kind.variables:
            raise RuleFault(f"the {what} variable ${name} is not defined", 0)
        return _terms(kind.variables[name], kind, depth + 1)
    if text.lower() == "any":
        return list(everything), []
    return [kind.single(text)], []


def _both(
    parts: Iterable[str], kind: _Kind, depth: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    wanted: list[tuple[int, int]] = []
    refused: list[tuple[int, int]] = []
    for part in parts:
        more, less = _terms(part, kind, depth + 1)
        wanted += more
        refused += less
    return wanted, refused


def _parts(text: str, what: str) -> Iterator[str]:
    depth = start = 0
    for at, letter in enumerate(text):
        if letter == "[":
            depth += 1
        elif letter == "]":
            depth -= 1
        elif letter == "," and depth == 0:
            yield text[start:at]
            start = at + 1
        if depth < 0:
            break
    if depth:
        raise RuleFault(f"brackets of the {what} list [{text[:40]}] do not match", 0)
    yield text[start:]


def _address(text: str) -> tuple[int, int]:
    try:
        if "-" in text:
            low_text, _, high_text = text.partition("-")
            low, high = _number(low_text.strip()), _number(high_text.strip())
            if low > high:
                raise RuleFault(f"the address range {text!r} runs backwards", 0)
            return low, high
        if "/" not in text:
            number = _number(text)
            return number, number
        net = ipaddress.ip_network(text, strict=False)
    except ValueError as e:
        raise RuleFault(f"{text!r} is no address", 0) from e
    shift = MAPPED if net.version == 4 else 0
    return int(net.network_address) + shift, int(net.broadcast_address) + shift


def _number(text: str) -> int:
    address = ipaddress.ip_address(text)
    return int(address) + (MAPPED if address.version == 4 else 0)


def _port(text: str) -> tuple[int, int]:
    low_text, colon, high_text = text.partition(":")
    low_text, high_text = low_text.strip(), high_text.strip()
    if not (low_text or high_text) or not (low_text or "0").isdigit() or not (high_text or "0").isdigit():
        raise RuleFault(f"{text!r} is no port", 0)
    low = int(low_text or "0")
    high = low if not colon else int(high_text or "65535")
    if low > high or high > 65535:
        raise RuleFault(f"{text!r} is no range of ports", 0)
    return low, high


def merge(ranges: list[tuple[int, int]]) -> Ranges:
    """Sorted, disjoint and not touching."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            if high > out[-1][1]:
                out[-1] = (out[-1][0], high)
        else:
            out.append((low, high))
    return tuple(out)


def subtract(ranges: Ranges, without: Ranges, top: int) -> Ranges:
    """Merged ranges without others; nothing is above `top`."""
    out: list[tuple[int, int]] = []
    for low, high in ranges:
        at = low
        for first, last in without:
            if last < at or first > high:
                continue
            if first > at:
                out.append((at, first - 1))
            at = last + 1
        if at <= min(high, top):
            out.append((at, high))
    return tuple(out)


def holds(ranges: Ranges, number: int) -> bool:
    """Whether a number is in one of the ranges."""
    return any(low <= number <= high for low, high in ranges)
