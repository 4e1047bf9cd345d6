"""MISP: the attributes of events as its exports and feeds have them in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rules.indicators.formats.base import Entry, Listing, text_of

_KINDS = {
    "ip-src": "address", "ip-dst": "address", "domain": "domain", "hostname": "domain", "url": "url",
    "md5": "md5", "sha1": "sha1", "sha256": "sha256", "ja3-fingerprint-md5": "ja3", "ja4": "ja4",
}  # fmt: skip
#: Attributes of two values, and the kind of each (empty: not looked for).
_PAIRS = {
    "ip-src|port": ("address", ""), "ip-dst|port": ("address", ""), "domain|ip": ("domain", "address"),
    "hostname|port": ("domain", ""), "filename|md5": ("", "md5"), "filename|sha1": ("", "sha1"),
    "filename|sha256": ("", "sha256"),
}  # fmt: skip
_LEVELS = {"1": "high", "2": "medium", "3": "low"}
_SURE = {
    "completely-confident": 1.0, "usually-confident": 0.75, "fairly-confident": 0.5,
    "rarely-confident": 0.25, "unconfident": 0.0,
}  # fmt: skip


def read(tree: Any, listing: Listing) -> None:
    """Read one event, a list of them, or what a search answered."""
    if isinstance(tree, dict) and "response" in tree:
        tree = tree["response"]
    for number, entry in enumerate(tree if isinstance(tree, list) else [tree]):
        event = entry.get("Event", entry) if isinstance(entry, dict) else None
        if not isinstance(event, dict):
            listing.refuse(f"[{number}]", str(entry), "this is no event")
            continue
        _event(event, f"[{number}]." if isinstance(tree, list) else "", listing)


def _attributes(event: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for number, attribute in enumerate(_list(event.get("Attribute"))):
        yield f"Attribute[{number}]", attribute
    for at, thing in enumerate(_list(event.get("Object"))):
        for number, attribute in enumerate(_list(thing.get("Attribute")) if isinstance(thing, dict) else ()):
            yield f"Object[{at}].Attribute[{number}]", attribute


def _event(event: dict[str, Any], before: str, listing: Listing) -> None:
    maker = event.get("Orgc")
    source = text_of(maker.get("name")) if isinstance(maker, dict) else ""
    level = _LEVELS.get(str(event.get("threat_level_id", "")))
    of_event = _sure(event)
    for place, attribute in _attributes(event):
        if not isinstance(attribute, dict):
            listing.refuse(before + place, str(attribute), "this is no attribute")
            continue
        if attribute.get("to_ids") is False or attribute.get("deleted") is True:
            listing.into.leave("not for detection" if attribute.get("to_ids") is False else "deleted")
            continue
        name, value = text_of(attribute.get("type")), text_of(attribute.get("value"))
        sure = _sure(attribute)
        entry = Entry(
            value, before + place, "", source, of_event if sure is None else sure, level,
            attribute.get("first_seen"), attribute.get("expiration"),
            text_of(event.get("info")) or text_of(attribute.get("comment")),
        )  # fmt: skip
        if name in _KINDS:
            entry.kind = _KINDS[name]
            listing.take(entry)
        elif name in _PAIRS:
            for kind, part in zip(_PAIRS[name], value.rsplit("|", 1), strict=False):
                if kind:
                    listing.take(
                        Entry(part, entry.place, kind, source, entry.confidence, level, entry.begins,
                              entry.ends, entry.title)
                    )  # fmt: skip
        else:
            listing.refuse(before + place, value, f"attributes of type {name!r} are not looked for")


def _sure(thing: dict[str, Any]) -> float | None:
    for tag in _list(thing.get("Tag")):
        name = text_of(tag.get("name")) if isinstance(tag, dict) else ""
        key, _, value = name.partition("=")
        if key.endswith("confidence-level"):
            return _SURE.get(value.strip('"'))
    return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
