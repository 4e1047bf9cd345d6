"""The parsers, one line each: what is tried first stands first."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from ingest.applications.parser import Parser, Unread

#: (direction, the first bytes of that direction, (client's port, server's port)): yes, no, or not yet known.
Looks = Callable[[int, bytes, tuple[int, int]], bool | None]


class Entry(NamedTuple):
    """A protocol: where its parser is, and what carries it."""

    name: str
    module: str
    parser: str
    tcp: bool
    udp: bool


# Each module has `looks(direction, data, ports)` beside its parser.
PARSERS = (
    Entry("http2", "http2", "Http2", tcp=True, udp=False),
    Entry("http", "http1", "Http1", tcp=True, udp=False),
    Entry("tls", "tls", "Tls", tcp=True, udp=False),
    Entry("ssh", "ssh", "Ssh", tcp=True, udp=False),
    Entry("smb", "smb", "Smb", tcp=True, udp=False),
    Entry("dcerpc", "dcerpc", "Dcerpc", tcp=True, udp=False),
    Entry("smtp", "smtp", "Smtp", tcp=True, udp=False),
    Entry("ftp", "ftp", "Ftp", tcp=True, udp=False),
    Entry("sip", "sip", "Sip", tcp=True, udp=True),
    Entry("mqtt", "mqtt", "Mqtt", tcp=True, udp=False),
    Entry("rfb", "rfb", "Rfb", tcp=True, udp=False),
    Entry("rdp", "rdp", "Rdp", tcp=True, udp=False),
    Entry("modbus", "modbus", "Modbus", tcp=True, udp=False),
    Entry("dnp3", "dnp3", "Dnp3", tcp=True, udp=False),
    Entry("iec104", "iec104", "Iec104", tcp=True, udp=False),
    Entry("enip", "enip", "Enip", tcp=True, udp=True),
    Entry("krb5", "krb5", "Krb5", tcp=True, udp=True),
    Entry("ldap", "ldap", "Ldap", tcp=True, udp=True),
    Entry("nfs", "nfs", "Nfs", tcp=True, udp=True),
    Entry("pgsql", "pgsql", "Pgsql", tcp=True, udp=False),
    Entry("pop3", "pop3", "Pop3", tcp=True, udp=False),
    Entry("imap", "imap", "Imap", tcp=True, udp=False),
    Entry("quic", "quic", "Quic", tcp=False, udp=True),
    Entry("snmp", "snmp", "Snmp", tcp=False, udp=True),
    Entry("dhcp", "dhcp", "Dhcp", tcp=False, udp=True),
    Entry("ntp", "ntp", "Ntp", tcp=False, udp=True),
    Entry("ike", "ike", "Ike", tcp=False, udp=True),
    Entry("tftp", "tftp", "Tftp", tcp=False, udp=True),
    Entry("mdns", "mdns", "Mdns", tcp=False, udp=True),
    Entry("dns", "dns", "Dns", tcp=True, udp=True),
    Entry("telnet", "telnet", "Telnet", tcp=True, udp=False),
    Entry("websocket", "websocket", "Websocket", tcp=False, udp=False),
    Entry("ftp-data", "ftp", "FtpData", tcp=False, udp=False),
)
_BY_NAME = {entry.name: entry for entry in PARSERS}
TCP = tuple(entry.name for entry in PARSERS if entry.tcp)
UDP = tuple(entry.name for entry in PARSERS if entry.udp)


@cache
def parser_of(name: str) -> type[Parser]:
    """The parser of a protocol."""
    entry = _BY_NAME[name]
    found: type[Parser] = getattr(_module(name), entry.parser)
    return found


@cache
def unread(name: str) -> type[Parser]:
    """Stands where the parser of a protocol would, and reads nothing."""
    return type("Unread", (Unread,), {"name": name})


@cache
def looks_of(name: str) -> Looks:
    """What says whether bytes are of a protocol."""
    found: Looks = _module(name).looks
    return found


@cache
def _module(name: str) -> Any:
    return importlib.import_module(f"ingest.applications.{_BY_NAME[name].module}")


@cache
def among(names: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `names` that are wanted; all where `wanted` is empty."""
    return tuple(name for name in names if name in wanted) if wanted else names


def recognise(names: tuple[str, ...], direction: int, data: bytes, ports: tuple[int, int]) -> str | None:
    """The protocol that bytes are of; "" where none is, None where more bytes may tell."""
    perhaps = False
    for name in names:
        answer = looks_of(name)(direction, data, ports)
        if answer:
            return name
        perhaps = perhaps or answer is None
    return None if perhaps else ""
