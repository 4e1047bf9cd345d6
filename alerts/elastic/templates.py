"""Names, mappings and templates of the indices.

`<prefix>-alerts-<lane>-2026.11.22` holds what a lane received on a day, behind the alias
`<prefix>-alerts-<lane>`; `<prefix>-workflow` holds what people made of alerts. Mappings come from
:data:`alerts.fields.FIELDS` and refuse what is not declared there. Beside the document each alert has
`citywall_search`: its time and end in ns and its minute as integers (a date cannot hold every time a capture
may claim), and the tokens of :mod:`alerts.tokens`, so that Chinese is found as the embedded store finds it.
"""

from __future__ import annotations

import re
from typing import Any

from alerts.fields import FIELDS, Type
from alerts.store import LANES
from citywall.servers import ElasticsearchSettings

#: Counts changes of what stands here; `citywall store migrate` brings indices of an older one up.
VERSION = 2
SEARCH = "citywall_search"
_DAY = r"\d{4}\.\d\d\.\d\d"
# Lucene takes terms of at most 32,766 bytes; a character takes at most four.
_LONGEST_TERM = 8191
_KEYWORD = {"type": "keyword", "normalizer": "fold", "ignore_above": _LONGEST_TERM}
# Fields whose whole text is asked for, beside its words.
_EXACT = ("citywall.rule_name_zh",)


class Names:
    """What things are called on the server."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.settings = f"{prefix}-settings"
        self.fields = f"{prefix}-alert-fields"
        self.workflow = f"{prefix}-workflow"
        self.policy = f"{prefix}-alerts"
        self.all_alerts = f"{prefix}-alerts-*"
        lanes = "|".join(LANES)
        self._form = re.compile(rf"{re.escape(prefix)}-alerts-({lanes})-({_DAY})")

    def alias(self, lane: str) -> str:
        """The alias of a lane; also the name of its index template."""
        return f"{self.prefix}-alerts-{lane}"

    def index(self, lane: str, day: str) -> str:
        """The index of a lane and day (`2026-11-22`)."""
        return f"{self.prefix}-alerts-{lane}-{day.replace('-', '.')}"

    def moving(self, index: str) -> str:
        """Where an index is copied while it is brought to a new layout; outside the alias."""
        return f"{self.prefix}-moving-{index.removeprefix(self.prefix + '-')}"

    def parse(self, index: str) -> tuple[str, str] | None:
        """Lane and day (`2026-11-22`) of an index of ours."""
        form = self._form.fullmatch(index)
        return None if form is None else (form.group(1), form.group(2).replace(".", "-"))


def mapping_of(kind: Type) -> dict[str, Any]:
    """How a field of a type is mapped."""
    match kind:
        case Type.KEYWORD:
            return dict(_KEYWORD)
        case Type.TEXT:
            return {"type": "text"}
        case Type.FLOAT:
            # Documents hold doubles: a narrower field would answer otherwise than they do.
            return {"type": "double"}
        case Type.DATE:
            return {"type": "date_nanos", "format": "strict_date_optional_time_nanos",
                    "ignore_malformed": True}  # fmt: skip
        case Type.FLATTENED:
            return {"type": "flattened", "ignore_above": _LONGEST_TERM // 2}
        case _:
            return {"type": kind.value}


def alert_mappings() -> dict[str, Any]:
    """The mappings of an alert index."""
    tree: dict[str, Any] = {"dynamic": "strict", "_meta": {"version": VERSION}, "properties": {}}
    for name, kind in FIELDS.items():
        *parents, leaf = name.split(".")
        node = tree
        for parent in parents:
            node = node["properties"].setdefault(parent, {"dynamic": "strict", "properties": {}})
        node["properties"][leaf] = mapping_of(kind)
        if name in _EXACT:
            node["properties"][leaf]["fields"] = {"exact": dict(_KEYWORD)}
    tree["properties"][SEARCH] = {
        "dynamic": "strict",
        "properties": {
            "time": {"type": "long"},
            "last": {"type": "long"},
            "minute": {"type": "long"},
            "words": {"type": "text", "analyzer": "whitespace", "norms": False},
        },
    }
    return tree


def workflow_mappings() -> dict[str, Any]:
    """The mappings of the workflow index; the history is kept as one text, only its notes are searched."""
    return {
        "dynamic": "strict",
        "_meta": {"version": VERSION},
        "properties": {
            "id": {"type": "keyword"},
            "status": {"type": "keyword"},
            "owner": {"type": "keyword"},
            "lane": {"type": "keyword"},
            "received": {"type": "keyword"},
            "notes": {"type": "text"},
            "history": {"type": "object", "enabled": False},
        },
    }


#: Beside every mapping that names it.
ANALYSIS = {"normalizer": {"fold": {"type": "custom", "filter": ["lowercase"]}}}


def index_settings(settings: ElasticsearchSettings, policy: str | None) -> dict[str, Any]:
    """The settings of an index; `policy` names the lifecycle policy where the server has such."""
    index: dict[str, Any] = {
        "number_of_shards": settings.shards,
        # As many copies as there are nodes for: one node alone is whole without.
        "auto_expand_replicas": f"0-{settings.replicas}",
    }
    if policy is not None:
        index["lifecycle"] = {"name": policy}
    return index


def component_templates(
    names: Names, settings: ElasticsearchSettings, policy: str | None
) -> dict[str, dict[str, Any]]:
    """The component templates by name."""
    meta = {"managed_by": "citywall", "version": VERSION}
    return {
        names.settings: {
            "template": {"settings": {"index": index_settings(settings, policy)}}, "version": VERSION,
            "_meta": meta,
        },
        names.fields: {
            "template": {"settings": {"index": {"analysis": ANALYSIS}}, "mappings": alert_mappings()},
            "version": VERSION, "_meta": meta,
        },
    }  # fmt: skip


def index_templates(names: Names) -> dict[str, dict[str, Any]]:
    """The index templates by name: one a lane, since each puts its indices behind its alias."""
    return {
        names.alias(lane): {
            "index_patterns": [f"{names.alias(lane)}-*"],
            "composed_of": [names.settings, names.fields],
            "template": {"aliases": {names.alias(lane): {}}},
            "priority": 500,
            "version": VERSION,
            "_meta": {"managed_by": "citywall", "version": VERSION},
        }
        for lane in LANES
    }


def policy(days: int) -> dict[str, Any]:
    """A lifecycle policy that deletes what retention would: a day later, so that ours comes first."""
    delete = {"min_age": f"{days + 1}d", "actions": {"delete": {}}}
    return {"policy": {"phases": {"hot": {"actions": {}}, "delete": delete}}}
