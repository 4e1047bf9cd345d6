"""One client that asks a network's DHCP server for many different addresses.

A machine asks for the address that it had, for the one it is offered, and once more where that is refused.
Who asks for a row of addresses wants to know which are free, or to have them all. Addresses are told apart by
one of 256 bits: of many a few are missed, none is counted twice.
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


class LeaseScanParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.leasescan]`."""

    addresses: Annotated[
        int, count("addresses", "Different addresses that one card asks for within the window.", 3, 200)
    ] = 6
    window_s: Annotated[int, count("s", "Window in which they are counted.", 10, 86400)] = 600


class LeaseScan(SightingDetector):
    """Addresses of a DHCP server tried one after another."""

    id: ClassVar[str] = "leasescan"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("addresses",)
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1018", "Remote System Discovery", "TA0007", "Discovery"),
        ("T1499", "Endpoint Denial of Service", "TA0040", "Impact"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "网络扫描探测"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = LeaseScanParameters

    parameters: LeaseScanParameters

    def judge_sightings(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """A predicate over clients of DHCP."""
        p = self.parameters
        asked = told.counts[:, records.ASKED_FOR]
        hits = (told.subjects["kind"] == records.LEASING) & (asked >= p.addresses)
        drafts: list[Draft] = []
        for i in np.flatnonzero(hits).tolist():
            subject, row, n, card = told.subjects[i], events[told.rows[i]], int(asked[i]), told.words(i)
            note = Note(
                "addresses", Severity.MEDIUM if n >= 2 * p.addresses else Severity.LOW,
                n, n, p.addresses,
                {"mac": card, "last": address(subject, "new"), "window_s": p.window_s},
                confidence=round(min(0.95, 0.5 + n / (8 * p.addresses)), 3),
            )  # fmt: skip
            source = msgspec.structs.replace(self.client(subject), mac=card)
            entity = self.places.name(int(row["domain"]), card)
            drafts += self.draft(note, subject, row, entity, (source, self.server(subject, 67)))
        return drafts
