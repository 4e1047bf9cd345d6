"""Every field an alert may have, with its Elasticsearch type: a small dictionary after ECS 9.4.

Fields outside `citywall.` are ECS's own and keep its types. Whatever a document holds must stand here
(tested), and whatever stands here can be asked for in a query.
"""

from __future__ import annotations

import enum

ECS_VERSION = "9.4.0"


class Type(enum.Enum):
    """Elasticsearch types in use. `FLATTENED` takes any names below it, as detectors' facts need."""

    KEYWORD = "keyword"
    TEXT = "text"
    IP = "ip"
    NETWORK = "ip_range"
    LONG = "long"
    FLOAT = "float"
    DATE = "date_nanos"
    BOOLEAN = "boolean"
    FLATTENED = "flattened"


def _under(prefix: str, kind: Type, *names: str) -> dict[str, Type]:
    return {f"{prefix}.{name}" if prefix else name: kind for name in names}


_ECS = {
    "@timestamp": Type.DATE,
    "message": Type.TEXT,
    "ecs.version": Type.KEYWORD,
    **_under("event", Type.KEYWORD, "id", "kind", "category", "type", "action", "code", "dataset",
             "module", "provider"),
    **_under("event", Type.DATE, "start", "end", "created", "ingested"),
    **_under("event", Type.LONG, "severity", "duration"),
    **_under("event", Type.FLOAT, "risk_score"),
    **_under("rule", Type.KEYWORD, "id", "name", "version", "ruleset", "category"),
    **_under("threat", Type.KEYWORD, "framework", "tactic.id", "tactic.name", "tactic.reference"),
    **_under("threat.technique", Type.KEYWORD, "id", "name", "reference", "subtechnique.id",
             "subtechnique.name", "subtechnique.reference"),
    **_under("source", Type.KEYWORD, "address", "mac"),
    **_under("destination", Type.KEYWORD, "address", "mac"),
    **_under("", Type.IP, "source.ip", "destination.ip", "related.ip"),
    **_under("", Type.LONG, "source.port", "destination.port"),
    **_under("network", Type.KEYWORD, "transport", "type", "iana_number", "community_id"),
    **_under("observer", Type.KEYWORD, "vendor", "product", "version", "type"),
    **_under("organization", Type.KEYWORD, "id", "name"),
}  # fmt: skip

_ENDPOINT_LISTS = ("citywall.sources", "citywall.targets")
# The asset an alert is about, and those on either side.
_ASSETS = ("citywall.asset", "citywall.asset.src", "citywall.asset.dst")

_CITYWALL = {
    "citywall.message_zh": Type.TEXT,
    "citywall.rule_name_zh": Type.TEXT,
    **_under("citywall", Type.KEYWORD, "axis", "session", "lane", "entity", "domain"),
    **_under("citywall.source", Type.KEYWORD, "domain"),
    **_under("citywall.source", Type.NETWORK, "network"),
    **_under("citywall.destination", Type.KEYWORD, "domain"),
    **_under("citywall.destination", Type.NETWORK, "network"),
    **_under("citywall.gb20986", Type.KEYWORD, "class", "subclass", "code", "level"),
    **_under("citywall.detector", Type.KEYWORD, "name", "version"),
    **_under("citywall.detector", Type.FLOAT, "score", "threshold", "confidence"),
    "citywall.detector.facts": Type.FLATTENED,
    **_under("citywall.dedup", Type.KEYWORD, "key"),
    **_under(
        "citywall.dedup", Type.LONG, "count", "window_s", "max_severity", "breakouts.from", "breakouts.to"
    ),
    **_under("citywall.dedup", Type.DATE, "first_seen", "last_seen", "breakouts.time"),
    **{f"{side}.count": Type.LONG for side in _ENDPOINT_LISTS},
    **{f"{side}.exact": Type.BOOLEAN for side in _ENDPOINT_LISTS},
    **{f"{side}.sample": Type.IP for side in _ENDPOINT_LISTS},
    **_under("citywall.evidence", Type.KEYWORD, "kind", "flow_id", "community_id", "path", "transport"),
    **_under("citywall.evidence", Type.LONG, "frame", "offset", "source.port", "destination.port"),
    **_under("citywall.evidence", Type.IP, "source.ip", "destination.ip"),
    "citywall.evidence.time": Type.DATE,
    "citywall.evidence_count": Type.LONG,
    "citywall.asset.side": Type.KEYWORD,
    **{f"{asset}.{name}": Type.KEYWORD for asset in _ASSETS
       for name in ("id", "name", "system_id", "system", "unit_id", "owner", "zone_id")},
    **{f"{asset}.{name}": Type.LONG for asset in _ASSETS for name in ("importance", "mlps_level")},
    **{f"{asset}.cii": Type.BOOLEAN for asset in _ASSETS},
    **_under("citywall.zone", Type.KEYWORD, "src", "dst"),
}  # fmt: skip

#: Dotted name to type.
FIELDS: dict[str, Type] = {**_ECS, **_CITYWALL}


def type_of(name: str) -> Type | None:
    """The type of a dotted field, names below a flattened field included; None where undeclared."""
    kind = FIELDS.get(name)
    if kind is not None and kind is not Type.FLATTENED:
        return kind
    for parent, parent_kind in FIELDS.items():
        if parent_kind is Type.FLATTENED and name.startswith(parent + ".") and len(name) > len(parent) + 1:
            return Type.FLATTENED
    return None
