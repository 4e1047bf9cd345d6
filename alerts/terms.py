"""What a query is made of, and whether a document answers to it.

A query is a tree of :class:`And`, :class:`Or`, :class:`Not` over :class:`Term` (one field) and
:class:`Words` (full text). `str()` of a tree is text that parses to the same tree.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any

from alerts import times, tokens
from alerts.fields import Type

#: Types whose values are addresses.
ADDRESSES = (Type.IP, Type.NETWORK)
_V4 = 0xFFFF_0000_0000
# What the register called the places of an alert: each name once, however many fields have it.
_WHERE = (
    "organization.name",
    *(f"citywall.asset.{side}.{name}" for side in ("src", "dst") for name in ("owner", "system", "name")),
    "citywall.zone.src",
    "citywall.zone.dst",
)


@dataclass(frozen=True)
class Anything:
    """`*`: the field is there."""

    def __str__(self) -> str:
        return "*"


@dataclass(frozen=True)
class Text:
    """A text, compared without regard to case; `*` stands for anything where `wild`."""

    text: str
    wild: bool = False

    def __str__(self) -> str:
        return self.text if self.wild else quoted(self.text)

    def matches(self, value: str) -> bool:
        """Whether `value` is this text, or of this form."""
        value, wanted = tokens.fold(value), tokens.fold(self.text)
        return glob(wanted, value) if self.wild else wanted == value


@dataclass(frozen=True)
class Number:
    """A number; compared by value."""

    value: int | float

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True)
class Span:
    """A time as written: `[start, stop)` in ns."""

    start: int
    stop: int
    text: str

    def __str__(self) -> str:
        return quoted(self.text)


@dataclass(frozen=True)
class Net:
    """Addresses from `start` to `stop`, both included, as 128-bit integers (IPv4 in its mapped form)."""

    start: int
    stop: int
    text: str

    def __str__(self) -> str:
        return self.text


Value = Anything | Text | Number | Span | Net


@dataclass(frozen=True)
class Term:
    """`name op value`; `fields` are the document's fields any of which may answer, all of one `type`."""

    name: str
    op: str  # ":", "<", "<=", ">", ">="
    value: Value
    fields: tuple[str, ...]
    type: Type

    def __str__(self) -> str:
        return f"{self.name}{self.op}{self.value}"


@dataclass(frozen=True)
class Words:
    """A phrase of full text; its last token is a beginning where `prefix`. `text` is as written."""

    text: str
    phrase: tuple[str, ...]
    prefix: bool

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Not:
    """What does not answer to `node`."""

    node: Node

    def __str__(self) -> str:
        return f"NOT {_grouped(self.node)}"


@dataclass(frozen=True)
class And:
    """What answers to every one of `nodes`; everything where there are none."""

    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return " AND ".join(map(_grouped, self.nodes))


@dataclass(frozen=True)
class Or:
    """What answers to any of `nodes`."""

    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(map(_grouped, self.nodes))


Node = And | Or | Not | Term | Words


def quoted(text: str) -> str:
    """`text` in quotation marks, as the query language reads it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def glob(pattern: str, text: str) -> bool:
    """Whether `text` has the form of `pattern`, where `*` is any run of characters. Linear per piece."""
    head, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *middle, tail = rest
    if not text.startswith(head) or len(text) < len(head) + len(tail) or not text.endswith(tail):
        return False
    at, end = len(head), len(text) - len(tail)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


@lru_cache(maxsize=16384)
def network_of(text: str) -> tuple[int, int]:
    """First and last address of an address or prefix, as 128-bit integers; raises ValueError."""
    for family, shift in ((socket.AF_INET, _V4), (socket.AF_INET6, 0)):  # nearly all are single addresses
        try:
            value = shift + int.from_bytes(socket.inet_pton(family, text), "big")
        except (OSError, ValueError):
            continue
        return value, value
    net = ipaddress.ip_network(text, strict=False)
    shift = _V4 if net.version == 4 else 0
    return shift + int(net.network_address), shift + int(net.broadcast_address)


def values_at(document: Any, path: str) -> list[Any]:
    """Every value under a dotted path, through lists; a name may itself hold dots (facts)."""
    found: list[Any] = []
    _gather(document, path, found)
    return found


class Finder:
    """`values_at` of several paths, in one walk: an alert is asked for twenty of them when it is stored."""

    __slots__ = ("_below", "_dotted", "_ends", "_paths")

    def __init__(self, paths: Iterable[str], places: Iterable[int] | None = None) -> None:
        """`places` are those of the paths in what is found."""
        self._paths = list(zip(paths, count() if places is None else places, strict=False))
        self._ends = [(path, at) for path, at in self._paths if "." not in path]
        # A name may hold dots, and then comes before what is nested.
        self._dotted = frozenset(path for path, _ in self._paths if "." in path)
        below: dict[str, dict[int, str]] = {}
        for path, at in self._paths:
            name, dot, left = path.partition(".")
            if dot:
                below.setdefault(name, {})[at] = left
        self._below = [(name, Finder(rest.values(), rest)) for name, rest in below.items()]

    def __call__(self, document: Any) -> list[list[Any]]:
        """The values under each path."""
        found: list[list[Any]] = [[] for _ in self._paths]
        self.gather(document, found)
        return found

    def gather(self, document: Any, found: list[list[Any]]) -> None:
        """Add the values under each path to those at its place."""
        if isinstance(document, list):
            for item in document:
                self.gather(item, found)
            return
        if not isinstance(document, dict):
            return
        if self._dotted and not self._dotted.isdisjoint(document):
            for path, at in self._paths:
                _gather(document, path, found[at])
            return
        for name, at in self._ends:
            found[at] += flat(document.get(name))
        for name, finder in self._below:
            below = document.get(name)
            if below is not None:
                finder.gather(below, found)


def flat(value: Any) -> Sequence[Any]:
    """The values that stand for a field's value: those of a list, and no objects."""
    if isinstance(value, str):
        return (value,)
    values = value if isinstance(value, list) else (value,)
    return [v for v in values if v is not None and not isinstance(v, dict)]


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[tuple[str, str], ...]:
    """What is left of a dotted path at each of its names, and the name."""
    names = path.split(".")
    return tuple((".".join(names[at:]), name) for at, name in enumerate(names))


def _gather(document: Any, path: str, found: list[Any]) -> None:
    for left, name in _steps(path):
        if isinstance(document, list):
            for item in document:
                _gather(item, left, found)
            return
        if not isinstance(document, dict):
            return
        if left in document:
            found += flat(document[left])
            return
        document = document.get(name)


def matches(node: Node, document: Mapping[str, Any]) -> bool:
    """Whether an ECS document answers to a query."""
    match node:
        case And():
            return all(matches(n, document) for n in node.nodes)
        case Or():
            return any(matches(n, document) for n in node.nodes)
        case Not():
            return not matches(node.node, document)
        case Words():
            return any(
                tokens.holds(tokens.index_tokens(text), list(node.phrase), node.prefix)
                for text in searchable(document)
            )
        case Term():
            return any(answers(node, v) for f in node.fields for v in values_at(document, f))


#: Texts that full-text search looks into: what an alert says, where, and of whom.
_SAID = (
    "message", "citywall.message_zh", "rule.name", "citywall.rule_name_zh", "threat.technique.name",
    "threat.tactic.name", "citywall.gb20986.subclass",
)  # fmt: skip
SEARCHED = (*_SAID, *_WHERE, "citywall.entity")
_SEARCHED = Finder(SEARCHED)


def searchable(document: Mapping[str, Any]) -> list[str]:
    """The texts of a document that full-text search looks into."""
    return texts_of(_SEARCHED(document))


def texts_of(values: Sequence[Any]) -> list[str]:
    """The texts among what stands at each path of `SEARCHED`: a value, several in a list, or None."""
    found: list[Any] = []
    for value in values[: len(_SAID)]:
        if isinstance(value, str):
            found.append(value)
        elif value is not None:
            found += flat(value)
    places = [value for value in values[len(_SAID) : -1] if value is not None]
    found += dict.fromkeys(v for value in places for v in flat(value))
    found += flat(values[-1])
    return [text for text in found if isinstance(text, str)]


def answers(term: Term, value: Any) -> bool:
    """Whether one value of a document answers to a term."""
    match term.value:
        case Anything():
            return True
        case Net():
            return isinstance(value, str) and _overlaps(term.value, value)
        case Number():
            number = _number(value) if term.type is Type.FLATTENED else value
            return isinstance(number, (int, float)) and compare(term.op, number, term.value.value)
        case Span():
            return isinstance(value, str) and within(term.op, times.from_iso(value), term.value)
        case Text():
            if term.type is Type.TEXT and not term.value.wild:
                phrase, prefix = tokens.query_tokens(term.value.text)
                return bool(phrase) and tokens.holds(tokens.index_tokens(str(value)), phrase, prefix)
            return term.value.matches(_written(value))


def compare(op: str, value: float, wanted: float) -> bool:
    """`value op wanted`."""
    match op:
        case ":":
            return value == wanted
        case "<":
            return value < wanted
        case "<=":
            return value <= wanted
        case ">":
            return value > wanted
        case _:
            return value >= wanted


def within(op: str, time: int, span: Span) -> bool:
    """How a time stands to a span: `>` a day means after it has ended."""
    match op:
        case ":":
            return span.start <= time < span.stop
        case "<":
            return time < span.start
        case "<=":
            return time < span.stop
        case ">":
            return time >= span.stop
        case _:
            return time >= span.start


def _overlaps(net: Net, value: str) -> bool:
    try:
        start, stop = network_of(value)
    except ValueError:
        return False
    return start <= net.stop and net.start <= stop


def _number(value: Any) -> Any:
    """A fact may be a number written as text, such as a port."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return None


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _grouped(node: Node) -> str:
    return f"({node})" if isinstance(node, (And, Or)) else str(node)
