"""An alert explained: why it fired, who against whom and whose, since when, on what evidence, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from citywall.i18n import known, tr
from console import severity, units
from console.display.sheet import Section
from console.display.table import Cell, Column
from console.documents import Alert, number, side, value, words
from console.text import clean, truncate

if TYPE_CHECKING:
    from alerts.workflow import Workflow

Document = Mapping[str, Any]
_NANO = 1_000_000_000
#: Evidence that is listed; the rest is counted.
_LISTED = 50


def explain(document: Document, workflow: Workflow, language: str) -> list[Section]:
    """Everything there is to know of an alert, as sections."""
    return [
        head(document, language),
        whose(document, language),
        why(document, language),
        worked(workflow, language),
        when(document, language),
        classed(document, language),
        evidence(document, language),
        advice(document, language),
    ]


def head(document: Document, language: str) -> Section:
    """Severity, title and one sentence."""
    alert = Alert.of(document, language)
    section = Section()
    mark = (severity.mark(alert.severity, language), severity.style(alert.severity))
    section.lines.append([mark, ("  ", ""), (alert.title, "bold"), (f"  {alert.id}", "dim")])
    said = words(document, "citywall.message_zh") if language == "zh" else ""
    section.prose.append(said or words(document, "message"))
    return section


def worked(workflow: Workflow, language: str) -> Section:
    """What people made of it: status, owner, history."""
    section = Section(tr("app_alert.workflow", language))
    style = "" if workflow.status == "new" else "green"
    section.say(tr("app_alert.status", language), tr(f"app_status.{workflow.status}", language), style)
    section.say(tr("app_alert.owner", language), workflow.owner or tr("app_alert.nobody", language))
    for step in workflow.history:
        said = []
        if step.status is not None:
            said.append(tr(f"app_status.{step.status}", language))
        if step.owner is not None:
            owner = step.owner or tr("app_alert.nobody", language)
            said.append(tr("app_alert.owned", language, owner=owner))
        if step.note is not None:
            said.append(step.note)
        when_ = units.moment(step.at)[:16].replace("T", " ")
        section.say(f"{when_} {step.by}", clean("; ".join(said)))
    return section


def why(document: Document, language: str) -> Section:
    """What was measured, against which threshold, and how the detector decides."""
    section = Section(tr("app_alert.why", language))
    score, threshold = (value(document, f"citywall.detector.{n}") for n in ("score", "threshold"))
    if isinstance(score, int | float) and isinstance(threshold, int | float):
        said = tr("app_alert.score_of", language, score=f"{score:g}", threshold=f"{threshold:g}")
        section.say(tr("app_alert.score", language), said, "bold")
    confidence = value(document, "citywall.detector.confidence")
    if isinstance(confidence, int | float):
        section.say(tr("app_alert.confidence", language), f"{confidence:.0%}")
    facts = value(document, "citywall.detector.facts")
    for name, fact in facts.items() if isinstance(facts, Mapping) else ():
        shown = (
            f"{fact:,}" if isinstance(fact, int) else f"{fact:g}" if isinstance(fact, float) else str(fact)
        )
        section.facts.append((clean(_fact(str(name), language)), truncate(clean(shown), 40)))
    detector = words(document, "citywall.detector.name")
    version = words(document, "citywall.detector.version")
    section.say(tr("app_alert.detector", language), f"{detector} {version}".strip())
    section.prose += _told(detector, "reasoning", language)
    return section


def whose(document: Document, language: str) -> Section:
    """Both sides, and what the register says of them."""
    section = Section(tr("app_alert.whose", language))
    for name, short in (("source", "src"), ("destination", "dst")):
        label = tr(f"app_alert.{name}", language)
        section.say(label, side(document, name, language), "bold")
        places = value(document, f"citywall.asset.{short}")
        for place in places if isinstance(places, list) else ():
            section.say("", _place(place, language))
        section.say(tr("app_alert.zone", language) if value(document, f"citywall.zone.{short}") else "",
                    words(document, f"citywall.zone.{short}"))  # fmt: skip
    section.say(tr("app_alert.unit", language), words(document, "organization.name"), "bold")
    section.say(tr("app_alert.network_domain", language), _unless(words(document, "citywall.domain")))
    for name, label in (("citywall.sources", "sources"), ("citywall.targets", "targets")):
        count = number(document, f"{name}.count")
        if count > 1:
            sample = words(document, f"{name}.sample")
            mark = "" if value(document, f"{name}.exact") in (True, None) else "~"
            section.say(tr(f"app_alert.{label}", language), f"{mark}{count:,}: {sample}")
    return section


def when(document: Document, language: str) -> Section:
    """Since when, until when, how often, and when it became worse."""
    section = Section(tr("app_alert.when", language))
    for name in ("event.start", "@timestamp", "citywall.dedup.last_seen", "event.ingested"):
        stamp = words(document, name)
        section.say(tr(f"app_alert.time_{name.rpartition('.')[2].strip('@')}", language),
                    stamp[:23].replace("T", " "))  # fmt: skip
    duration = number(document, "event.duration") / _NANO
    section.say(tr("app_alert.duration", language), units.duration(duration))
    count = max(number(document, "citywall.dedup.count"), 1)
    section.say(tr("app_alert.count", language), f"{count:,}")
    breakouts = value(document, "citywall.dedup.breakouts")
    for rise in breakouts if isinstance(breakouts, list) else ():
        said = tr("app_alert.rose", language, before=severity.name(int(rise["from"]), language),
                  after=severity.name(int(rise["to"]), language))  # fmt: skip
        section.say(str(rise["time"])[:19].replace("T", " "), said)
    return section


def classed(document: Document, language: str) -> Section:
    """ATT&CK, GB/T 20986 and the axis of posture."""
    section = Section(tr("app_alert.classed", language))
    name = words(document, "citywall.gb20986.class")
    shown = _known(f"alerts_class.{name}", language, name)
    subclass = words(document, "citywall.gb20986.subclass")
    section.say("GB/T 20986-2023", " / ".join(part for part in (shown, subclass) if part))
    axis = words(document, "citywall.axis")
    section.say(tr("app_alert.axis", language), _known(f"alerts_axis.{axis}", language, axis))
    tactics = _paired(document, "threat.tactic")
    section.say(tr("app_alert.tactic", language), tactics)
    techniques = [_paired(document, f"threat.technique{part}") for part in ("", ".subtechnique")]
    section.say("ATT&CK", "; ".join(t for t in techniques if t))
    return section


def evidence(document: Document, language: str) -> Section:
    """The flows and packets it stands on, with where to find them."""
    found = value(document, "citywall.evidence")
    listed = found if isinstance(found, list) else []
    total = max(number(document, "citywall.evidence_count"), len(listed))
    section = Section(tr("app_alert.evidence", language, count=f"{total:,}"))
    section.columns = [
        Column(tr("table.time", language), least=8, drop=3),
        Column(tr("table.source", language), least=9),
        Column(tr("table.target", language), least=9),
        Column(tr("table.protocol", language), drop=5),
        Column(tr("app_alert.frame", language), right=True, drop=4),
        Column(tr("table.community", language), least=10, drop=1),
        Column(tr("table.file", language), least=10, middle=True, drop=2),
    ]
    section.rows = [
        [
            words(item, "time")[:23].replace("T", " "), side(item, "source", language),
            Cell(side(item, "destination", language)), words(item, "transport"), words(item, "frame"),
            Cell(words(item, "community_id"), "dim"), Cell(words(item, "path"), "dim"),
        ]
        for item in listed[:_LISTED]
    ]  # fmt: skip
    return section


def advice(document: Document, language: str) -> Section:
    """What to do, and what may fool the detector."""
    detector = words(document, "citywall.detector.name")
    section = Section(tr("app_alert.advice", language))
    section.prose += _told(detector, "remediation", language)
    if fooled := _told(detector, "false_positives", language):
        section.prose.append(tr("app_alert.fooled", language, text=fooled[0]))
    return section


def _told(detector: str, key: str, language: str) -> list[str]:
    name = f"detector_{detector}.{key}"
    return [tr(name, language)] if known(name) else []


def _fact(name: str, language: str) -> str:
    return _known(f"app_fact.{name}", language, name.replace("_", " "))


def _known(key: str, language: str, otherwise: str) -> str:
    return tr(key, language) if known(key) else otherwise


def _paired(document: Document, name: str) -> str:
    ids, names = (value(document, f"{name}.{part}") for part in ("id", "name"))
    ids = ids if isinstance(ids, list) else [ids] if ids else []
    names = names if isinstance(names, list) else []
    return clean(", ".join(f"{i} {n}" for i, n in zip(ids, [*names, *[""] * len(ids)], strict=False)).strip())


def _place(place: Mapping[str, Any], language: str) -> str:
    """An asset in a line: its name, system, unit, importance, grade."""
    said = [str(place[n]) for n in ("name", "system", "owner") if place.get(n)]
    if importance := place.get("importance"):
        said.append(tr("app_alert.importance", language, n=importance))
    if level := place.get("mlps_level"):
        said.append(tr("app_alert.mlps", language, n=level))
    if place.get("cii"):
        said.append(tr("app_alert.cii", language))
    return clean(" · ".join(dict.fromkeys(said)))


def _unless(domain: str) -> str:
    return "" if domain == "default" else domain
