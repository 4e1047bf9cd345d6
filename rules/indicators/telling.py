"""Hits as findings: with the source and the confidence of the list that knows the value."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.addresses import to_text
from citywall.batches import DNS_ANSWER, PROTOCOL_NAMES, SCTP, TCP, TLS_SERVER, UDP
from citywall.cards import DetectorCard
from citywall.domains import Domains, of_host
from citywall.findings import Endpoint, Evidence, Finding, derived_id
from citywall.i18n import tr
from rules.indicators.matching import Hit
from rules.indicators.model import ADDRESS, DOMAIN, JA3, JA3S, JA4, MD5, SHA1, SHA256, URL, Indicator
from rules.indicators.tables import Table

VERSION = 1
#: The detector that speaks of each kind.
DETECTORS = {
    ADDRESS: "indicator_address", DOMAIN: "indicator_domain", URL: "indicator_url",
    MD5: "indicator_file", SHA1: "indicator_file", SHA256: "indicator_file",
    JA3: "indicator_fingerprint", JA3S: "indicator_fingerprint", JA4: "indicator_fingerprint",
}  # fmt: skip
_C2 = (("T1071", "Application Layer Protocol", "TA0011", "Command and Control"),)
_TOOLS = (("T1105", "Ingress Tool Transfer", "TA0011", "Command and Control"),)
#: What a hit is called by where the value was.
_KINDS = {"source": "incoming", "target": "outgoing"}
#: Sources that are named where several lists know a value.
_MOST_SOURCES = 5


class Run(NamedTuple):
    """What findings are of."""

    session: str
    lane: str
    domains: Domains


@cache
def cards() -> dict[str, DetectorCard]:
    """What the alert writer needs to know of every detector of ours."""
    return {name: _card(name) for name in DETECTORS.values()}


def _card(name: str) -> DetectorCard:
    of_files = name == "indicator_file"
    return DetectorCard(
        id=name, version=VERSION, title_en=tr(f"detector_{name}.title", "en"),
        title_zh=tr(f"detector_{name}.title", "zh"), attck=_TOOLS if of_files else _C2, gb_class="malware",
        gb_subclass="木马" if of_files else "僵尸网络", axis="malware",
    )  # fmt: skip


def findings(table: Table, hits: Sequence[Hit], rows: NDArray[np.void], run: Run) -> list[Finding]:
    """Findings of hits in FLOW or EVENT rows, for those whose indicators hold at the row's time."""
    names = rows.dtype.names or ()
    made = []
    for hit in hits:
        row = dict(zip(names, rows[hit.row].tolist(), strict=True))
        if held := table.holders(hit.kind, hit.number, row["time"]):
            made.append(_of_row(held, hit.where, row, run))
    return made


def _of_row(held: Sequence[Indicator], where: str, row: dict[str, Any], run: Run) -> Finding:
    source, target = (_end(row, side) for side in ("src", "dst"))
    flow = row.get("flow_id")
    if flow is None and row["kind"] in {DNS_ANSWER, TLS_SERVER}:
        source, target = target, source
    key = flow if flow is not None else (row["frame"], row["offset"], row["src_port"], row["dst_port"])
    evidence = Evidence(
        "packet" if flow is None else "flow", source, target,
        PROTOCOL_NAMES.get(row["proto"], str(row["proto"])), row["time"] if flow is None else row["first"],
        flow_id=flow, offset=row["offset"] if row["offset"] >= 0 else None,
        frame=row["frame"] if row["frame"] >= 0 else None,
    )  # fmt: skip
    return finding(held, where, evidence, run, (row["time"], key))


def finding(
    held: Sequence[Indicator], where: str, evidence: Evidence, run: Run, at: tuple[int, object]
) -> Finding:
    """One finding: `held` are the indicators of the value, the surest first.

    `evidence` goes from who began to whom; `at` is when that was known, and what tells it apart from others.
    """
    first, (now, key) = held[0], at
    detector = DETECTORS[first.kind]
    sources = list(dict.fromkeys(indicator.source for indicator in held))
    facts: dict[str, int | float | str] = {
        "value": first.value, "type": first.kind, "where": where, "list": Path(first.file).name,
        "list_place": first.place, "list_source": ", ".join(sources[:_MOST_SOURCES]),
        "list_confidence": first.confidence,
    }  # fmt: skip
    if first.title:
        facts["list_title"] = first.title
    if first.ends:
        facts["list_valid_until"] = first.ends
    ours = evidence.target if where == "source" else evidence.source
    called = f"{run.domains.name(ours.domain)}/{ours.address}" if ours.domain else ours.address
    return Finding(
        id=derived_id(run.session, detector, first.kind, first.value, where, key, now),
        detector=detector, version=VERSION, kind=_KINDS.get(where, where), session=run.session,
        lane=run.lane, time=now, began=evidence.time, severity=first.severity, confidence=first.confidence,
        score=first.confidence, threshold=0.0, entity=f"{called}>{first.value}", source=evidence.source,
        target=evidence.target, facts=facts, evidence=(evidence,),
    )  # fmt: skip


def _end(row: dict[str, Any], side: str) -> Endpoint:
    high, low = row[f"{side}_hi"], row[f"{side}_lo"]
    port = row[f"{side}_port"] if row["proto"] in {TCP, UDP, SCTP} else None
    return Endpoint(to_text(high, low), of_host(row["domain"], high, low), port)
