"""What posture and reports need to know of an alert, out of its ECS document and what people made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any, Literal

import msgspec

from alerts import times
from alerts.workflow import Workflow

Document = Mapping[str, Any]
Side = Literal["target", "origin"]


class Touched(msgspec.Struct, frozen=True):
    """A system or unit that an alert concerns: as its `target`, or as its `origin`. Ids; empty where unknown.

    `importance` is 1 to 5, None where nobody graded it.
    """

    side: Side
    system: str = ""
    unit: str = ""
    importance: int | None = None


class AlertFact(msgspec.Struct, frozen=True):
    """One alert. `time` and `last`: event time of its first and last finding; `received`: wall clock (ns).

    `severity` is 1 to 5; `gb_class` and `gb_subclass` are of GB/T 20986-2023, `gb_level` is None where nobody
    graded it; `source` and `target` are an address or network, empty where there are several or none;
    `inside`: whether the source is in the home networks, None where there is no single one. `acknowledged`
    is when somebody first acted on it (wall clock, ns), None before. `complete` says whether attack source,
    type, target and time are recorded (GB/T 22239-2019 8.1.3.3 d).
    """

    id: str
    time: int
    last: int
    received: int
    severity: int
    rule: str
    name: str
    name_zh: str
    axis: str
    gb_class: str
    gb_subclass: str
    gb_level: str | None = None
    source: str = ""
    target: str = ""
    inside: bool | None = None
    status: str = "new"
    owner: str = ""
    acknowledged: int | None = None
    unit: str = ""
    unit_name: str = ""
    touched: tuple[Touched, ...] = ()
    complete: bool = True

    @property
    def order(self) -> tuple[int, str]:
        """Sorts alerts the same way wherever they come from."""
        return self.time, self.id


class Home:
    """Which addresses are ours."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ip_network(n) for n in networks]
        self._known: dict[str, bool | None] = {}

    def holds(self, text: str) -> bool | None:
        """Whether an address or network lies in ours; None for what is none."""
        if text not in self._known:
            try:
                found = ip_network(text, strict=False) if "/" in text else ip_address(text)
            except ValueError:
                self._known[text] = None
            else:
                first = found.network_address if hasattr(found, "network_address") else found
                self._known[text] = any(first.version == n.version and first in n for n in self._networks)
        return self._known[text]


def facts(
    documents: Iterable[Document], workflows: Mapping[str, Workflow], home: Home
) -> Iterator[AlertFact]:
    """The facts of alert documents, given what people made of them by id."""
    for document in documents:
        yield fact(document, workflows.get(_text(document, "event.id")), home)


def fact(document: Document, workflow: Workflow | None, home: Home) -> AlertFact:
    """One alert's facts; what a document does not say is left empty."""
    time = times.from_iso(_text(document, "@timestamp"))
    last = _text(document, "citywall.dedup.last_seen")
    received = _text(document, "event.ingested")
    source, target = _end(document, "source"), _end(document, "destination")
    steps = () if workflow is None else workflow.history
    return AlertFact(
        id=_text(document, "event.id"),
        time=time,
        last=times.from_iso(last) if last else time,
        received=times.from_iso(received) if received else time,
        severity=int(_value(document, "event.severity") or 1),
        rule=_text(document, "rule.id"),
        name=_text(document, "rule.name"),
        name_zh=_text(document, "citywall.rule_name_zh") or _text(document, "rule.name"),
        axis=_text(document, "citywall.axis"),
        gb_class=_text(document, "citywall.gb20986.class") or "other",
        gb_subclass=_text(document, "citywall.gb20986.subclass"),
        gb_level=_value(document, "citywall.gb20986.level"),
        source=source,
        target=target,
        inside=home.holds(source) if source else None,
        status="new" if workflow is None else workflow.status,
        owner="" if workflow is None else workflow.owner,
        acknowledged=min((s.at for s in steps if s.status not in (None, "new") or s.owner), default=None),
        unit=_text(document, "organization.id"),
        unit_name=_text(document, "organization.name"),
        touched=tuple(_touched(document)),
        complete=_complete(document, source, target),
    )


def _touched(document: Document) -> Iterator[Touched]:
    """Systems and units on either side, each once; as origin where it is on both."""
    told: dict[tuple[str, str], Touched] = {}
    for side, name in (("target", "dst"), ("origin", "src")):
        for place in _value(document, f"citywall.asset.{name}") or ():
            system, unit = str(place.get("system_id", "")), str(place.get("unit_id", ""))
            found = Touched(side, system, unit, place.get("importance"))  # type: ignore[arg-type]
            before = told.get((system, unit))
            if before is None or before.side != side or (before.importance or 0) < (found.importance or 0):
                told[system, unit] = found
    yield from told.values()


def _end(document: Document, name: str) -> str:
    """The one host or network of a side; of several, nothing."""
    for field in (f"citywall.{name}.network", f"{name}.address", f"{name}.ip"):
        if text := _text(document, field):
            return text
    listed = "sources" if name == "source" else "targets"
    sample = _value(document, f"citywall.{listed}.sample")
    if _value(document, f"citywall.{listed}.count") == 1 and isinstance(sample, list) and sample:
        return str(sample[0])
    return _text(document, f"{name}.mac")


def _complete(document: Document, source: str, target: str) -> bool:
    ends = (source or _value(document, "citywall.sources.count")) and (
        target or _value(document, "citywall.targets.count")
    )
    return bool(ends and _text(document, "rule.category") and _text(document, "@timestamp"))


def _value(document: Document, name: str) -> Any:
    node: Any = document
    for part in name.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return None
        node = node[part]
    return node


def _text(document: Document, name: str) -> str:
    found = _value(document, name)
    return "" if found is None else str(found)
