"""A segment's DHCP out of hand: clients that nobody has, and a second server that leads elsewhere.

Starvation asks in the name of card after card until the pool is empty: very many new clients within a
minute, or clients whose frames come from another card than the message says. Who answers instead of the
server hands out routers and name servers of its own: two servers of one segment that lead to different ones
are told at once, with nothing to learn but which was first. Messages of IPv4 and IPv6 are kept apart.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.findings import Endpoint, Severity
from detectors.base import Draft
from detectors.identities import records
from detectors.identities.detector import IdentityDetector
from detectors.sightings.detector import Note, address, count
from detectors.sightings.tables import Told


class LeasePoolParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.leasepool]`."""

    clients: Annotated[
        int, count("clients", "Cards of one segment that ask for a first address.", 8, 1000)
    ] = 150
    forged: Annotated[
        int, count("clients", "Cards asked for from frames of another card, past no relay.", 2, 1000)
    ] = 20
    window_s: Annotated[int, count("s", "Window that both are counted in.", 5, 3600)] = 60
    learned: Annotated[
        int, count("messages", "Addresses handed out after which a server is the segment's.", 1, 10_000)
    ] = 3


class LeasePool(IdentityDetector):
    """Exhausted pools of addresses, and servers that lead elsewhere."""

    id: ClassVar[str] = "leasepool"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("starvation", "second_server")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1557.003", "DHCP Spoofing", "TA0006", "Credential Access"),
        ("T1499", "Endpoint Denial of Service", "TA0040", "Impact"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "网络欺骗"
    axis: ClassVar[str] = "attack"
    Parameters: ClassVar[type[msgspec.Struct]] = LeasePoolParameters

    parameters: LeasePoolParameters

    def judge_identities(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """Predicates over the pools and servers of segments."""
        drafts: list[Draft] = []
        for i in np.flatnonzero(told.subjects["kind"] == records.POOL).tolist():
            drafts += self._pool(told, i, events[told.rows[i]])
        for i in np.flatnonzero(told.subjects["kind"] == records.LEASER).tolist():
            drafts += self._server(told, i, events[told.rows[i]])
        return drafts

    def _place(self, row: np.void) -> str:
        return self.places.domain(int(row["domain"])) or "segment"

    def _pool(self, told: Told, i: int, row: np.void) -> list[Draft]:
        p, n = self.parameters, told.counts[i]
        clients, forged = float(told.distinct(0)[i]), float(told.distinct(1)[i])
        score = max(clients / p.clients, forged / p.forged)
        if score < 1:
            return []
        both = clients >= p.clients and forged >= p.forged
        card = told.words(i)
        note = Note(
            "starvation", Severity.HIGH if both or score >= 4 else Severity.MEDIUM,
            round(max(clients, forged)), score, 1,
            {"clients": round(clients), "from_other_cards": round(forged),
             "threshold_clients": p.clients, "threshold_other_cards": p.forged,
             "given": int(n[records.SERVED]), "refused": int(n[records.REFUSED]), "last": card,
             "window_s": p.window_s},
            confidence=0.85 if forged >= p.forged else 0.6,
        )  # fmt: skip
        subject = told.subjects[i]
        sender = self.places.endpoint(row["src_hi"], row["src_lo"], int(row["domain"]))
        receiver = self.places.endpoint(row["dst_hi"], row["dst_lo"], int(row["domain"]), 67)
        source = msgspec.structs.replace(sender, mac=card) if card.count(":") == 5 else sender
        return self.draft(note, subject, row, self._place(row), (source, receiver))

    def _server(self, told: Told, i: int, row: np.void) -> list[Draft]:
        p, n = self.parameters, told.counts[i]
        others, own = int(n[records.OTHERS]), int(n[records.OWN])
        if own < p.learned or not others:
            return []
        subject = told.subjects[i]
        stranger = address(subject, "new")
        note = Note(
            "second_server", Severity.HIGH if others >= 4 else Severity.MEDIUM, stranger, 1, 1,
            {"usual": address(subject, "old"), "given_by_usual": own, "given_by_other": others,
             "client": told.words(i)},
            confidence=0.8, about=stranger,
        )  # fmt: skip
        source: Endpoint = self.places.endpoint(
            subject["new_hi"], subject["new_lo"], int(subject["src_domain"]), int(subject["port"])
        )
        receiver = self.places.endpoint(row["dst_hi"], row["dst_lo"], int(row["domain"]))
        return self.draft(note, subject, row, f"{self._place(row)}/{stranger}", (source, receiver))
