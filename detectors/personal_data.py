"""Numbers of people in clear text: identity-card numbers (with a birth date and check digit), telephones.

A finding shows them masked. What is encrypted or compressed is not seen.
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


class PersonalDataParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.personaldata]`."""

    outside: Annotated[int, count("numbers", "Identity numbers that leave our networks.", 1)] = 3
    inside: Annotated[int, count("numbers", "Identity numbers in clear text between hosts of ours.", 1)] = 50
    telephones: Annotated[int, count("numbers", "Telephone numbers that leave our networks.", 3)] = 200
    bulk: Annotated[int, count("numbers", "Identity numbers from which it is bulk.", 2)] = 100
    window_s: Annotated[int, count("s", "Window in which numbers are counted.", 10, 86400)] = 3600


class PersonalData(SightingDetector):
    """Identity-card and telephone numbers in clear text."""

    id: ClassVar[str] = "personaldata"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("leaving", "in_clear", "telephones")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1048.003", "Exfiltration Over Unencrypted Non-C2 Protocol", "TA0010", "Exfiltration"),
        ("T1040", "Network Sniffing", "TA0006", "Credential Access"),
    )
    gb_class: ClassVar[str] = "data"
    gb_subclass: ClassVar[str] = "数据泄露"
    axis: ClassVar[str] = "leak"
    Parameters: ClassVar[type[msgspec.Struct]] = PersonalDataParameters

    parameters: PersonalDataParameters

    def judge_sightings(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """Predicates over senders and receivers."""
        p, subjects = self.parameters, told.subjects
        kept, numbers = subjects["kind"] == records.PERSONAL, told.counts[:, records.IDENTITIES]
        if not kept.any():
            return []
        ours = self.places.are_home(subjects["src_hi"], subjects["src_lo"])
        leaving = kept & ours & ~self.places.are_home(subjects["dst_hi"], subjects["dst_lo"])
        hits = (leaving & (numbers >= p.outside)) | (kept & ~leaving & ours & (numbers >= p.inside))
        drafts: list[Draft] = []
        different = told.distinct(0)
        for i in np.flatnonzero(hits).tolist():
            subject, row = subjects[i], events[told.rows[i]]
            n, least = int(numbers[i]), p.outside if leaving[i] else p.inside
            severity = Severity.MEDIUM if leaving[i] else Severity.LOW
            note = Note(
                "leaving" if leaving[i] else "in_clear",
                Severity(severity + 1) if n >= p.bulk else severity, n, n, least,
                {"identity_numbers": n, "telephone_numbers": int(told.counts[i, records.TELEPHONES]),
                 "different": round(float(different[i]), 1), "example": told.words(i),
                 "window_s": p.window_s},
                confidence=0.85,
            )  # fmt: skip
            source, target = self.client(subject), self.server(subject)
            drafts += self.draft(note, subject, row, self.between(source, target), (source, target))
        return drafts + self._telephones(told, events, leaving & (numbers < p.outside))

    def _telephones(self, told: Told, events: NDArray[np.void], leaving: NDArray[np.bool_]) -> list[Draft]:
        """Telephone numbers that leave without the identity numbers that would be told anyway."""
        p, numbers = self.parameters, told.counts[:, records.TELEPHONES]
        drafts: list[Draft] = []
        for i in np.flatnonzero(leaving & (numbers >= p.telephones)).tolist():
            subject, n = told.subjects[i], int(numbers[i])
            note = Note(
                "telephones", Severity.MEDIUM if n >= 10 * p.telephones else Severity.LOW, n, n, p.telephones,
                {"telephone_numbers": n, "identity_numbers": int(told.counts[i, records.IDENTITIES]),
                 "window_s": p.window_s},
                confidence=0.5,
            )  # fmt: skip
            ends = self.client(subject), self.server(subject)
            drafts += self.draft(note, subject, events[told.rows[i]], self.between(*ends), ends)
        return drafts
