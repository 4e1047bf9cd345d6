"""What ought to be protected and is not: passwords in clear text, encryption that no longer protects."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import SERVICES
from citywall.findings import Severity
from detectors.base import Draft
from detectors.sightings import records
from detectors.sightings.detector import Note, SightingDetector
from detectors.sightings.tables import Told

_KINDS = {records.OLD_TLS: "old_tls", records.WEAK_CIPHER: "weak_cipher", records.CLEAR_LOGIN: "clear_login"}
_VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1"}


class ExposureParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.exposure]`."""

    severity: Annotated[
        int,
        Meta(ge=1, le=3, extra={"unit": "grade"},
             description="Grade of what is found at servers of ours: 1 informational, 2 low, 3 medium."),
    ] = 1  # fmt: skip


class Exposure(SightingDetector):
    """Passwords and sessions that anyone on the way can read."""

    id: ClassVar[str] = "exposure"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("old_tls", "weak_cipher", "clear_login")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1040", "Network Sniffing", "TA0006", "Credential Access"),
    )
    gb_class: ClassVar[str] = "weakness"
    gb_subclass: ClassVar[str] = "配置缺陷"
    axis: ClassVar[str] = "leak"
    Parameters: ClassVar[type[msgspec.Struct]] = ExposureParameters

    parameters: ExposureParameters

    def judge_sightings(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """Everything exposed is told once a day; of servers that are not ours softly."""
        subjects = told.subjects
        hits = np.flatnonzero(subjects["kind"] == records.EXPOSED)
        if not len(hits):
            return []
        ours = self.places.are_home(subjects["dst_hi"][hits], subjects["dst_lo"][hits])
        drafts: list[Draft] = []
        for i, home in zip(hits.tolist(), ours, strict=True):
            subject, row = subjects[i], events[told.rows[i]]
            kind = _KINDS[int(subject["service"])]
            code = int(subject["code"])
            what = {
                "old_tls": _VERSIONS.get(code, f"0x{code:04x}"), "weak_cipher": f"0x{code:04x}",
                "clear_login": SERVICES[min(code, len(SERVICES) - 1)],
            }[kind]  # fmt: skip
            note = Note(
                kind, Severity(self.parameters.severity) if home else Severity.INFORMATIONAL, what, 1.0, 1.0,
                {"times": int(told.counts[i, records.TIMES]),
                 **({"name": told.words(i)} if subject["text_size"] else {})},
                confidence=0.95, about=what,
            )  # fmt: skip
            client, server = self.client(subject), self.server(subject, int(subject["port"]) or None)
            drafts += self.draft(note, subject, row, self.between(client, server), (client, server))
        return drafts
