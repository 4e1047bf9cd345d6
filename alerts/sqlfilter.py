"""A query as SQL over the embedded store's columns.

What columns cannot answer is left to the documents: the SQL is then a prefilter that lets through at
least what the query asks for, and `exact` is False. No text of a query ever enters the SQL; it is bound.
"""

from __future__ import annotations

from dataclasses import dataclass

from alerts import times
from alerts.terms import And, Anything, Net, Node, Not, Number, Or, Span, Term, Text, Words
from alerts.tokens import fold

#: Columns by field. Texts in them are folded (`tokens.fold`).
NUMBERS = {
    "event.severity": "severity",
    "event.risk_score": "risk",
    "citywall.dedup.count": "count",
    "source.port": "source_port",
    "destination.port": "destination_port",
}
TIMES = {"@timestamp": "time", "citywall.dedup.last_seen": "last"}
TEXTS = {
    "event.id": "id",
    "citywall.detector.name": "detector",
    "event.action": "kind",
    "citywall.entity": "entity",
    "citywall.session": "session",
    "rule.id": "rule",
    "rule.name": "title",
    "citywall.rule_name_zh": "title_zh",
    "network.transport": "transport",
    "citywall.gb20986.class": "class",
    "citywall.axis": "axis",
    "organization.id": "unit_id",
    "organization.name": "unit",
}
#: Every field that is a column, in the order of the table.
COLUMNS = {**TEXTS, **TIMES, **NUMBERS}
#: `addresses.side` by field.
SIDES = {
    "source.ip": 1,
    "citywall.source.network": 1,
    "destination.ip": 2,
    "citywall.destination.network": 2,
    "related.ip": 3,
    "citywall.sources.sample": 4,
    "citywall.targets.sample": 5,
}

Parameter = str | int | float | bytes


@dataclass(frozen=True)
class Filter:
    """A condition for WHERE, its parameters, and whether it says all that the query does."""

    sql: str
    parameters: tuple[Parameter, ...]
    exact: bool


_ALL = Filter("1", (), exact=True)
_UNKNOWN = Filter("1", (), exact=False)


def compiled(node: Node) -> Filter:
    """The condition for a query's tree."""
    match node:
        case And() | Or():
            return _joined(node)
        case Not():
            inner = compiled(node.node)
            # Of what a prefilter lets through, nothing is known to be out. NULL counts as no.
            if not inner.exact:
                return _UNKNOWN
            return Filter(f"NOT ifnull({inner.sql}, 0)", inner.parameters, exact=True)
        case Words():
            return Filter(_MATCHES, (fts_phrase(node.phrase, node.prefix),), exact=True)
        case Term():
            return _term(node)


_MATCHES = "n IN (SELECT rowid FROM words WHERE words MATCH ?)"


def fts_phrase(phrase: tuple[str, ...], prefix: bool) -> str:
    """A phrase in FTS5's own syntax. Tokens hold letters and digits only, so nothing can break out."""
    return f'"{" ".join(phrase)}"' + ("*" if prefix else "")


def address_key(value: int) -> bytes:
    """A 128-bit address as bytes that sort like it."""
    return value.to_bytes(16, "big")


def _joined(node: And | Or) -> Filter:
    parts = [compiled(n) for n in node.nodes]
    if not parts:
        return _ALL
    exact = all(p.exact for p in parts)
    word = " AND " if isinstance(node, And) else " OR "
    return Filter(
        f"({word.join(p.sql for p in parts)})", tuple(v for p in parts for v in p.parameters), exact
    )


def _term(term: Term) -> Filter:
    # Two fields may live in one column (source.ip and its network): ask it once.
    parts = list(dict.fromkeys(_about(field, term) for field in term.fields))
    return Filter(
        f"({' OR '.join(p.sql for p in parts)})",
        tuple(v for p in parts for v in p.parameters),
        all(p.exact for p in parts),
    )


def _about(field: str, term: Term) -> Filter:
    value = term.value
    operator = "=" if term.op == ":" else term.op
    if isinstance(value, Anything):
        return _present(field)
    if isinstance(value, Number) and field in NUMBERS:
        return Filter(f"{NUMBERS[field]} {operator} ?", (value.value,), exact=True)
    if isinstance(value, Span) and field in TIMES:
        return _when(TIMES[field], term.op, value)
    if isinstance(value, Net) and field in SIDES:
        return Filter(
            "n IN (SELECT alert FROM addresses WHERE side = ? AND start <= ? AND stop >= ?)",
            (SIDES[field], address_key(value.stop), address_key(value.start)),
            exact=True,
        )
    if isinstance(value, Text) and field in TEXTS:
        return _text(TEXTS[field], value)
    return _UNKNOWN


def _present(field: str) -> Filter:
    if column := COLUMNS.get(field):
        return Filter(f"{column} IS NOT NULL", (), exact=True)
    return _UNKNOWN


def _when(column: str, op: str, span: Span) -> Filter:
    start, stop = times.bounded(span.start), times.bounded(span.stop)
    match op:
        case ":":
            return Filter(f"({column} >= ? AND {column} < ?)", (start, stop), exact=True)
        case "<":
            return Filter(f"{column} < ?", (start,), exact=True)
        case "<=":
            return Filter(f"{column} < ?", (stop,), exact=True)
        case ">":
            return Filter(f"{column} >= ?", (stop,), exact=True)
        case _:
            return Filter(f"{column} >= ?", (start,), exact=True)


def _text(column: str, value: Text) -> Filter:
    wanted = fold(value.text)
    if not value.wild:
        return Filter(f"{column} = ?", (wanted,), exact=True)
    pattern = wanted.replace("[", "[[]").replace("?", "[?]")
    return Filter(f"{column} GLOB ?", (pattern,), exact=True)
