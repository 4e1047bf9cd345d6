"""Zeek's logs of what applications say, as JSON or columns; of files and certificates; and its notices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from citywall.batches import TCP, TLS_WHOLE_CERTIFICATE, UDP
from citywall.rows import join, take
from ingest.flowlogs import artefacts, said
from ingest.flowlogs.chains.layout import NAME
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
    prints = said.hexadecimal(fields, "ja3"), said.hexadecimal(fields, "ja3s")
    found = said.sessions(fields, told, "version", "cipher", "server_name", prints=prints, ja4="ja4")
    by_server = said.turned(told, TLS_WHOLE_CERTIFICATE).rows
    shown = [
        artefacts.named(fields, rows, f"{chain}_{name}")
        for chain, rows in (("cert_chain", by_server), ("client_cert_chain", told.rows))
        for name in ("fps", "fuids")  # by fingerprint since 4.1, before by the file's identifier
    ]
    names = join(shown, NAME)
    found.names = take(names, np.argsort(names["line"], kind="stable"))
    return found


def _ssh(fields: Fields) -> Said:
    told = said.blank(fields, fields.times("ts"), _ENDS, TCP)
    return said.outcomes(fields, told, "auth_success")


def _smtp(fields: Fields) -> Said:
    told = said.blank(fields, fields.times("ts"), _ENDS, TCP)
    return said.mails(fields, told, "last_reply")


def _dhcp(fields: Fields) -> Said:
    told = said.blank(fields, fields.times("ts"), ("client_addr", "", "server_addr", ""), UDP)
    return said.leases(fields, told, "mac", "requested_addr", "assigned_addr")


def _files(fields: Fields) -> Said:
    """Sent by whom and to whom older versions tell as sets of hosts, newer ones by the connection."""
    told = said.blank(fields, fields.times("ts"), _ENDS, TCP)
    by_client, known = said.OUTCOME.look_up(fields.words("is_orig"))
    artefacts.turn(told, known & (by_client[:, 0] == 0))
    for side, name in (("src", "tx_hosts"), ("dst", "rx_hosts")):
        artefacts.first_host(fields, told, side, name)
    names = artefacts.FileNames("filename", "mime_type", "seen_bytes", "total_bytes")
    found = artefacts.files(fields, told, names, "source")
    shown = artefacts.named(fields, told.rows, "fuid", weak=True)
    certificate = fields.lines.numbers[_CERTIFICATES.look_up(fields.words("mime_type"))[1]]
    found.names = shown[np.isin(shown["line"], certificate)]
    found.names["code"] = 0
    return found


def _x509(fields: Fields) -> Said:
    told = said.blank(fields, fields.times("ts"), _ENDS, TCP)
    found = artefacts.certificates(fields, told, "certificate.", "fingerprint", "san.dns")
    keys = np.where(fields.present("fingerprint"), fields.words("fingerprint"), fields.words("id"))
    found.keys = keys[fields.status == 0]
    return found


def _notice(fields: Fields) -> Said:
    told = said.blank(fields, fields.times("ts"), _ENDS, TCP)
    told.rows["proto"] = artefacts.PROTO.look_up(fields.words("proto"))[0][:, 0]
    for side in ("src", "dst"):
        artefacts.first_host(fields, told, side, side)
    port = fields.ports("p")
    told.rows["dst_port"] = np.where(fields.present("p"), port, told.rows["dst_port"])
    return artefacts.notices(fields, told, ("note", "msg", "sub"), "n")


_CERTIFICATE = tuple(
    f"certificate.{name}"
    for name in (
        "subject",
        "issuer",
        "serial",
        "not_valid_before",
        "not_valid_after",
        "key_type",
        "key_length",
    )
)
#: As which certificates go in a log of files.
_CERTIFICATES = Vocabulary(
    {f"application/{name}": (1,) for name in ("pkix-cert", "x-x509-user-cert", "x-x509-ca-cert")}
)
_CHAINS = ("cert_chain_fps", "client_cert_chain_fps", "cert_chain_fuids", "client_cert_chain_fuids")
_HOSTS = ("id.orig_h", "id.resp_h")
#: By kind of log: the fields that are read, those that must be there, and what makes rows of them.
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], Callable[[Fields], Said]]] = {
    "dhcp": (("client_addr", "server_addr", "mac", "requested_addr", "assigned_addr"), ("mac",), _dhcp),
    "dns": (("proto", "trans_id", "query", "qtype", "rcode", "answers"), _HOSTS, _dns),
    "http": (("method", "host", "uri", "user_agent", "status_code"), _HOSTS, _http),
    "ssl": (("version", "cipher", "server_name", "ja3", "ja3s", "ja4", *_CHAINS), _HOSTS, _ssl),
    "ssh": (("auth_success",), _HOSTS, _ssh),
    "smtp": (("last_reply",), _HOSTS, _smtp),
    "files": (
        ("fuid", "tx_hosts", "rx_hosts", "is_orig", "source", "filename", "mime_type", "seen_bytes",
         "total_bytes", "md5", "sha1", "sha256"), ("fuid",), _files,
    ),
    "x509": ((*_CERTIFICATE, "san.dns", "fingerprint", "id"), ("certificate.serial",), _x509),
    "notice": (("note", "msg", "sub", "src", "dst", "p", "n", "proto"), ("note",), _notice),
}  # fmt: skip


def read(lines: Lines, kind: str, columns: str, errors: Errors) -> Said:
    """What the lines of a log of this kind say; what makes no sense is added to `errors`."""
    if kind not in KINDS:
        return Said()
    begins = lines.buffer[lines.starts]
    json = begins == ord("{")
    parts = [_part(lines.where(json), kind, "", errors)]
    parts.append(_part(lines.where(~json & (begins != ord("#"))), kind, columns, errors))
    return said.together(*parts)


def _part(lines: Lines, kind: str, columns: str, errors: Errors) -> Said:
    wanted, required, make = KINDS[kind]
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
    fields.require("ts", *required)
    known |= fields.status != 0  # which fields there are differs from site to site
    rows = make(fields)
    errors.add_status(np.where(known, 0, fields.status).astype(np.uint8), lines.numbers)
    return rows
