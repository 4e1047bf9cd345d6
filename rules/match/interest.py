"""What of the application layers a rule set can see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rules.keywords.sticky import BUFFERS
from rules.match.compiled import SAME, STREAM, TRANSACTION, UNIT, Compiled

#: Protocols whose messages give no reason to look into a stream before there is enough of it.
SILENT = frozenset({"smb", "ftp", "ftp-data", "iec104", "imap", "mdns", "tftp"})
#: Protocols behind which another may go on in the same connection, or that announce one.
_CARRIERS = frozenset({"http", "smtp", "ftp", "rdp"})
#: What rules demand of transactions that is no buffer, number or event.
_OTHERS = frozenset(
    {"app-layer-state", "dcerpc.iface", "dcerpc.opnum", "http2.settings", "krb5.ticket_encryption",
     "ldap.responses.operation", "ldap.result", "modbus", "enip.cip_service", "tls.expired", "tls.valid"}
)  # fmt: skip
_EMPTY = frozenset({"bypass"})
#: Those that need no more than a number.
_NUMBERS = {"ssl_version": "tls.version", "ftpbounce": "ftp.port_address"}
#: Buffers that say that the head of a message is known, so what is not there will not come.
_LINES = frozenset({"http.request_line", "http.response_line"})
_CALLS = frozenset({"smb", "dcerpc"})


class Interest(NamedTuple):
    """Protocols that are to be read, buffers and numbers that are to be kept; None for all.

    `calls`: whether anything about SMB's commands and DCE/RPC's calls is asked but the files they carry.
    """

    protocols: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    fields: frozenset[str] | None = None
    calls: bool = True


def interest(rules: Sequence[Compiled], every: Iterable[str]) -> Interest:
    """What some rules need of the protocols that there are, that their alerts are those of all being read."""
    protocols: set[str] = set()
    kinds: set[str] = set()
    fields: set[str] = set()
    calls = named = False
    for compiled in rules:
        rule = compiled.rule
        named = named or bool(compiled.applications or rule.applications)
        if compiled.kind == UNIT:
            return Interest()
        if compiled.payload is not None and compiled.kind in {STREAM, TRANSACTION}:
            protocols |= set(every) - SILENT  # a message that is whole is a reason to look
        if compiled.kind != TRANSACTION:
            continue
        if any(
            name not in _OTHERS and name not in _EMPTY and name not in _NUMBERS for name, _ in rule.others
        ):
            continue  # it never agrees
        spoken = compiled.applications or owners(compiled)
        if rule.hook or not spoken or any(name in _OTHERS for name, _ in rule.others):
            return Interest()
        protocols |= spoken
        asked = {SAME.get(check.demand.kind, check.demand.kind) for check in compiled.checks}
        kinds |= asked
        if any(check.absent for check in compiled.checks):
            kinds |= _LINES
            fields.add("dns.id")
        fields |= {number.name for number in rule.fields}
        fields |= {_NUMBERS[name] for name, _ in rule.others if name in _NUMBERS}
        calls = calls or bool(spoken & _CALLS and (rule.fields or asked != {"file.data"}))
    if named or protocols:
        protocols |= _CARRIERS
    return Interest(frozenset(protocols), frozenset(kinds), None if calls else frozenset(fields), calls)


def owners(compiled: Compiled) -> frozenset[str]:
    """Protocols that the buffers of a rule belong to; none where a rule looks at transactions of all."""
    found: set[str] = set()
    for check in compiled.checks:
        if check.demand.kind in BUFFERS:
            found |= BUFFERS[check.demand.kind].protocols
    return frozenset(found)
