"""What applications say, told by logs: the same EVENT rows as `ingest.sightings` makes of packets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.batches import (
    ACCOUNT_LOGIN,
    DATA_ACCESS,
    DHCP_MESSAGE,
    DNS_ANSWER,
    DNS_QUERY,
    EVENT,
    HTTP_REQUEST,
    HTTP_RESPONSE,
    LOGIN_RESULT,
    METHODS,
    TCP,
    TEXT,
    TLS_CLIENT,
    TLS_SERVER,
)
from citywall.rows import join, take
from ingest.flowlogs import kernels
from ingest.flowlogs.chains.layout import NAME
from ingest.flowlogs.fields import Fields, Vocabulary
from ingest.sightings import kernels as sightings
from ingest.sightings.leases import kernels as dhcp
from ingest.sightings.patterns import BUILT

METHOD = Vocabulary({name: (i,) for i, name in enumerate(METHODS) if name})
QTYPE = Vocabulary({"a": (1,), "ns": (2,), "cname": (5,), "soa": (6,), "null": (10,), "ptr": (12,),
                    "mx": (15,), "txt": (16,), "aaaa": (28,), "srv": (33,), "any": (255,)})  # fmt: skip
RCODE = Vocabulary({"noerror": (0,), "formerr": (1,), "servfail": (2,), "nxdomain": (3,), "notimp": (4,),
                    "refused": (5,)})  # fmt: skip
VERSION = Vocabulary({
    name: (code,)
    for code, names in (
        (0x0002, ("sslv2",)), (0x0300, ("sslv3", "ssl 3.0")),
        (0x0301, ("tlsv10", "tlsv1", "tls 1.0", "tls 1")),
        (0x0302, ("tlsv11", "tls 1.1", "tlsv1.1")), (0x0303, ("tlsv12", "tls 1.2", "tlsv1.2")),
        (0x0304, ("tlsv13", "tls 1.3", "tlsv1.3")),
    )
    for name in names
})  # fmt: skip
_WORKED = ("success", "succeeded", "successful", "ok", "accepted", "allowed", "true", "t", "1", "成功")
_REFUSED = ("failure", "failed", "fail", "denied", "rejected", "false", "f", "0", "失败")
#: Whether a log-in worked, as logs put it.
OUTCOME = Vocabulary(dict.fromkeys(_WORKED, (1,)) | dict.fromkeys(_REFUSED, (0,)))
#: For ciphers that are told by name: one that does not protect, and one that does.
_WEAK, _SOUND = 0x0005, 0xFFFF
_SMTP, _SSH = 4, 11
_DIGITS, _JA4 = 32, 36  # characters of JA3 and JA3S, and of JA4
_HEX = np.full(256, 255, np.uint8)
_HEX[[*b"0123456789abcdef"]] = range(16)
_HEX[[*b"ABCDEF"]] = range(10, 16)
_DHCP_REQUEST, _DHCP_ACK = 3, 5  # RFC 2132


@dataclass
class Said:
    """EVENT rows in line order, and the lines they came from.

    `keys`: where the rows are certificates, what other logs call each (0: nothing). `names` (NAME, in line
    order) are those who showed certificates that another log tells of.
    """

    rows: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, EVENT))
    lines: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    keys: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    names: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, NAME))

    def where(self, chosen: NDArray[np.bool_]) -> Said:
        """The rows that `chosen` says."""
        return Said(self.rows[chosen], self.lines[chosen])


def together(*parts: Said) -> Said:
    """Rows of several in line order, those of one line in the order given."""
    rows = join([part.rows for part in parts], EVENT)
    lines = np.concatenate([part.lines for part in parts])
    keys = np.concatenate([part.keys for part in parts])
    names = join([part.names for part in parts], NAME)
    order = np.argsort(lines, kind="stable")
    chosen = keys[order] if len(keys) else keys
    return Said(
        take(rows, order), lines[order], chosen, take(names, np.argsort(names["line"], kind="stable"))
    )


def blank(fields: Fields, time: NDArray[np.int64], ends: tuple[str, str, str, str], proto: int) -> Said:
    """Rows with who and when: `ends` names source, its port, target, its port."""
    rows = np.zeros(len(fields.lines), EVENT)
    rows["time"], rows["proto"] = time, proto
    rows["offset"] = rows["frame"] = -1
    for side, (host, port) in (("src", ends[:2]), ("dst", ends[2:])):
        rows[f"{side}_hi"], rows[f"{side}_lo"] = fields.addresses(host)
        rows[f"{side}_port"] = fields.ports(port) if port else 0
    return Said(rows, fields.lines.numbers)


def turned(said: Said, kind: int) -> Said:
    """The answers to what is said."""
    rows = said.rows.copy()
    for what in ("hi", "lo", "port"):
        rows[f"src_{what}"], rows[f"dst_{what}"] = said.rows[f"dst_{what}"], said.rows[f"src_{what}"]
    rows["kind"] = kind
    return Said(rows, said.lines)


def write(fields: Fields, said: Said, names: tuple[str, ...], most: tuple[int, ...], named: int = 0) -> None:
    """Texts of up to three fields into rows."""
    spans = np.zeros((len(said.rows), 3, 2), np.int64)
    for j, name in enumerate(names):
        spans[:, j] = fields.span_of(name)
    limits = np.array([*most, 0, 0, 0][:3], np.int64)
    raw = said.rows["text"]
    with np.errstate(over="ignore"):
        sightings.write_texts(
            fields.lines.buffer, spans, limits, named, np.empty(sightings.SCRATCH, np.uint8), said.rows, raw
        )


def names_asked(
    fields: Fields,
    said: Said,
    names: tuple[str, str],
    qtype: NDArray[Any],
    answer: tuple[NDArray[np.bool_], NDArray[Any]],
) -> Said:
    """A line of a log of names: the question, and the answer where there was one (and its code).

    `names` are those of the name asked for and of the answers.
    """
    query, answers = names
    answered, code = answer
    said.rows["kind"], said.rows["type"] = DNS_QUERY, qtype
    said.rows["size"] = 0
    write(fields, said, (query,), (TEXT,))
    told = turned(said, DNS_ANSWER)
    told.rows["code"] = code
    spans = fields.span_of(answers)
    first = np.zeros_like(spans)
    sightings.first_items(fields.lines.buffer, spans, first)
    ok = np.zeros(len(first), np.uint8)
    hi, lo = np.zeros(len(first), np.uint64), np.zeros(len(first), np.uint64)
    kernels.addresses(fields.lines.buffer, first, hi, lo, ok)
    found = ok == kernels.GOOD
    told.rows["answer_hi"], told.rows["answer_lo"] = np.where(found, hi, 0), np.where(found, lo, 0)
    told.rows["answers"] = np.where(found, fields.words(answers), 0)
    told.rows["count"] = found
    good = (fields.status == 0) & fields.present(query)
    return together(said.where(good), told.where(good & answered))


def requests(fields: Fields, said: Said, names: tuple[str, str, str, str], status: NDArray[Any]) -> Said:
    """A line of a log of the web: `names` are those of method, host, target and agent."""
    method, host, target, agent = names
    said.rows["kind"] = HTTP_REQUEST
    said.rows["code"] = METHOD.look_up(fields.words(method))[0][:, 0]
    write(fields, said, (host, target, agent), (72, 120, 48), named=1)
    flags, tried = np.zeros((2, len(said.rows)), np.int64)
    scratch = np.empty((2, sightings.SCRATCH), np.uint8)
    sightings.read_signs(
        fields.lines.buffer, fields.span_of(target), fields.span_of(agent),
        (said.rows["code"] == METHODS.index("POST")).astype(np.uint8), BUILT, *scratch, flags, tried,
    )  # fmt: skip
    said.rows["flags"], said.rows["number"] = flags, tried
    told = turned(said, HTTP_RESPONSE)
    for name in ("flags", "number", "digest", "name_size", "rest_size", "agent_size", "text"):
        told.rows[name] = 0
    told.rows["code"] = status
    good = (fields.status == 0) & fields.present(target)
    return together(said.where(good), told.where(good & (status > 0)))


Words = tuple[NDArray[np.uint64], NDArray[np.uint64]]


def hexadecimal(fields: Fields, name: str) -> Words:
    """A field of 32 hexadecimal digits as two words each; zeros where it is something else."""
    spans = fields.span_of(name)
    high, low = np.zeros(len(spans), np.uint64), np.zeros(len(spans), np.uint64)
    rows = np.flatnonzero(spans[:, 1] - spans[:, 0] == _DIGITS)
    digits = _HEX[fields.lines.buffer[spans[rows, 0][:, None] + np.arange(_DIGITS)]]
    good = (digits < 16).all(axis=1)
    octets = np.ascontiguousarray(digits[good, ::2] << 4 | digits[good, 1::2]).view(">u8")
    high[rows[good]], low[rows[good]] = octets[:, 0], octets[:, 1]
    return high, low


def sessions(
    fields: Fields,
    said: Said,
    version: str,
    cipher: str,
    server: str,
    *,
    prints: tuple[Words, Words],
    ja4: str,
) -> Said:
    """A line of a log of TLS: what the client asked for, what the server chose; `prints` of both."""
    said.rows["kind"] = TLS_CLIENT
    spans = fields.span_of(ja4)
    write(fields, said, (server, server, ja4), (200, 0, _JA4))
    said.rows["agent_size"][spans[:, 1] - spans[:, 0] != _JA4] = 0  # in full or not at all
    told = turned(said, TLS_SERVER)
    told.rows["agent_size"] = 0
    for rows, words in ((said.rows, prints[0]), (told.rows, prints[1])):
        rows["answer_hi"], rows["answer_lo"] = words
    said.rows["code"] = told.rows["code"] = VERSION.look_up(fields.words(version))[0][:, 0]
    weak = np.zeros(len(told.rows), np.uint8)
    sightings.weak_names(fields.lines.buffer, fields.span_of(cipher), weak)
    told.rows["type"] = np.where(weak, _WEAK, _SOUND)
    good = fields.status == 0
    return together(said.where(good), told.where(good & (told.rows["code"] > 0)))


def outcomes(fields: Fields, said: Said, worked: str) -> Said:
    """A line of a log of SSH: whether somebody got in."""
    code, known = OUTCOME.look_up(fields.words(worked))
    told = turned(said, LOGIN_RESULT)
    told.rows["type"], told.rows["code"] = _SSH, code[:, 0]
    return told.where((fields.status == 0) & known)


def mails(fields: Fields, said: Said, reply: str) -> Said:
    """A line of a log of mail: whether its last reply was about a log-in."""
    code = np.zeros(len(said.rows), np.int64)
    sightings.mail_outcomes(fields.lines.buffer, fields.span_of(reply), code)
    told = turned(said, LOGIN_RESULT)
    told.rows["type"], told.rows["code"] = _SMTP, code & 1
    return told.where((fields.status == 0) & (code < 2))


def leases(fields: Fields, said: Said, mac: str, requested: str, assigned: str) -> Said:
    """A line of a log of DHCP: the address that a client asks for, and the one that it is given."""
    rows, card = said.rows, fields.macs(mac)
    rows["src_port"], rows["dst_port"] = 68, 67
    rows["kind"], rows["type"], rows["src_mac"] = DHCP_MESSAGE, _DHCP_REQUEST, card
    write(fields, said, (mac,), (17,), named=-1)
    digests = np.zeros(len(card), np.uint64)
    dhcp.client_digests(card, digests)
    rows["digest"] = digests
    rows["answer_hi"], rows["answer_lo"] = fields.addresses(requested)
    told = turned(said, DHCP_MESSAGE)
    told.rows["type"], told.rows["src_mac"], told.rows["dst_mac"] = _DHCP_ACK, 0, card
    told.rows["answer_hi"], told.rows["answer_lo"] = fields.addresses(assigned)
    good = (fields.status == 0) & (card != 0)
    return together(said.where(good & fields.present(requested)), told.where(good & fields.present(assigned)))


def accounts(fields: Fields, kind: str) -> Said:
    """Lines of a log of log-ins (`login`) or of a database's audit log (`audit`), by mapped names."""
    fields.require("event.start", "user.name", *(("event.outcome",) if kind == "login" else ()))
    ends = ("source.ip", "source.port", "destination.ip", "destination.port")
    said = blank(fields, fields.times("event.start"), ends, TCP)
    rows = said.rows
    write(fields, said, ("user.name", "service.name"), (64, 32))
    if kind == "login":
        code, known = OUTCOME.look_up(fields.words("event.outcome"))
        fields.mark(~known, "bad_outcome")
        rows["kind"], rows["code"] = ACCOUNT_LOGIN, code[:, 0]
    else:
        rows["kind"] = DATA_ACCESS
        most = np.uint64(0xFFFF_FFFF)
        rows["number"] = np.minimum(fields.counts("database.rows"), most)
        rows["size"] = np.minimum(fields.counts("database.bytes"), most)
    return said.where(fields.status == 0)
