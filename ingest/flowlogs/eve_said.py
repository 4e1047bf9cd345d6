"""Suricata's events of what applications say (dns in both its forms, http, tls, fileinfo), and its alerts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citywall.batches import DNS_ANSWER, TCP, UDP
from ingest.flowlogs import artefacts, said
from ingest.flowlogs.fields import Fields, Vocabulary, word_of
from ingest.flowlogs.nested import inside
from ingest.flowlogs.said import QTYPE, RCODE, Said

_ENDS = ("src_ip", "src_port", "dest_ip", "dest_port")
_PROTO = Vocabulary({"udp": (UDP,), "tcp": (TCP,)})
_TYPE = Vocabulary({"query": (1,), "request": (1,), "answer": (2,), "response": (2,)})
_DNS = ("type", "id", "rrname", "rrtype", "rcode", "rdata", "grouped")
_HTTP = ("http_method", "hostname", "url", "http_user_agent", "status")
_TLS = ("version", "sni", "ja3", "ja3s", "ja4")
_ALERT = ("signature", "category", "action", "severity")
_LEAST_PRIORITY = 3
_FILE = ("filename", "mimetype", "size", "state", "sha256", "sha1", "md5")


def _inner(fields: Fields, name: str, names: tuple[str, ...]) -> tuple[Fields, Said]:
    """The object that says it, and rows with who and when."""
    ends = said.blank(fields, fields.times("timestamp"), _ENDS, TCP)
    inner = inside(fields, name, names)
    ends.rows["proto"] = _PROTO.look_up(fields.words("proto"))[0][:, 0]
    inner.status[:] = np.where(fields.status != 0, fields.status, inner.status)
    return inner, ends


def _dns(fields: Fields) -> Said:
    """An event is a question or an answer; that of an answer has its ends the way the question had them."""
    inner, told = _inner(fields, "dns", _DNS)
    what = _TYPE.look_up(inner.words("type"))[0][:, 0]
    told.rows["aux"] = inner.ports("id", "bad_number")
    qtype = QTYPE.look_up(inner.words("rrtype"))[0][:, 0]
    code = RCODE.look_up(inner.words("rcode"))[0][:, 0]
    grouped = inside(inner, "grouped", ("a", "aaaa"))
    slot = inner.names["rdata"]
    for name in ("aaaa", "a"):
        there = grouped.present(name)
        inner.spans[there, slot] = grouped.span_of(name)[there]
    swapped = (what == 2) & (told.rows["src_port"] == 53)  # some versions tell an answer's own ends
    for field in ("hi", "lo", "port"):
        src, dst = told.rows[f"src_{field}"].copy(), told.rows[f"dst_{field}"].copy()
        told.rows[f"src_{field}"] = np.where(swapped, dst, src)
        told.rows[f"dst_{field}"] = np.where(swapped, src, dst)
    both = said.names_asked(inner, told, ("rrname", "rdata"), qtype, (what == 2, code))
    answers = np.isin(both.lines, told.lines[what == 2])
    questions = np.isin(both.lines, told.lines[what == 1])
    is_answer = both.rows["kind"] == DNS_ANSWER
    chosen = (answers & is_answer) | (questions & ~is_answer)
    return both.where(np.asarray(chosen, bool))


def _http(fields: Fields) -> Said:
    inner, told = _inner(fields, "http", _HTTP)
    status = inner.ports("status", "bad_number")
    return said.requests(inner, told, ("http_method", "hostname", "url", "http_user_agent"), status)


def _tls(fields: Fields) -> Said:
    inner, told = _inner(fields, "tls", _TLS)
    digests = [said.hexadecimal(inside(inner, name, ("hash",)), "hash") for name in ("ja3", "ja3s")]
    prints = digests[0], digests[1]
    return said.sessions(inner, told, "version", "version", "sni", prints=prints, ja4="ja4")


def _file(fields: Fields) -> Said:
    """Its ends are those of the packets that bring it; how large it is in all is known once it is closed."""
    inner, told = _inner(fields, "fileinfo", _FILE)
    names = artefacts.FileNames("filename", "mimetype", "size", "size")
    found = artefacts.files(inner, told, names, "app_proto", fields)
    closed = inner.words("state")[inner.status == 0] == word_of("CLOSED")
    found.rows["number"] *= closed
    return found


def _alert(fields: Fields) -> Said:
    """Signature, its class of rules, and what became of it; code = priority, the least where none is told."""
    inner, told = _inner(fields, "alert", _ALERT)
    priority = inner.ports("severity", "bad_number")
    told.rows["code"] = np.where(priority > 0, priority, _LEAST_PRIORITY)
    named = inner.present("signature")[inner.status == 0]
    return artefacts.notices(inner, told, ("signature", "category", "action")).where(named)


KINDS = {"dns": _dns, "http": _http, "tls": _tls, "fileinfo": _file, "alert": _alert}


def read(fields: Fields, chosen: dict[str, NDArray[np.bool_]]) -> Said:
    """What the chosen lines say; those that make no sense say nothing."""
    parts = []
    for name, mask in chosen.items():
        if mask.any():
            some = Fields(fields.lines.where(mask), list(fields.names))
            some.spans[:] = fields.spans[mask]
            parts.append(KINDS[name](some))
    return said.together(*parts) if parts else Said()
