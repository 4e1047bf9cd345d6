"""Flows and events in, findings of Sigma rules out. Nothing is remembered from row to row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.addresses import to_text
from citywall.batches import (
    DNS_ANSWER,
    END,
    PROTOCOL_NAMES,
    SCTP,
    TCP,
    TLS_CLIENT,
    TLS_WHOLE_CLIENT,
    UDP,
)
from citywall.cards import DetectorCard
from citywall.domains import Domains, of_host
from citywall.findings import Endpoint, Evidence, Finding, derived_id
from rules.sigma.conditions import SLICES, Columns
from rules.sigma.fields import FLOW_ROWS
from rules.sigma.reading import Ready

VERSION = 1
#: What is said again once it is known whole.
_WHOLE = {TLS_CLIENT: TLS_WHOLE_CLIENT}
_TACTICS = {
    "reconnaissance": ("TA0043", "Reconnaissance"),
    "resource-development": ("TA0042", "Resource Development"),
    "initial-access": ("TA0001", "Initial Access"), "execution": ("TA0002", "Execution"),
    "persistence": ("TA0003", "Persistence"), "privilege-escalation": ("TA0004", "Privilege Escalation"),
    "defense-evasion": ("TA0005", "Defense Evasion"), "credential-access": ("TA0006", "Credential Access"),
    "discovery": ("TA0007", "Discovery"), "lateral-movement": ("TA0008", "Lateral Movement"),
    "collection": ("TA0009", "Collection"), "exfiltration": ("TA0010", "Exfiltration"),
    "command-and-control": ("TA0011", "Command and Control"), "impact": ("TA0040", "Impact"),
}  # fmt: skip


def name_of(rule: Ready) -> str:
    """The detector's name under which a rule speaks."""
    return f"sigma.{rule.id}"


def card(rule: Ready) -> DetectorCard:
    """What the alert writer copies into every alert of a rule."""
    tags = [tag.removeprefix("attack.").replace("_", "-") for tag in rule.tags if tag.startswith("attack.")]
    tactics = [_TACTICS[tag] for tag in tags if tag in _TACTICS]
    techniques = [tag.upper() for tag in tags if tag[:1] == "t" and tag[1:2].isdigit()]
    leak = any(tactic == "TA0010" for tactic, _ in tactics)
    return DetectorCard(
        id=name_of(rule), version=VERSION, title_en=rule.title, title_zh=rule.title,
        attck=tuple((t, t, *tactics[0]) for t in techniques if tactics), gb_class="attack",
        gb_subclass="数据窃取" if leak else "其他网络攻击", axis="leak" if leak else "attack",
    )  # fmt: skip


class SigmaLookout:
    """Sigma rules at work on rows."""

    def __init__(self, rules: Sequence[Ready], domains: Domains) -> None:
        self._flows = [rule for rule in rules if rule.source.kind == FLOW_ROWS]
        self._events: dict[int, list[Ready]] = {}
        for rule in rules:
            if rule.source.kind != FLOW_ROWS:
                self._events.setdefault(rule.source.kind, []).append(rule)
        self._domains = domains

    def flows(self, rows: NDArray[np.void], session: str, lane: str) -> list[Finding]:
        """Findings in FLOW rows: at a flow's first report, or at its end by what is known only then."""
        found: list[Finding] = []
        for whole, which in ((False, rows["report"] == 0), (True, rows["kind"] == END)):
            rules = [rule for rule in self._flows if rule.whole is whole]
            if rules and which.any():
                found += self._matched(rules, rows, Columns(rows, np.flatnonzero(which)), session, lane)
        return found

    def events(self, rows: NDArray[np.void], session: str, lane: str) -> list[Finding]:
        """Findings in EVENT rows."""
        found: list[Finding] = []
        for kind, rules in self._events.items():
            which = np.flatnonzero(np.isin(rows["kind"], (kind, _WHOLE.get(kind, kind))))
            if len(which):
                columns = Columns(rows, which, turned=kind == DNS_ANSWER)
                found += self._matched(rules, rows, columns, session, lane)
        return found

    def _matched(
        self, rules: Iterable[Ready], rows: NDArray[np.void], columns: Columns, session: str, lane: str
    ) -> list[Finding]:
        names = rows.dtype.names or ()
        return [
            self._finding(rule, dict(zip(names, rows[row].tolist(), strict=True)), session, lane)
            for rule in rules
            for row in columns.which[rule.condition.holds(columns)].tolist()
        ]

    def _finding(self, rule: Ready, row: dict[str, Any], session: str, lane: str) -> Finding:
        source, target = (_end(row, side) for side in ("src", "dst"))
        flow = row.get("flow_id")
        if flow is None and row["kind"] == DNS_ANSWER:
            source, target = target, source
        key = flow if flow is not None else (row["frame"], row["offset"], row["src_port"], row["dst_port"])
        proto = PROTOCOL_NAMES.get(row["proto"], str(row["proto"]))
        evidence = Evidence(
            "packet" if flow is None else "flow", source, target, proto,
            row["time"] if flow is None else row["first"],
            flow_id=flow, offset=row["offset"] if row["offset"] >= 0 else None,
            frame=row["frame"] if row["frame"] >= 0 else None,
        )  # fmt: skip
        called = [f"{self._domains.name(e.domain)}/{e.address}" if e.domain else e.address
                  for e in (source, target)]  # fmt: skip
        facts: dict[str, int | float | str] = {"rule": rule.id, "file": rule.file, **_shown(rule, row)}
        return Finding(
            id=derived_id(session, name_of(rule), key, row["time"], *facts.values()), detector=name_of(rule),
            version=VERSION, kind="match", session=session, lane=lane, time=row["time"], began=evidence.time,
            severity=rule.severity, confidence=rule.confidence, score=1.0, threshold=1.0,
            entity=">".join(called), source=source, target=target, facts=facts, evidence=(evidence,),
        )  # fmt: skip


def _shown(rule: Ready, row: dict[str, Any]) -> dict[str, int | float | str]:
    """The texts and numbers that the rule asked for, as the row has them."""
    told: dict[str, int | float | str] = {}
    text = bytes(row["text"]) if "text" in row else b""
    sizes = [row.get(f"{piece}_size", 0) for piece in ("name", "rest", "agent")]
    for name in rule.fields:
        column = rule.source.fields[name.lower()]
        if column.kind == "number":
            told[name] = row[column.names[0]]
        elif column.kind == "text":
            begin, end = SLICES.get(column.names[0], (0, len(text)))
            first = 2 if column.names[0] in SLICES else ("name", "rest", "agent").index(column.names[0])
            start, size = sum(sizes[:first]), sum(sizes[first : first + len(column.names)])
            shown = text[start : start + size][begin:end]
            told[name] = shown.decode("ascii", "replace").strip()
    return told


def _end(row: dict[str, Any], side: str) -> Endpoint:
    high, low = row[f"{side}_hi"], row[f"{side}_lo"]
    port = row[f"{side}_port"] if row["proto"] in {TCP, UDP, SCTP} else None
    return Endpoint(to_text(high, low), of_host(row["domain"], high, low), port)
