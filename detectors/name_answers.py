"""Answers that are not to be trusted: one question answered twice and differently, a name of ours led away.

A second, different answer to a question asked once means that somebody raced the server. A name that a
server kept answering with addresses of ours and now answers with one outside means that a zone was changed or
that the server was poisoned.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.findings import Severity
from detectors.base import Draft
from detectors.sightings import records
from detectors.sightings.detector import Note, SightingDetector, address, count
from detectors.sightings.tables import Told


class NameAnswersParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.nameanswers]`."""

    learned: Annotated[
        int, count("answers", "Answers with our addresses after which a name is taken for ours.", 1, 1 << 16)
    ] = 3


class NameAnswers(SightingDetector):
    """Names that lead somewhere else than they should."""

    id: ClassVar[str] = "nameanswers"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("raced", "led_away")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1557", "Adversary-in-the-Middle", "TA0006", "Credential Access"),
        ("T1584.002", "DNS Server", "TA0042", "Resource Development"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "域名劫持"
    axis: ClassVar[str] = "tamper"
    Parameters: ClassVar[type[msgspec.Struct]] = NameAnswersParameters

    parameters: NameAnswersParameters

    def judge_sightings(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """Predicates over questions and names."""
        p, subjects = self.parameters, told.subjects
        raced = subjects["kind"] == records.RACE
        away = subjects["kind"] == records.ANSWERED
        away &= (told.counts[:, records.AT_HOME] >= p.learned) & (told.counts[:, records.ELSEWHERE] > 0)
        drafts: list[Draft] = []
        for i in np.flatnonzero(raced | away).tolist():
            subject, row = subjects[i], events[told.rows[i]]
            client, server = self.client(subject), self.server(subject, 53)
            counter = records.REPLIES if raced[i] else records.ELSEWHERE
            note = Note(
                "raced" if raced[i] else "led_away", Severity.MEDIUM if raced[i] else Severity.HIGH,
                address(subject, "new"), int(told.counts[i, counter]), 1,
                {"name": told.words(i), "before": address(subject, "old"),
                 "answers": int(told.counts[i, counter]),
                 "time_to_live": int(row["number"])},
                confidence=0.6 if raced[i] else 0.7, about=told.words(i),
            )  # fmt: skip
            entity = self.name(client) if raced[i] else told.words(i)
            drafts += self.draft(note, subject, row, entity, (client if raced[i] else None, server))
        return drafts
