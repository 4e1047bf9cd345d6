"""A query of :mod:`alerts.query` as Elasticsearch's query DSL.

As with :mod:`alerts.sqlfilter`, what the mapping cannot answer exactly is left to the documents: the clause
is then a prefilter that lets through at least what is asked for, and `exact` is False.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from typing import Any

from alerts import times
from alerts.elastic.templates import SEARCH
from alerts.fields import FIELDS, Type, type_of
from alerts.terms import And, Anything, Net, Node, Not, Number, Or, Span, Term, Text, Words
from alerts.tokens import fold, query_tokens

Clause = dict[str, Any]
_MAX_DATE = (1 << 63) - 1
_LONG = 1 << 63
#: The server refuses queries nested deeper than thirty.
_MAX_DEPTH = 20
_MAX_STARS = 8
_V4 = 0xFFFF_0000_0000
_TIMES = {"@timestamp": f"{SEARCH}.time", "citywall.dedup.last_seen": f"{SEARCH}.last"}
_EXACT_TEXT = {"citywall.rule_name_zh": "citywall.rule_name_zh.exact"}
_WORDS = f"{SEARCH}.words"
#: The whitespace analyzer cuts longer tokens.
_LONGEST_TOKEN = 255


@dataclass(frozen=True)
class Filter:
    """A clause, and whether it says all that the query does."""

    clause: Clause
    exact: bool


ALL = Filter({"match_all": {}}, exact=True)
NOTHING = Filter({"match_none": {}}, exact=True)
UNKNOWN = Filter({"match_all": {}}, exact=False)


def compiled(node: Node, depth: int = 0) -> Filter:
    """The clause for a query's tree."""
    if depth > _MAX_DEPTH:
        return UNKNOWN
    match node:
        case And() | Or():
            parts = [compiled(n, depth + 1) for n in node.nodes]
            return both(parts) if isinstance(node, And) else either(parts)
        case Not():
            inner = compiled(node.node, depth + 1)
            if not inner.exact:
                return UNKNOWN
            return Filter({"bool": {"must_not": [inner.clause]}}, exact=True)
        case Words():
            return _words(node.phrase, node.prefix)
        case Term():
            return either([_about(field, node) for field in node.fields])


def both(parts: list[Filter]) -> Filter:
    """What all of `parts` let through; everything where there are none."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return ALL
    return Filter({"bool": {"filter": [p.clause for p in parts]}}, all(p.exact for p in parts))


def either(parts: list[Filter]) -> Filter:
    """What any of `parts` lets through."""
    if len(parts) == 1:
        return parts[0]
    clause = {"bool": {"should": [p.clause for p in parts], "minimum_should_match": 1}}
    return Filter(clause, all(p.exact for p in parts))


def span(since: int | None, until: int | None) -> list[Filter]:
    """Alerts any part of which lies in `[since, until)`, in ns."""
    parts = []
    if since is not None:
        parts.append(Filter({"range": {f"{SEARCH}.last": {"gte": times.bounded(since)}}}, exact=True))
    if until is not None:
        parts.append(Filter({"range": {f"{SEARCH}.time": {"lt": times.bounded(until)}}}, exact=True))
    return parts


def _words(phrase: tuple[str, ...], prefix: bool) -> Filter:
    if not prefix:
        return Filter({"match_phrase": {_WORDS: " ".join(phrase)}}, exact=True)
    *head, last = phrase
    last = last[:_LONGEST_TOKEN]
    beginning = {"prefix": {_WORDS: {"value": last}}}
    if not head:
        return Filter(beginning, exact=True)
    # A phrase whose end is open: the server would look at some of the words that begin so, not at all.
    begun = {"match_phrase": {_WORDS: " ".join(head)}}
    return Filter({"bool": {"filter": [begun, beginning]}}, exact=False)


def _about(field: str, term: Term) -> Filter:
    value, kind = term.value, type_of(field)
    if kind is Type.FLATTENED:
        return Filter({"exists": {"field": field}}, exact=isinstance(value, Anything))
    match value:
        case Anything():
            if kind is Type.TEXT:  # one without any word is there, but not for the server
                return UNKNOWN
            there = Filter({"exists": {"field": field}}, exact=True)
            ignored = Filter({"term": {"_ignored": field}}, exact=True)
            return either([there, ignored]) if kind is Type.DATE else there
        case Number():
            return _number(field, term.op, value.value)
        case Span():
            return _when(field, term.op, value)
        case Net():
            return _overlap(field, value)
        case Text():
            return _text(field, term, value)


def _number(field: str, op: str, value: float) -> Filter:
    if FIELDS[field] is Type.FLOAT:
        exact = abs(value) <= 1 << 53  # beyond, the server rounds what it is asked
        if op == ":":
            return Filter({"term": {field: value}}, exact) if exact else UNKNOWN
        return Filter({"range": {field: {_WORD[op]: value}}}, exact) if exact else UNKNOWN
    least, most = -_LONG, _LONG - 1
    match op:
        case ":":
            if value != math.floor(value):
                return NOTHING
            least = most = math.floor(value)
        case "<":
            most = math.ceil(value) - 1
        case "<=":
            most = math.floor(value)
        case ">":
            least = math.floor(value) + 1
        case _:
            least = math.ceil(value)
    if least >= _LONG or most < -_LONG:
        return NOTHING
    bounds = {"gte": max(least, -_LONG), "lte": min(most, _LONG - 1)}
    return Filter({"range": {field: bounds}}, exact=True)


_WORD = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def _when(field: str, op: str, value: Span) -> Filter:
    start, stop = value.start, value.stop
    bounds = {
        ":": {"gte": start, "lt": stop},
        "<": {"lt": start},
        "<=": {"lt": stop},
        ">": {"gte": stop},
        ">=": {"gte": start},
    }[op]
    if field in _TIMES:
        return Filter(
            {"range": {_TIMES[field]: {name: times.bounded(t) for name, t in bounds.items()}}}, exact=True
        )
    # A date that the server cannot hold is kept in the document and ignored by the index.
    held = {
        "lte" if name == "lt" else name: times.to_iso(max(0, min(t, _MAX_DATE))) for name, t in bounds.items()
    }
    return either(
        [Filter({"range": {field: held}}, exact=False), Filter({"term": {"_ignored": field}}, exact=False)]
    )


def _overlap(field: str, net: Net) -> Filter:
    bounds: dict[str, str] = {"gte": _address(net.start), "lte": _address(net.stop)}
    if FIELDS[field] is Type.NETWORK:
        bounds["relation"] = "intersects"
    return Filter({"range": {field: bounds}}, exact=True)


def _address(value: int) -> str:
    if value >> 32 == _V4 >> 32:
        return str(ipaddress.IPv4Address(value & 0xFFFF_FFFF))
    return str(ipaddress.IPv6Address(value))


def _text(field: str, term: Term, value: Text) -> Filter:
    kind, wanted = FIELDS[field], fold(value.text)
    if kind is Type.TEXT:
        if term.type is Type.TEXT and not value.wild:
            phrase, prefix = query_tokens(value.text)
            found = _words(tuple(phrase), prefix) if phrase else NOTHING
            return Filter(found.clause, exact=not phrase)
        if field not in _EXACT_TEXT:
            return UNKNOWN
        field = _EXACT_TEXT[field]
    if kind is Type.BOOLEAN:
        if value.wild:
            return Filter({"exists": {"field": field}}, exact=False)
        return (
            Filter({"term": {field: wanted == "true"}}, exact=True)
            if wanted in ("true", "false")
            else NOTHING
        )
    if not value.wild:
        return Filter({"term": {field: {"value": wanted}}}, exact=True)
    if wanted.count("*") > _MAX_STARS:  # the server gives up on intricate patterns
        return Filter({"exists": {"field": field}}, exact=False)
    pattern = wanted.replace("\\", "\\\\").replace("?", "\\?")
    return Filter({"wildcard": {field: {"value": pattern}}}, exact=True)
