"""Fields of archived events, and a query as a mask over columns of their archive.

A field by its name in the Elastic Common Schema is a column for some kinds of events only: other kinds
do not answer to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alerts import flowfilter
from alerts.fields import Type
from alerts.flowfilter import Mask, column
from alerts.query import Schema
from alerts.terms import Anything, Node, Term, Text
from citywall import eventnames as names
from citywall.batches import (
    ACCOUNT_LOGIN,
    DATA_ACCESS,
    DHCP_MESSAGE,
    DNS_ANSWER,
    DNS_QUERY,
    EVENT_NAMES,
    FILE_SEEN,
    HTTP_REQUEST,
    HTTP_RESPONSE,
    LOGIN_NAME,
    LOGIN_RESULT,
    NOTICE_RAISED,
    SSH_BANNER,
    TEXT,
    TLS_CLIENT,
    TLS_SERVER,
    TLS_WHOLE_CERTIFICATE,
    TLS_WHOLE_CLIENT,
)

_DNS, _NAMES = (DNS_QUERY, DNS_ANSWER), (LOGIN_NAME, ACCOUNT_LOGIN)
_CLIENTS = (TLS_CLIENT, TLS_WHOLE_CLIENT)
_TLS = (*_CLIENTS, TLS_SERVER)
_RESULTS = (LOGIN_RESULT, ACCOUNT_LOGIN)
_NUMBERS = {name: number for number, name in EVENT_NAMES.items()}


@dataclass(frozen=True)
class Field:
    """A column, or a `part` of its text, as far as events are of `kinds` (none: of all).

    `called` names its numbers.
    """

    column: str
    type: Type
    kinds: tuple[int, ...] = ()
    called: Callable[[int], str] | None = None
    part: tuple[int, int] | None = None


_WORD, _LONG, _IP = Type.KEYWORD, Type.LONG, Type.IP
FIELDS: dict[str, Field] = {
    "src": Field("src", _IP), "dst": Field("dst", _IP),
    **{name: Field(name, _LONG) for name in (
        "src_port", "dst_port", "domain", "vlan", "code", "type", "count", "number", "flags", "size", "frame",
        "offset")},
    "proto": Field("proto", _WORD), "kind": Field("kind", _WORD), "protocol": Field("protocol", _WORD),
    "name": Field("name", _WORD), "rest": Field("rest", _WORD), "agent": Field("agent", _WORD),
    "time": Field("time", Type.DATE), "community_id": Field("community_id", _WORD),
    "answer": Field("answer", _IP, (DNS_ANSWER, DHCP_MESSAGE)), "sign": Field("sign", _WORD, (HTTP_REQUEST,)),
    "dns.question.name": Field("name", _WORD, _DNS),
    "dns.question.type": Field("type", _WORD, _DNS, names.query_type),
    "dns.response_code": Field("code", _WORD, (DNS_ANSWER,), names.response_code),
    "dns.resolved_ip": Field("answer", _IP, (DNS_ANSWER,)),
    "tls.client.server_name": Field("name", _WORD, _CLIENTS),
    "tls.client.ja3": Field("print", _WORD, _CLIENTS),
    "tls.client.ja4": Field("agent", _WORD, _CLIENTS),
    "tls.server.ja3s": Field("print", _WORD, (TLS_SERVER,)),
    "tls.next_protocol": Field("rest", _WORD, _TLS),
    "tls.version": Field("code", _WORD, (*_TLS, TLS_WHOLE_CERTIFICATE), names.tls_version),
    "tls.server.subject": Field("name", _WORD, (TLS_WHOLE_CERTIFICATE,)),
    "tls.server.issuer": Field("rest", _WORD, (TLS_WHOLE_CERTIFICATE,)),
    "tls.server.hash.sha256": Field("agent", _WORD, (TLS_WHOLE_CERTIFICATE,), part=(0, 64)),
    "tls.server.hash.sha1": Field("agent", _WORD, (TLS_WHOLE_CERTIFICATE,), part=(64, 104)),
    "tls.server.x509.serial_number": Field("agent", _WORD, (TLS_WHOLE_CERTIFICATE,), part=(104, 144)),
    "tls.server.x509.alternative_names": Field("agent", _WORD, (TLS_WHOLE_CERTIFICATE,), part=(144, TEXT)),
    "file.name": Field("name", _WORD, (FILE_SEEN,)), "file.mime_type": Field("rest", _WORD, (FILE_SEEN,)),
    "file.size": Field("number", _LONG, (FILE_SEEN,)),
    **{f"file.hash.{name}": Field("agent", _WORD, (FILE_SEEN,), part=part) for name, part in (
        ("sha256", (0, 64)), ("sha1", (64, 104)), ("md5", (104, 136)))},
    "notice.name": Field("name", _WORD, (NOTICE_RAISED,)),
    "notice.message": Field("rest", _WORD, (NOTICE_RAISED,)),
    "tls.cipher": Field("type", _WORD, (TLS_SERVER,), names.cipher_suite),
    "http.request.method": Field("code", _WORD, (HTTP_REQUEST,), names.method),
    "http.response.status_code": Field("code", _LONG, (HTTP_RESPONSE,)),
    "url.domain": Field("name", _WORD, (HTTP_REQUEST,)),
    "url.original": Field("rest", _WORD, (HTTP_REQUEST,)),
    "user_agent.original": Field("agent", _WORD, (HTTP_REQUEST,)),
    "user.name": Field("name", _WORD, (*_NAMES, DATA_ACCESS)),
    "event.outcome": Field("code", _WORD, _RESULTS, names.outcome),
    "ssh.banner": Field("name", _WORD, (SSH_BANNER,)),
    "dhcp.message": Field("type", _WORD, (DHCP_MESSAGE,), names.dhcp_message),
    "session": Field("session", _WORD), "lane": Field("lane", _WORD), "path": Field("path", _WORD),
}  # fmt: skip
#: Other names of fields, and names of several.
_ALSO: dict[str, tuple[str, ...]] = {
    "ip": ("src", "dst"), "source.ip": ("src",), "destination.ip": ("dst",),
    "sport": ("src_port",), "dport": ("dst_port",), "port": ("src_port", "dst_port"),
    "source.port": ("src_port",), "destination.port": ("dst_port",), "network.transport": ("proto",),
    "event.action": ("kind",), "network.protocol": ("protocol",), "community": ("community_id",),
    "network.community_id": ("community_id",), "sni": ("tls.client.server_name",),
    "ja3": ("tls.client.ja3",), "ja3s": ("tls.server.ja3s",), "ja4": ("tls.client.ja4",),
    "host": ("url.domain",), "url": ("url.original",), "method": ("http.request.method",),
    "status": ("http.response.status_code",), "user": ("user.name",), "query": ("dns.question.name",),
    "rcode": ("dns.response_code",), "cipher": ("tls.cipher",),
}  # fmt: skip


def _resolve(name: str) -> tuple[tuple[str, ...], Type] | None:
    fields = _ALSO.get(name, (name,))
    return (fields, FIELDS[fields[0]].type) if fields[0] in FIELDS else None


#: Fields of archived events.
EVENTS = Schema(_resolve, tuple(sorted(_ALSO | FIELDS)), full_text=False, what="events")


def mask(node: Node, rows: pa.Table, constants: Mapping[str, str]) -> Mask:
    """Which rows answer to a query parsed with `EVENTS`."""
    return flowfilter.mask(node, rows, constants, _about)


def _about(name: str, term: Term, rows: pa.Table, constants: Mapping[str, str]) -> Mask:
    field = FIELDS[name]
    if field.column in constants:
        return flowfilter.about(field.column, term, rows, constants)
    kinds = kinds_of(rows)
    inside = np.isin(kinds, field.kinds) if field.kinds else np.ones(len(rows), np.bool_)
    if not inside.any():
        return inside
    return np.asarray(inside & _valued(field, term, rows, constants, kinds))


def _valued(
    field: Field, term: Term, rows: pa.Table, constants: Mapping[str, str], kinds: NDArray[np.int64]
) -> Mask:
    import pyarrow.compute as pc  # see `flowfilter`

    value = term.value
    if field.column in ("protocol", "sign"):
        return _derived(field.column, value, rows, kinds)
    if field.called is not None:
        return _called(column(rows, field.column), field.called, value)
    if isinstance(value, Anything):
        return _there(rows.column(field.column).combine_chunks())
    if field.part is not None and isinstance(value, Text):
        values = pc.utf8_slice_codeunits(rows.column(field.column).combine_chunks(), *field.part)
        return np.array([value.matches(text) for text in values.to_pylist()], np.bool_)
    if isinstance(value, Text) and not value.wild and field.column in _LOWERED:
        values = rows.column(field.column).combine_chunks()
        return np.asarray(pc.equal(values, value.text.lower()).to_numpy(zero_copy_only=False))
    return flowfilter.about(field.column, term, rows, constants)


#: Columns of text that was put in lower case when it was read.
_LOWERED = frozenset({"name", "rest", "agent", "print"})


def kinds_of(rows: pa.Table) -> NDArray[np.int64]:
    """The number of each event's kind."""
    values = rows.column("kind").combine_chunks()
    codes = np.array([_NUMBERS.get(name, 0) for name in values.dictionary.to_pylist()], np.int64)
    return np.asarray(codes[values.indices.to_numpy()])


def _there(values: Any) -> Mask:
    if pa.types.is_string(values.type):
        import pyarrow.compute as pc  # see `flowfilter`

        return np.asarray(pc.greater(pc.binary_length(values), 0).to_numpy(zero_copy_only=False))
    return np.ones(len(values), np.bool_)


def _called(numbers: NDArray[Any], called: Callable[[int], str], value: Any) -> Mask:
    """Numbers by what they are called: there are few different ones."""
    some = np.unique(numbers)
    if isinstance(value, Text):
        some = np.array([n for n in some.tolist() if value.matches(called(n))], numbers.dtype)
    return np.isin(numbers, some)


def _derived(name: str, value: Any, rows: pa.Table, kinds: NDArray[np.int64]) -> Mask:
    """The protocol, which kind and service say together; signs of attack, of which there can be several."""
    if name == "sign":
        flags = column(rows, "flags")
        wanted = sum(
            bit for bit, text in names.SIGNS.items() if not isinstance(value, Text) or value.matches(text)
        )
        return np.asarray(flags & wanted != 0)
    types = np.where(np.isin(kinds, (LOGIN_NAME, LOGIN_RESULT, FILE_SEEN)), column(rows, "type"), 0)
    pairs = kinds * 65536 + types
    some = np.unique(pairs)
    spoken = {pair: names.protocol(pair >> 16, pair & 0xFFFF) for pair in some.tolist()}
    good = [p for p, text in spoken.items() if (value.matches(text) if isinstance(value, Text) else text)]
    return np.isin(pairs, np.array(good, np.int64))
