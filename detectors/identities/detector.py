"""What detectors of identities have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from citywall.findings import Evidence
from detectors.sightings.detector import SightingDetector
from detectors.sightings.tables import Told


class IdentityDetector(SightingDetector):
    """A predicate over subjects of identities."""

    kernels: ClassVar[tuple[str, ...]] = ("detectors.identities.kernels.observe",)
    oracle: ClassVar[str] = "tests.detectors.identities.oracle.Oracle"

    def _packet(self, record: Any, prefix: str) -> Evidence:
        packet = super()._packet(record, prefix)
        if int(record[f"{prefix}proto"]) or packet.source is None:
            return packet
        return msgspec.structs.replace(packet, proto="ndp" if ":" in packet.source.address else "arp")


def pieces(told: Told, i: int) -> tuple[str, str, str]:
    """A subject's text in the three pieces of the event that it came from."""
    text, subject = told.words(i), told.subjects[i]
    first, second = int(subject["service"]), int(subject["service"]) + int(subject["code"])
    return text[:first], text[first:second], text[second:]
