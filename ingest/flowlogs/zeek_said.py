"""Zeek's logs of what applications say: dns, http, ssl, ssh, smtp and dhcp, as JSON or columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from citywall.batches import TCP, UDP
from ingest.flowlogs import said
from ingest.flowlogs.fields import Fields, Vocabulary, cut, read_json
from ingest.flowlogs.lines import Errors, Lines
from ingest.flowlogs.said import Said
from ingest.flowlogs.zeek_tsv import Header

_ENDS = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
_UDP = Vocabulary({"udp": (UDP,), "tcp": (TCP,)})


def _dns(fields: Fields) -> Said:
    told = said.blank(fields, fields.times("ts"), _ENDS, UDP)
    told.rows["proto"] = _UDP.look_up(fields.words("proto"))[0][:, 0]
    told.rows["aux"] = fields.ports("trans_id", "bad_number")
    code = fields.ports("rcode", "bad_number")
    qtype = fields.ports("qtype", "bad_number")
    return said.names_asked(fields, told, ("query", "answers"), qtype, (fields.present("rcode"), code))


def _http(fields: Fields) -> Said:
    told = said.blank(fields, fields.times("ts"), _ENDS, TCP)
    status = fields.ports("status_code", "bad_number")
    return said.requests(fields, told, ("method", "host", "uri", "user_agent"), status)


def _ssl(fields: Fields) -> Said:
    told = said.blank(fields, fields.times("ts"), _ENDS, TCP)
    return said.sessions(fields, told, "version", "cipher", "server_name")


def _ssh(fields: Fields) -> Said:
    told = said.blank(fields, fields.times("ts"), _ENDS, TCP)
    return said.outcomes(fields, told, "auth_success")


def _smtp(fields: Fields) -> Said:
    told = said.blank(fields, fields.times("ts"), _ENDS, TCP)
    return said.mails(fields, told, "last_reply")


def _dhcp(fields: Fields) -> Said:
    told = said.blank(fields, fields.times("ts"), ("client_addr", "", "server_addr", ""), UDP)
    return said.leases(fields, told, "mac", "requested_addr", "assigned_addr")


#: By kind of log: the fields that are read, and what makes rows of them.
KINDS: dict[str, tuple[tuple[str, ...], Callable[[Fields], Said]]] = {
    "dhcp": (("client_addr", "server_addr", "mac", "requested_addr", "assigned_addr"), _dhcp),
    "dns": (("proto", "trans_id", "query", "qtype", "rcode", "answers"), _dns),
    "http": (("method", "host", "uri", "user_agent", "status_code"), _http),
    "ssl": (("version", "cipher", "server_name"), _ssl),
    "ssh": (("auth_success",), _ssh),
    "smtp": (("last_reply",), _smtp),
}


def read(lines: Lines, kind: str, columns: str, errors: Errors) -> Said:
    """What the lines of a log of this kind say; what makes no sense is added to `errors`."""
    if kind not in KINDS:
        return Said()
    wanted, make = KINDS[kind]
    begins = lines.buffer[lines.starts]
    json = begins == ord("{")
    parts = [_part(lines.where(json), wanted, make, "", errors)]
    parts.append(_part(lines.where(~json & (begins != ord("#"))), wanted, make, columns, errors))
    return said.together(*parts)


def _part(
    lines: Lines, wanted: tuple[str, ...], make: Callable[[Fields], Said], columns: str, errors: Errors
) -> Said:
    told = Header(columns)
    by_columns: NDArray[np.bool_] | bool = bool(columns)
    if not len(lines) or (by_columns and not told.columns):
        return Said()
    fields = Fields(lines, ("ts", *_ENDS, *wanted))
    if by_columns:
        cut(fields, told.columns, told.separator, absent=(told.unset, told.empty))
    else:
        read_json(fields)
    known = fields.status != 0  # told by whoever reads the log
    fields.require("ts", *(("mac",) if "mac" in wanted else ("id.orig_h", "id.resp_h")))
    known |= fields.status != 0  # which fields there are differs from site to site
    rows = make(fields)
    errors.add_status(np.where(known, 0, fields.status).astype(np.uint8), lines.numbers)
    return rows
