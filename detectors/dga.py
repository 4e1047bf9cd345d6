"""Names made by algorithm: a program looks for its controller by asking for names that nobody registered.

It asks for hundreds until one answers, so that failures of names that differ in their registered part pile up
at one host. The shipped model of names tells those that look made from those that people mistyped.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.findings import Severity
from detectors.base import Draft
from detectors.sightings import records
from detectors.sightings.detector import Note, SightingDetector, count
from detectors.sightings.tables import Told


class DgaParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.dga]`."""

    made: Annotated[
        int, count("names", "Names that look made and do not exist, by registered domain.", 2)
    ] = 8
    sure: Annotated[int, count("names", "The same from which there is no doubt.", 2)] = 30
    share: Annotated[
        float, msgspec.Meta(ge=0, le=1, extra={"unit": "share"},
                            description="Of the names that fail, how many must look made."),
    ] = 0.4  # fmt: skip
    failing: Annotated[
        int, count("names", "Names of any look that do not exist, by registered domain.", 4, 250)
    ] = 60
    window_s: Annotated[int, count("s", "Window in which names are counted.", 10, 86400)] = 600


class Dga(SightingDetector):
    """Questions for domain names that an algorithm made."""

    id: ClassVar[str] = "dga"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("made_names", "failing_names")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1568.002", "Domain Generation Algorithms", "TA0011", "Command and Control"),
    )
    gb_class: ClassVar[str] = "malware"
    gb_subclass: ClassVar[str] = "僵尸网络"
    axis: ClassVar[str] = "malware"
    Parameters: ClassVar[type[msgspec.Struct]] = DgaParameters

    parameters: DgaParameters

    def judge_sightings(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """Predicates over clients by the names they do not find."""
        p, failing = self.parameters, told.subjects["kind"] == records.FAILING
        names, odd = told.distinct(0), told.distinct(1)
        made = failing & (odd >= p.made) & (odd >= p.share * names)
        many = failing & ~made & (names >= p.failing)
        drafts: list[Draft] = []
        for i in np.flatnonzero(made | many).tolist():
            subject, row = told.subjects[i], events[told.rows[i]]
            kind, observed, least = "failing_names", float(names[i]), p.failing
            severity = Severity.MEDIUM
            if made[i]:
                kind, observed, least = "made_names", float(odd[i]), p.made
                severity = Severity.HIGH if odd[i] >= p.sure else Severity.MEDIUM
            note = Note(
                kind, severity, round(observed, 1), observed, least,
                {"failing_names": round(float(names[i]), 1), "made_names": round(float(odd[i]), 1),
                 "example": told.words(i), "window_s": p.window_s},
                confidence=round(min(0.95, 0.5 + observed / (4 * p.sure)), 3),
            )  # fmt: skip
            source = self.client(subject)
            drafts += self.draft(note, subject, row, self.name(source), (source, None))
        return drafts
