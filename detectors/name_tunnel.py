"""Data in names: questions below one domain that are long, different every time, and many.

Complements the detector of DNS tunnels by flows: it sees those through the network's own resolver,
and slow ones, and says which domain they lead to.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.findings import Severity
from detectors.base import Draft
from detectors.sightings import records
from detectors.sightings.detector import Note, SightingDetector, count
from detectors.sightings.tables import Told


class NameTunnelParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.nametunnel]`."""

    names: Annotated[int, count("names", "Different names below one domain.", 4, 1000)] = 40
    length: Annotated[
        int, count("bytes", "Mean length of what stands before the registered domain.", 4, 250)
    ] = 28
    volume: Annotated[int, count("bytes", "Bytes that such names carry together.", 64)] = 3000
    carriers: Annotated[
        float,
        Meta(ge=0, le=1, extra={"unit": "share"},
             description="Of such questions, how many of the kinds whose answers hold data (TXT, NULL, CNAME,"
             " MX) make it sure however short the names are."),
    ] = 0.8  # fmt: skip
    few: Annotated[int, count("names", "Different names below one domain, all of them full.", 4, 1000)] = 8
    full: Annotated[
        int, count("bytes", "Mean length of what stands in them before the registered domain.", 60, 250)
    ] = 100
    window_s: Annotated[int, count("s", "Window in which names are counted.", 10, 86400)] = 1800


class NameTunnel(SightingDetector):
    """Data carried in the names that a host asks for."""

    id: ClassVar[str] = "nametunnel"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("names",)
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1071.004", "DNS", "TA0011", "Command and Control"),
        ("T1048", "Exfiltration Over Alternative Protocol", "TA0010", "Exfiltration"),
    )
    gb_class: ClassVar[str] = "data"
    gb_subclass: ClassVar[str] = "数据窃取"
    axis: ClassVar[str] = "leak"
    Parameters: ClassVar[type[msgspec.Struct]] = NameTunnelParameters

    parameters: NameTunnelParameters

    def judge_sightings(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """A predicate over clients and the domains they ask below."""
        p, zones = self.parameters, told.subjects["kind"] == records.ZONE
        names = told.distinct(0)
        mean = told.subjects["volume"] / np.maximum(told.bits(0), 1)  # only what set a bit was added up
        volume, long = mean * names, mean >= p.length
        questions = told.counts[:, records.QUESTIONS]
        carriers = told.counts[:, records.CARRIERS] >= p.carriers * np.maximum(questions, 1)
        many, full = names >= p.names, (names >= p.few) & (mean >= p.full)
        hits = zones & (many & ((long & (volume >= p.volume)) | carriers) | full)
        drafts: list[Draft] = []
        for i in np.flatnonzero(hits).tolist():
            subject, row = told.subjects[i], events[told.rows[i]]
            carried, need = int(volume[i]), p.volume if many[i] else p.few * p.full
            note = Note(
                "names", Severity.HIGH if carried >= 4 * p.volume else Severity.MEDIUM,
                carried, max(carried, need), need,
                {"domain": told.words(i), "names": round(float(names[i]), 1),
                 "mean_length": round(float(mean[i]), 1),
                 "questions": int(told.counts[i, records.QUESTIONS]),
                 "carriers": int(told.counts[i, records.CARRIERS]), "window_s": p.window_s},
                confidence=round(min(0.95, 0.5 + float(names[i]) / (8 * p.names)), 3), about=told.words(i),
            )  # fmt: skip
            source = self.client(subject)
            target = self.server(subject, 53)
            drafts += self.draft(note, subject, row, self.name(source), (source, target))
        return drafts
