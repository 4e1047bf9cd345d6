"""Portals that are not as they should be: pages rewritten or gone, led elsewhere, with another certificate.

Two ways to know. A probe fetched a page and wrote down how it differs from what is declared and known: what
of that is to be told, and how gravely, is judged here. And captures show certificates, redirects and errors
of the addresses that portals are served from. What was told is told again when it has doubled or a day has
passed.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import PORTAL_GRAVE
from citywall.findings import Endpoint, Evidence, Severity
from citywall.portals import APART, DRIFT_NAMES, PAST_DAYS
from detectors.base import Draft
from detectors.frontage import Front
from detectors.sightings import records
from detectors.sightings.detector import SECOND, Note, SightingDetector, count
from detectors.sightings.tables import Told

_HOUR = 3600 * SECOND
_DAY = 24 * _HOUR
_QUARTER_DAY = 0.25

_LOW, _MEDIUM, _HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH
#: Severity of what a probe found, and of the same where it is grave.
GRADES: dict[str, tuple[Severity, Severity]] = {
    "down": (_MEDIUM, _HIGH), "status": (_MEDIUM, _HIGH), "redirected": (_HIGH, _HIGH),
    "rewritten": (_HIGH, _HIGH), "title": (Severity.INFORMATIONAL, _LOW), "script": (_MEDIUM, _HIGH),
    "frame": (_MEDIUM, _HIGH), "form": (_HIGH, _HIGH), "links": (Severity.INFORMATIONAL, _LOW),
    "hidden": (_MEDIUM, _HIGH), "words": (_MEDIUM, _HIGH), "cloaked": (_MEDIUM, _HIGH),
    "diverted": (_HIGH, _HIGH), "refresh": (_HIGH, _HIGH), "certificate": (_LOW, _HIGH),
    "issuer": (_MEDIUM, _HIGH), "expiry": (_LOW, _HIGH), "names": (_MEDIUM, _MEDIUM),
}  # fmt: skip


class PortalParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.portal]`."""

    failures: Annotated[
        int, count("probes", "Probes one after another without the page after which it is told.", 1, 1000)
    ] = 2
    rewritten: Annotated[
        int,
        Meta(ge=300, le=1000, extra={"unit": "thousandths"},
             description="Share of a page's text (of its build, where it has hardly any) that is another."),
    ] = 600  # fmt: skip
    expiry_days: Annotated[
        int, count("days", "Days before a certificate's end from which on it is told.", 1, 90)
    ] = 30
    errors: Annotated[
        int, count("answers", "Errors of a portal's server in captures within five minutes.", 2, 1 << 20)
    ] = 50
    remind_h: Annotated[
        int, count("h", "Hours after which what is still so is told again; 0 for never.", 0, 8760)
    ] = 24


class PortalDetector(SightingDetector):
    """What both detectors of portals share: probes' findings, each told when it passes a doubling."""

    def probed(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """What probes found of the kinds that this detector tells."""
        drafts: list[Draft] = []
        for i in np.flatnonzero(told.subjects["kind"] == records.DRIFTED).tolist():
            row = events[told.rows[i]]
            kind = DRIFT_NAMES[int(row["type"])] if row["type"] < len(DRIFT_NAMES) else "none"
            if kind in self.kinds:
                drafts += self._drift(kind, told.subjects[i], row)
        return drafts

    def draft(
        self, note: Note, subject: Any, row: Any, entity: str, ends: tuple[Endpoint | None, Endpoint | None]
    ) -> list[Draft]:
        """As for others; but who fetched the page, or visited it, is nobody that the alert is about."""
        return [
            msgspec.structs.replace(draft, evidence=tuple(map(_bystanders, draft.evidence)))
            for draft in super().draft(note, subject, row, entity, ends)
        ]

    def scores(self, kind: str, measure: int, *, grave: bool) -> tuple[float, float]:
        """Score and threshold of a measure of this kind; by itself whatever is there is told."""
        del kind, grave
        return float(measure), 1.0

    def graded(self, kind: str, measure: int, *, grave: bool) -> Severity:
        """How bad it is."""
        del measure
        return GRADES[kind][grave]

    def _drift(self, kind: str, subject: Any, row: Any) -> list[Draft]:
        portal, url, value = pieces(row)
        measure, grave = int(row["number"]), bool(row["flags"] & PORTAL_GRAVE)
        score, threshold = self.scores(kind, measure, grave=grave)
        before, _ = self.scores(kind, int(row["size"]), grave=grave)
        time, began, last = int(row["time"]), int(row["answers"]), int(row["answer_hi"])
        present = _level(score, threshold)
        past = _level(before, threshold) if row["size"] else -1
        if present < 0 or (present <= past and not self._due(time, began, last)):
            return []
        facts: dict[str, int | float | str] = {
            "portal": portal, "url": url, "measure": measure, "status": int(row["code"]),
            "since": _iso(began),
        }  # fmt: skip
        if kind == "expiry":
            facts["days_left"] = measure - PAST_DAYS
        note = Note(
            kind, self.graded(kind, measure, grave=grave), value or measure, score, threshold, facts,
            confidence=0.9 if grave else 0.7, about=f"{url} {value}" if kind in APART else url,
        )  # fmt: skip
        server = self.server(subject, int(row["dst_port"]) or None)
        return self.draft(note, subject, row, portal, (None, server))

    def _due(self, time: int, began: int, last: int) -> bool:
        """Whether a reminder is due: as many hours have passed, for the first time since the probe before."""
        every = self.parameters.remind_h * _HOUR
        return bool(every) and (time - began) // every > (max(last, began) - began) // every


class Portal(PortalDetector):
    """Pages and certificates of portals that are not as they should be."""

    id: ClassVar[str] = "portal"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = (
        "down", "status", "redirected", "rewritten", "title", "script", "frame", "form", "refresh",
        "certificate", "issuer", "expiry", "names", "failing",
    )  # fmt: skip
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1491.002", "External Defacement", "TA0040", "Impact"),
        ("T1565.001", "Stored Data Manipulation", "TA0040", "Impact"),
        ("T1557", "Adversary-in-the-Middle", "TA0006", "Credential Access"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "网页篡改"
    axis: ClassVar[str] = "tamper"
    Parameters: ClassVar[type[msgspec.Struct]] = PortalParameters

    parameters: PortalParameters

    def judge_sightings(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """What probes found, and what captures show of the places that portals are served from."""
        drafts = self.probed(told, events)
        shown = (records.CERTIFIED, records.LEADING, records.FAULTY)
        for i in np.flatnonzero(np.isin(told.subjects["kind"], shown)).tolist():
            subject, row = told.subjects[i], events[told.rows[i]]
            fronts = self.places.frontage.at(
                subject["dst_hi"], subject["dst_lo"], int(subject["dst_domain"]), int(subject["port"])
            )
            for note in self._seen(fronts, told, i, row) if fronts else ():
                port = int(subject["port"])
                drafts += self.draft(
                    note, subject, row, fronts[0].portal.id, (None, self.server(subject, port))
                )
        return drafts

    def scores(self, kind: str, measure: int, *, grave: bool) -> tuple[float, float]:
        """Score and threshold; of a certificate's end the score doubles as the time that is left halves."""
        del grave
        p = self.parameters
        if kind == "expiry":
            return round(p.expiry_days / max(measure - PAST_DAYS, _QUARTER_DAY), 3), 1.0
        threshold = {"down": p.failures, "status": p.failures, "rewritten": p.rewritten}.get(kind, 1)
        return float(measure), float(threshold)

    def graded(self, kind: str, measure: int, *, grave: bool) -> Severity:
        """How bad it is: a page that stays away, an end that is near, a key from elsewhere are worse."""
        worse = grave
        if kind in {"down", "status"}:
            worse = measure >= 4 * self.parameters.failures
        elif kind == "expiry":
            worse = measure <= PAST_DAYS
            if not worse and measure - PAST_DAYS <= self.parameters.expiry_days / 4:
                return Severity.MEDIUM
        elif kind == "certificate" and not grave and measure > 1:
            return Severity.MEDIUM
        return GRADES[kind][worse]

    # --- what captures show ---

    def _seen(self, fronts: list[Front], told: Told, i: int, row: Any) -> list[Note]:
        subject, names = told.subjects[i], " ".join(front.portal.id for front in fronts)
        if subject["kind"] == records.CERTIFIED:
            return self._certificate(fronts, told, i, row)
        seen = int(told.counts[i, records.SEEN])
        if subject["kind"] == records.FAULTY:
            if seen < self.parameters.errors:
                return []
            facts: dict[str, int | float | str] = {"portal": names, "status": int(subject["code"])}
            return [Note("failing", Severity.LOW, seen, seen, self.parameters.errors, facts, confidence=0.6)]
        host = told.words(i)
        if any(front.portal.expects(host) for front in fronts):
            return []
        facts = {"portal": names, "status": int(subject["code"]), "answers": seen}
        return [Note("redirected", Severity.MEDIUM, host, 1.0, 1.0, facts, confidence=0.6, about=host)]

    def _certificate(self, fronts: list[Front], told: Told, i: int, row: Any) -> list[Note]:
        """A certificate of a portal's address, as far as it is one for the portal's own names."""
        name, issuer, _ = pieces(row)
        fronts = [front for front in fronts if front.serves(name)]
        if not fronts:
            return []
        subject, pin = told.subjects[i], int(row["answer_hi"])
        facts: dict[str, int | float | str] = {
            "portal": fronts[0].portal.id, "name": name, "issuer": issuer, "pin_begins": f"{pin:016x}",
        }  # fmt: skip

        def note(kind: str, severity: Severity, observed: str | int, score: float = 1.0) -> Note:
            return Note(kind, severity, observed, score, 1.0, facts, confidence=0.8, about=f"{pin:016x}")

        found = []
        pins = [front.pins for front in fronts]
        wanted = [front.portal.issuers for front in fronts]
        if all(wanted) and not any(part.lower() in issuer for parts in wanted for part in parts):
            found.append(note("issuer", Severity.HIGH, issuer))
        if all(pins):
            if not any(pin in some for some in pins):
                found.append(note("certificate", Severity.HIGH, f"{pin:016x}"))
        elif told.counts[i, records.OTHER_KEYS]:
            usual = row["answers"] == subject["answers"] or all(wanted)
            found.append(note("certificate", Severity.LOW if usual else Severity.MEDIUM, f"{pin:016x}"))
        left = int(row["number"]) - int(row["time"]) // _DAY
        if row["number"] and left <= self.parameters.expiry_days:
            score, _ = self.scores("expiry", left + PAST_DAYS, grave=False)
            found.append(note("expiry", self.graded("expiry", left + PAST_DAYS, grave=False), left, score))
        return found


def pieces(row: Any) -> tuple[str, str, str]:
    """The texts of an EVENT row: name, rest, agent."""
    raw, at, found = row["text"].tobytes(), 0, []
    for size in ("name_size", "rest_size", "agent_size"):
        found.append(raw[at : at + int(row[size])].decode("utf-8", "replace"))
        at += int(row[size])
    return found[0], found[1], found[2]


def _bystanders(evidence: Evidence) -> Evidence:
    """Evidence whose ends are networks of one address: alerts count no network among their hosts."""
    source, target = (
        msgspec.structs.replace(end, prefix=128 if ":" in end.address else 32)
        for end in (evidence.source, evidence.target)
    )
    return msgspec.structs.replace(evidence, source=source, target=target)


def _level(score: float, threshold: float) -> int:
    """How often the threshold is doubled; -1 below it."""
    return -1 if score < threshold else int(math.log2(max(score / threshold, 1.0)))


def _iso(time: int) -> str:
    """A time in nanoseconds as people write it; whatever number a file gives."""
    try:
        return datetime.fromtimestamp(time // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(time)
