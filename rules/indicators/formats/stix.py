"""STIX 2.1: the `indicator` objects of a bundle whose patterns name single values."""

from __future__ import annotations

import re
from typing import Any

from rules.indicators.formats.base import Entry, Listing, text_of

#: Object paths that we look for, by kind.
_PATHS = {
    "ipv4-addr:value": "address", "ipv6-addr:value": "address", "domain-name:value": "domain",
    "url:value": "url", "network-traffic:dst_ref.value": "address",
    "network-traffic:src_ref.value": "address", "file:hashes.md5": "md5",
    "file:hashes.sha-1": "sha1", "file:hashes.sha1": "sha1", "file:hashes.sha-256": "sha256",
    "file:hashes.sha256": "sha256", "network-traffic:extensions.x_ja3": "ja3",
    "x-ja3:value": "ja3", "x-ja4:value": "ja4",
}  # fmt: skip
_TEXT = r"'(?:[^'\\]|\\.)*'"
_TOKEN = re.compile(
    rf"\s*(?:(?P<bracket>[\[\]()])|(?P<word>AND|OR|FOLLOWEDBY|WITHIN|REPEATS|START|STOP|NOT|IN|ISSUBSET"
    rf"|ISSUPERSET|LIKE|MATCHES|EXISTS)\b|(?P<op>!=|=|<=|>=|<|>)|(?P<text>{_TEXT})|(?P<comma>,)"
    rf"|(?P<path>[a-zA-Z][\w-]*:(?:{_TEXT}|[\w.*\[\]-])+)|(?P<other>\S+))"
)
_MOST = 100_000  # of characters of a pattern


def read(tree: Any, listing: Listing) -> None:
    """Read a bundle, or a list of objects."""
    objects = tree.get("objects") if isinstance(tree, dict) else tree
    if not isinstance(objects, list):
        raise listing.broken("a STIX bundle has a list of objects")
    names = {
        text_of(entry.get("id")): text_of(entry.get("name"))
        for entry in objects
        if isinstance(entry, dict) and entry.get("type") == "identity"
    }
    for number, entry in enumerate(objects):
        if isinstance(entry, dict) and entry.get("type") == "indicator":
            _indicator(entry, f"objects[{number}]", names, listing)


def _indicator(entry: dict[str, Any], place: str, names: dict[str, str], listing: Listing) -> None:
    pattern = text_of(entry.get("pattern"))
    if entry.get("revoked") is True:
        listing.into.leave("revoked")
        return
    if entry.get("pattern_type", "stix") != "stix":
        listing.refuse(place, pattern, f"patterns of type {entry.get('pattern_type')!r} are not read here")
        return
    try:
        found = values_of(pattern)
    except ValueError as e:
        listing.refuse(place, pattern, str(e))
        return
    source = names.get(text_of(entry.get("created_by_ref")), "")
    sure = entry.get("confidence")
    for kind, value in found:
        listing.take(
            Entry(
                value, place, kind, source, sure / 100 if isinstance(sure, int) else sure, None,
                entry.get("valid_from"), entry.get("valid_until"), text_of(entry.get("name")),
            )
        )  # fmt: skip


def values_of(pattern: str) -> list[tuple[str, str]]:
    """(kind, value) of every comparison of a pattern that any one of them makes true; raises ValueError."""
    if len(pattern) > _MOST:
        raise ValueError("the pattern is too long")
    tokens = [(str(m.lastgroup), m[m.lastgroup or 0]) for m in _TOKEN.finditer(pattern) if m.lastgroup]
    found: list[tuple[str, str]] = []
    at = depth = 0
    while at < len(tokens):
        kind, text = tokens[at]
        if kind == "bracket":
            depth += text in "[("
            depth -= text in "])"
            at += 1
        elif kind == "path":
            values, at = _comparison(tokens, at)
            found += values
        elif (kind, text) == ("word", "OR"):
            at += 1
        elif kind == "word":
            raise ValueError(f"a pattern with {text} asks for more than one thing")
        else:
            raise ValueError(f"{text[:40]!r} is not understood")
    if depth or not found:
        raise ValueError("this is no pattern")
    return found


def _comparison(tokens: list[tuple[str, str]], at: int) -> tuple[list[tuple[str, str]], int]:
    path = tokens[at][1]
    kind = _PATHS.get(path.lower().replace("'", ""))
    if kind is None:
        raise ValueError(f"{path[:60]} is not looked for")
    rest = tokens[at + 1 :]
    if rest[:1] and rest[0] in {("op", "="), ("word", "ISSUBSET")} and rest[1:2] and rest[1][0] == "text":
        return [(kind, _unquoted(rest[1][1]))], at + 3
    if rest[:2] == [("word", "IN"), ("bracket", "(")]:
        values, used = [], 2
        while rest[used : used + 1] and rest[used][0] in {"text", "comma"}:
            if rest[used][0] == "text":
                values.append((kind, _unquoted(rest[used][1])))
            used += 1
        if rest[used : used + 1] == [("bracket", ")")]:
            return values, at + used + 2
    raise ValueError(f"only =, IN and ISSUBSET are understood of {path[:60]}")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
