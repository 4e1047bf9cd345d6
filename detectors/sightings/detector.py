"""What detectors of applications' events have in common: subjects as endpoints, names and evidence."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import msgspec
from msgspec import Meta

from citywall.addresses import to_text
from citywall.batches import PROTOCOL_NAMES
from citywall.findings import Endpoint, Evidence, Finding, Severity
from detectors.base import Context, Detector, Draft
from detectors.places import Places, distinct
from detectors.prefixes import Prefixes

SECOND = 1_000_000_000


def count(unit: str, description: str, least: int = 1, most: int = 1 << 31) -> Any:
    """What is said of a parameter that counts something."""
    return Meta(ge=least, le=most, extra={"unit": unit}, description=description)


class Note(msgspec.Struct, frozen=True):
    """What a predicate says of a subject, before it is a draft."""

    kind: str
    severity: Severity
    observed: float | int | str
    score: float
    threshold: float
    facts: dict[str, int | float | str]
    confidence: float = 0.8
    about: str = ""


class SightingDetector(Detector):
    """A predicate over subjects of what applications say."""

    kernels: ClassVar[tuple[str, ...]] = ("detectors.sightings.kernels.observe",)
    oracle: ClassVar[str] = "tests.detectors.sightings.oracle.Oracle"

    def __init__(self, parameters: Any, places: Places, exempt: Prefixes | None = None) -> None:
        super().__init__(parameters, places, exempt)
        self._drafted: dict[str, tuple[int, int, int]] = {}  # since it was last asked what is new

    def findings(self, drafts: list[Draft], context: Context) -> list[Finding]:
        """Drafts that say something new of hosts that are not exempt."""
        self._drafted.clear()
        return super().findings(drafts, context)

    def client(self, subject: Any) -> Endpoint:
        """Who asks, logs in or sends."""
        return self.places.endpoint(subject["src_hi"], subject["src_lo"], subject["src_domain"])

    def server(self, subject: Any, port: int | None = None) -> Endpoint:
        """Who is asked or sent to."""
        return self.places.endpoint(subject["dst_hi"], subject["dst_lo"], subject["dst_domain"], port)

    def name(self, place: Endpoint) -> str:
        """What to call a host as an entity."""
        return self.places.name(place.domain, place.address)

    def between(self, source: Endpoint, target: Endpoint) -> str:
        """What to call a relation as an entity."""
        port = "" if target.port is None else f":{target.port}"
        return f"{self.name(source)}>{self.name(target)}{port}"

    def draft(
        self,
        note: Note,
        subject: Any,
        row: Any,
        entity: str,
        ends: tuple[Endpoint | None, Endpoint | None],
    ) -> list[Draft]:
        """A note as a draft, with the packets that began and brought it as evidence; none if it was said."""
        began, severity = int(subject["began"]), int(note.severity)
        level = int(math.log2(max(round(float(note.score), 3) / note.threshold, 1.0)))
        key = f"{note.kind}|{entity}|{note.about}"
        known = self._drafted.get(key) or self._said.get(key)
        if known is not None and known[0] == began:
            if level <= known[1] and severity <= known[2]:
                return []  # as the base class would say of the draft, which is dear to make
            level, severity = max(level, known[1]), max(severity, known[2])
        self._drafted[key] = (began, level, severity)
        time = max(int(row["time"]), int(subject["began"]))
        seconds = round((time - int(subject["began"])) / SECOND, 3)
        facts: dict[str, int | float | str] = {"observed": note.observed, "threshold": note.threshold}
        draft = Draft(
            kind=note.kind, about=note.about, entity=entity,
            time=time, began=int(subject["began"]),
            severity=note.severity, confidence=note.confidence,
            score=round(float(note.score), 3), threshold=float(note.threshold),
            source=ends[0], target=ends[1],
            facts=facts | {"seconds": seconds} | note.facts,
            evidence=distinct([self._packet(subject, "first_"), self._packet(row, "")]),
        )  # fmt: skip
        return [draft]

    def _packet(self, record: Any, prefix: str) -> Evidence:
        domain, frame = int(record[f"{prefix}domain"]), int(record[f"{prefix}frame"])
        ends = [
            self.places.endpoint(
                record[f"{prefix}{side}_hi"], record[f"{prefix}{side}_lo"], domain,
                int(record[f"{prefix}{side}_port"]) or None,
            )
            for side in ("src", "dst")
        ]  # fmt: skip
        proto = int(record[f"{prefix}proto"])
        return Evidence(
            kind="packet", source=ends[0], target=ends[1],
            proto=PROTOCOL_NAMES.get(proto, str(proto)), time=int(record[f"{prefix}time"]),
            offset=int(record[f"{prefix}offset"]) if frame >= 0 else None,
            frame=frame if frame >= 0 else None,
        )  # fmt: skip


def address(subject: Any, which: str) -> str:
    """Where a name led (`old`) or leads (`new`)."""
    return to_text(int(subject[f"{which}_hi"]), int(subject[f"{which}_lo"]))
