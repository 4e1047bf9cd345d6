"""Reading ECS documents for display: an alert's or a flow's values, wherever they may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from citywall.i18n import known, tr
from console import text

Document = Mapping[str, Any]


def value(document: Document, name: str) -> Any:
    """The value of a dotted field, nested or flat; None where it is absent."""
    if name in document:
        return document[name]
    node: Any = document
    for part in _parts(name):
        # What is read from JSON is a dict, and asking for any mapping is ten times as dear.
        if not (type(node) is dict or isinstance(node, Mapping)) or part not in node:
            return None
        node = node[part]
    return node


@lru_cache(maxsize=256)
def _parts(name: str) -> tuple[str, ...]:
    return tuple(name.split("."))


def words(document: Document, name: str) -> str:
    """The value of a field as text safe to print: `""` where absent, lists joined by commas."""
    found = value(document, name)
    if found is None:
        return ""
    if isinstance(found, list | tuple):
        return text.clean(", ".join(str(item) for item in found))
    return text.clean(str(found))


def number(document: Document, name: str) -> int:
    """The value of a field as an integer: 0 where it is absent or no number."""
    found = value(document, name)
    if isinstance(found, list):
        found = found[0] if found else 0
    try:
        return int(found or 0)
    except (TypeError, ValueError):
        return 0


def heading(document: Document) -> tuple[str, int, str]:
    """Id, severity and rule of an alert as `Alert` has them: all that is asked of those not shown."""
    name = words(document, "event.id") or words(document, "_id")
    return name, number(document, "event.severity"), words(document, "rule.id")


@dataclass(frozen=True)
class Alert:
    """What is shown of an alert. Texts are safe to print."""

    id: str
    rule: str
    title: str
    severity: int
    source: str
    target: str
    time: str  # of detection
    first: str  # of the first evidence
    count: int
    session: str
    unit: str  # that answers for what was attacked, or attacks

    @classmethod
    def of(cls, document: Document, language: str) -> Alert:
        """Read an alert's document."""
        name, severity, rule = heading(document)
        return cls(
            id=name,
            rule=rule,
            title=_title(document, rule, language),
            severity=severity,
            source=side(document, "source", language),
            target=side(document, "destination", language),
            time=words(document, "@timestamp"),
            first=words(document, "event.start") or words(document, "@timestamp"),
            count=max(number(document, "citywall.dedup.count"), 1),
            session=words(document, "citywall.session"),
            unit=words(document, "organization.name"),
        )


def _title(document: Document, rule: str, language: str) -> str:
    """What a detector calls this kind of finding, else the name of the rule."""
    key = f"detector_{rule}.kind_{words(document, 'event.action')}"
    if known(key):
        return tr(key, language)
    chinese = words(document, "citywall.rule_name_zh") if language == "zh" else ""
    return chinese or words(document, "rule.name") or words(document, "message")


_LISTS = {"source": "citywall.sources", "destination": "citywall.targets"}


def side(document: Document, name: str, language: str) -> str:
    """One side of an alert or flow (`source` or `destination`): address and port, or how many there are."""
    address = words(document, f"citywall.{name}.network") or words(document, f"{name}.address")
    address = address or words(document, f"{name}.ip")
    if not address:
        return _several(document, _LISTS[name], language) or words(document, f"{name}.mac")
    domain = words(document, f"citywall.{name}.domain")
    where = "" if domain in {"", "default"} else f" ({domain})"
    port = number(document, f"{name}.port")
    if not port:
        return address + where
    return (f"[{address}]:{port}" if ":" in address else f"{address}:{port}") + where


def _several(document: Document, name: str, language: str) -> str:
    found = number(document, f"{name}.count")
    sample = value(document, f"{name}.sample")
    if found == 1 and isinstance(sample, list) and sample:
        return text.clean(str(sample[0]))
    mark = "" if value(document, f"{name}.exact") in (True, None) else "~"
    return tr("run.hosts", language, count=f"{mark}{found:,}") if found else ""


def hosts(document: Document, name: str) -> list[str]:
    """Addresses, networks and MACs of one side: its own, or where it has none the ones it lists."""
    fields = (f"{name}.address", f"{name}.ip", f"citywall.{name}.network", f"{name}.mac")
    own = [words(document, field) for field in fields]
    if any(own[:3]):
        return sorted({host for host in own if host})
    sample = value(document, f"{_LISTS[name]}.sample")
    listed = [str(item) for item in sample] if isinstance(sample, list) else []
    return sorted({*listed, *(host for host in own if host)})
