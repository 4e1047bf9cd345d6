r"""The query language of `--where`.

::

    query  := or
    or     := and { "OR" and }
    and    := not { ["AND"] not }                side by side means AND
    not    := "NOT" not | "(" or ")" | term
    term   := field op value | word | quoted     a word or quoted text alone is full text
    op     := ":" | "=" | "!=" | "<" | "<=" | ">" | ">="
    value  := word | quoted
    quoted := '"' { any character, \" or \\ } '"'

`AND`, `OR`, `NOT` are words of the language only in capitals. In a value without quotation marks `*`
stands for anything, and alone it asks that the field be there; a free word may end in `*`. Texts are
compared without regard to case. An address field takes an address, a prefix (`10.0.0.0/8`) or `10.0.*`,
and answers where the two overlap; `ip` means either side. A free word that is an address means `ip`.
A time is a day, minute, second or less (`2024-05-01`, `2024-05-01T12:00`), in UTC unless it says
otherwise, and stands for that whole span. Severities may be named: `severity>=high`.

Fields are those of :mod:`alerts.fields` and the short names of :data:`ALERTS`; :data:`FLOWS` has those of
the flow archive.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from alerts import times, tokens
from alerts.fields import Type, type_of
from alerts.terms import (
    ADDRESSES,
    And,
    Anything,
    Net,
    Node,
    Not,
    Number,
    Or,
    Span,
    Term,
    Text,
    Value,
    Words,
    matches,
    network_of,
)
from citywall.errors import QueryError
from citywall.findings import Severity

MAX_LENGTH = 4096
MAX_DEPTH = 50
MAX_TERMS = 200

_FIELD = re.compile(r"([A-Za-z_@][\w.@-]*)(!=|<=|>=|[:=<>])")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_WORD = re.compile(r'[^\s()"]+')
_V4_STARS = re.compile(r"(\d{1,3}\.){1,3}\*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Schema:
    """Which names a query may use: `resolve` gives (fields, type) of a name, or None."""

    resolve: Callable[[str], tuple[tuple[str, ...], Type] | None]
    names: tuple[str, ...]  # short names, for messages
    full_text: bool
    what: str = "flows"  # what is looked for, for messages


@dataclass(frozen=True)
class Query:
    """A parsed query. `str()` is its canonical text."""

    node: Node

    def __str__(self) -> str:
        return str(self.node)

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether an ECS document answers to it."""
        return matches(self.node, document)


ALERT_NAMES: dict[str, tuple[str, ...]] = {
    "src": ("source.ip", "citywall.source.network", "citywall.sources.sample"),
    "dst": ("destination.ip", "citywall.destination.network", "citywall.targets.sample"),
    "source.ip": ("source.ip", "citywall.source.network"),
    "destination.ip": ("destination.ip", "citywall.destination.network"),
    "ip": ("source.ip", "citywall.source.network", "destination.ip", "citywall.destination.network",
           "related.ip"),
    "sport": ("source.port",),
    "dport": ("destination.port",),
    "port": ("source.port", "destination.port"),
    "proto": ("network.transport",),
    "sev": ("event.severity",),
    "severity": ("event.severity",),
    "risk": ("event.risk_score",),
    "time": ("@timestamp",),
    "last": ("citywall.dedup.last_seen",),
    "count": ("citywall.dedup.count",),
    "id": ("event.id",),
    "kind": ("event.action",),
    "rule": ("rule.id", "rule.name", "citywall.rule_name_zh"),
    "detector": ("citywall.detector.name",),
    "score": ("citywall.detector.score",),
    "confidence": ("citywall.detector.confidence",),
    "tactic": ("threat.tactic.id", "threat.tactic.name"),
    "technique": ("threat.technique.id", "threat.technique.name", "threat.technique.subtechnique.id",
                  "threat.technique.subtechnique.name"),
    "class": ("citywall.gb20986.class",),
    "subclass": ("citywall.gb20986.subclass",),
    "axis": ("citywall.axis",),
    "unit": ("organization.id", "organization.name"),
    "asset": ("citywall.asset.src.id", "citywall.asset.src.name", "citywall.asset.dst.id",
              "citywall.asset.dst.name"),
    "system": ("citywall.asset.src.system_id", "citywall.asset.src.system", "citywall.asset.dst.system_id",
               "citywall.asset.dst.system"),
    "zone": ("citywall.zone.src", "citywall.zone.dst", "citywall.asset.src.zone_id",
             "citywall.asset.dst.zone_id"),
    "importance": ("citywall.asset.src.importance", "citywall.asset.dst.importance"),
    "mlps": ("citywall.asset.src.mlps_level", "citywall.asset.dst.mlps_level"),
    "cii": ("citywall.asset.src.cii", "citywall.asset.dst.cii"),
    "entity": ("citywall.entity",),
    "domain": ("citywall.domain",),
    "session": ("citywall.session",),
    "lane": ("citywall.lane",),
    "community": ("network.community_id", "citywall.evidence.community_id"),
    "flow": ("citywall.evidence.flow_id",),
}  # fmt: skip


def _resolve_alert(name: str) -> tuple[tuple[str, ...], Type] | None:
    fields = ALERT_NAMES.get(name, (name,))
    kind = type_of(fields[0])
    return None if kind is None else (fields, kind)


#: Fields of alerts.
ALERTS = Schema(_resolve_alert, tuple(ALERT_NAMES), full_text=True)

FLOW_NAMES: dict[str, tuple[tuple[str, ...], Type]] = {
    "src": (("src",), Type.IP), "dst": (("dst",), Type.IP), "ip": (("src", "dst"), Type.IP),
    "source.ip": (("src",), Type.IP), "destination.ip": (("dst",), Type.IP),
    "sport": (("src_port",), Type.LONG), "dport": (("dst_port",), Type.LONG),
    "src_port": (("src_port",), Type.LONG), "dst_port": (("dst_port",), Type.LONG),
    "port": (("src_port", "dst_port"), Type.LONG),
    "source.port": (("src_port",), Type.LONG), "destination.port": (("dst_port",), Type.LONG),
    "proto": (("proto",), Type.KEYWORD), "network.transport": (("proto",), Type.KEYWORD),
    "reason": (("reason",), Type.KEYWORD),
    "bytes": (("bytes",), Type.LONG), "packets": (("packets",), Type.LONG),
    "payload": (("payload",), Type.LONG),
    **{name: ((name,), Type.LONG) for name in (
        "src_bytes", "dst_bytes", "src_packets", "dst_packets", "src_payload", "dst_payload",
        "src_flags", "dst_flags", "icmp_type", "icmp_code", "vlan", "domain", "frame", "offset", "version",
        "sampling")},
    "duration": (("duration",), Type.FLOAT),
    "time": (("last",), Type.DATE), "first": (("first",), Type.DATE), "last": (("last",), Type.DATE),
    "flow": (("flow_id",), Type.KEYWORD), "flow_id": (("flow_id",), Type.KEYWORD),
    "community": (("community_id",), Type.KEYWORD), "community_id": (("community_id",), Type.KEYWORD),
    "network.community_id": (("community_id",), Type.KEYWORD),
    "session": (("session",), Type.KEYWORD), "lane": (("lane",), Type.KEYWORD),
    "path": (("path",), Type.KEYWORD),
}  # fmt: skip

#: Fields of archived flows. `duration` is in seconds, `bytes` and `packets` are of both directions.
FLOWS = Schema(FLOW_NAMES.get, tuple(FLOW_NAMES), full_text=False)


def parse(text: str, schema: Schema = ALERTS) -> Query:
    """Read a query; empty text asks for everything. Raises QueryError with the column."""
    parser = _Parser(text, schema)
    return Query(parser.whole())


class _Parser:
    """Recursive descent over the text; `at` is the place reached."""

    def __init__(self, text: str, schema: Schema) -> None:
        self.text = text
        self.schema = schema
        self.at = 0
        self.depth = 0
        self.terms = 0

    def whole(self) -> Node:
        if len(self.text) > MAX_LENGTH:
            raise self.error(f"is longer than {MAX_LENGTH} characters", MAX_LENGTH)
        if control := _CONTROL.search(self.text):
            raise self.error("holds a control character", control.start())
        try:
            self.text.encode()
        except UnicodeEncodeError as e:
            raise self.error("is not valid Unicode text", e.start) from e
        if not self.text.strip():
            return And(())
        node = self.either()
        if self.peek():
            raise self.error("there is no parenthesis for this to close")
        return node

    def either(self) -> Node:
        nodes = [self.both()]
        while self.keyword("OR"):
            nodes.append(self.both())
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))

    def both(self) -> Node:
        nodes = [self.negated()]
        while self.keyword("AND") or (self.peek() not in ("", ")") and not self.keyword("OR", take=False)):
            nodes.append(self.negated())
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes))

    def negated(self) -> Node:
        self.peek()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"is nested deeper than {MAX_DEPTH}")
        if self.keyword("NOT"):
            node: Node = Not(self.negated())
        elif self.peek() == "(":
            opened = self.at
            self.at += 1
            node = self.either()
            if self.peek() != ")":
                raise self.error("this parenthesis is never closed", opened)
            self.at += 1
        else:
            node = self.term()
        self.depth -= 1
        return node

    def term(self) -> Node:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise self.error(f"has more than {MAX_TERMS} terms")
        if not self.peek() or self.peek() == ")":
            raise self.error("something to look for is missing here")
        start = self.at
        for word in ("AND", "OR"):
            if self.keyword(word, take=False):
                raise self.error(
                    f"{word} needs something on both sides; put it in quotation marks to look for it"
                )
        if self.peek() != '"' and (found := self.address_word()):
            return found
        if form := _FIELD.match(self.text, self.at):
            self.at = form.end()
            return self.about(form.group(1), form.group(2), start)
        return self.words()

    def address_word(self) -> Node | None:
        """A free word that is an address or prefix; `fe80::1` must not be read as a field."""
        word = _WORD.match(self.text, self.at)
        if word is None or not any(c in word.group() for c in ".:/"):
            return None
        named = self.schema.resolve("ip")
        net = _net(word.group())
        if net is None or named is None:
            return None
        self.at = word.end()
        return Term("ip", ":", net, *named)

    def about(self, name: str, op: str, start: int) -> Node:
        resolved = self.schema.resolve(name) or self.schema.resolve(name.lower())
        if resolved is None:
            hint = f"put quotation marks around text. Short names: {', '.join(self.schema.names)}"
            raise self.error(f"there is no field {name!r}; {hint}", start)
        if self.schema.resolve(name) is None:
            name = name.lower()
        place = self.at
        text, wild = self.value(name, op)
        negative, op = op == "!=", ":" if op in ("=", "!=") else op
        try:
            value = _value(text, wild, op, resolved[1], resolved[0])
        except ValueError as e:
            raise self.error(f"{name}: {e}", place) from e
        term = Term(name, op, value, *resolved)
        return Not(term) if negative else term

    def value(self, name: str, op: str) -> tuple[str, bool]:
        """The text of a value, and whether `*` in it stands for anything."""
        if self.at < len(self.text) and self.text[self.at] == '"':
            return self.quoted(), False
        word = _WORD.match(self.text, self.at)
        if word is None:
            raise self.error(f"a value is missing after {name}{op}")
        self.at = word.end()
        return word.group(), "*" in word.group()

    def quoted(self) -> str:
        form = _QUOTED.match(self.text, self.at)
        if form is None:
            raise self.error("this quotation mark is never closed")
        self.at = form.end()
        return re.sub(r"\\(.)", r"\1", form.group(1), flags=re.DOTALL)

    def words(self) -> Node:
        start = self.at
        if not self.schema.full_text:
            raise self.error(f"{self.schema.what} have no text to search: use field:value")
        if self.text[start] == '"':
            text, prefix = self.quoted(), False
        else:
            form = _WORD.match(self.text, start)
            assert form is not None  # neither the end, a parenthesis nor a quotation mark: a word
            self.at = form.end()
            text, prefix = form.group(), form.group().endswith("*")
            text = text.removesuffix("*")
            if "*" in text:
                raise self.error("in free text * stands only at the end of a word", start + text.index("*"))
        phrase, beginning = tokens.query_tokens(text)
        if not phrase:
            raise self.error("there is no word in this", start)
        return Words(self.text[start : self.at], tuple(phrase), prefix or beginning)

    def keyword(self, word: str, *, take: bool = True) -> bool:
        self.peek()
        form = _WORD.match(self.text, self.at)
        if form is None or form.group() != word:
            return False
        if take:
            self.at = form.end()
        return True

    def peek(self) -> str:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def error(self, reason: str, at: int | None = None) -> QueryError:
        return QueryError(self.text, (self.at if at is None else at) + 1, reason)


def _value(text: str, wild: bool, op: str, kind: Type, fields: tuple[str, ...]) -> Value:
    if wild and text == "*" and op == ":":
        return Anything()
    if kind in (Type.LONG, Type.FLOAT):
        return _number(text, fields)
    if kind is Type.DATE:
        return Span(*times.interval(text), text)
    if kind is Type.FLATTENED and (op != ":" or _is_number(text)):
        return _number(text, fields)
    if op != ":":
        raise ValueError(f"{op} compares numbers and times only")
    if kind in ADDRESSES:
        net = _net(text)
        if net is None:
            raise ValueError(f"{text!r} is not an address, a prefix such as 10.0.0.0/8, or 10.0.*")
        return net
    return Text(text, wild)


def _net(text: str) -> Net | None:
    wanted = text
    if _V4_STARS.fullmatch(text):
        parts = text.split(".")[:-1]
        wanted = ".".join(parts + ["0"] * (4 - len(parts))) + f"/{8 * len(parts)}"
    try:
        return Net(*network_of(wanted), text)
    except ValueError:
        return None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _number(text: str, fields: tuple[str, ...]) -> Number:
    if fields == ("event.severity",) and text.upper() in Severity.__members__:
        return Number(int(Severity[text.upper()]))
    try:
        number: int | float = int(text)
        if not -(1 << 63) <= number < 1 << 63:
            number = float(number)
    except OverflowError as e:
        raise ValueError(f"{text!r} is too large") from e
    except ValueError:
        try:
            number = float(text)
        except ValueError as e:
            raise ValueError(f"{text!r} is not a number") from e
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a number")
    return Number(number)
