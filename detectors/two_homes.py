"""One machine in two networks that are kept apart: a bridge, or a plug that was moved (一机两用).

A machine is known by its card (in DHCP, ARP and neighbour discovery), by the identifier that DHCPv6 has of
it whatever its card (DUID), or by the host name it gives for a lease. A network is a zone of the register,
else a network domain; only between zones, or domains that the settings name, is it more than a remark.
Routers have a card in many networks and are asked for by many: who is in more than two, or asked for by
several, is none.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.domains import NAMED, VNI
from citywall.findings import Severity
from detectors.base import Draft
from detectors.identities import records
from detectors.identities.detector import IdentityDetector
from detectors.sightings.detector import SECOND, Note, count
from detectors.sightings.tables import Told

_BY = {records.CARD: "card", records.DUID: "duid", records.NAME: "host name"}


class TwoHomesParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.twohomes]`."""

    times: Annotated[int, count("times", "How often a machine is seen in either network.", 1, 1000)] = 2
    asked: Annotated[
        int, count("hosts", "A card that so many hosts ask for is a router or a server.", 2, 200)
    ] = 8
    learn_s: Annotated[
        int, count("s", "How long a card is watched before address resolution alone tells of it.", 0, 86400)
    ] = 1800
    window_h: Annotated[int, count("h", "Window in which both networks count.", 1, 720)] = 24


class TwoHomes(IdentityDetector):
    """A machine that is in two networks which are kept apart."""

    id: ClassVar[str] = "twohomes"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("in_both", "carried_over")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1599", "Network Boundary Bridging", "TA0005", "Defense Evasion"),
        ("T1200", "Hardware Additions", "TA0001", "Initial Access"),
    )
    gb_class: ClassVar[str] = "violation"
    gb_subclass: ClassVar[str] = "违规外联"
    axis: ClassVar[str] = "leak"
    Parameters: ClassVar[type[msgspec.Struct]] = TwoHomesParameters

    parameters: TwoHomesParameters

    def judge_identities(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """A predicate over machines."""
        p, subjects, n = self.parameters, told.subjects, told.counts
        hits = (subjects["kind"] == records.HOME) & (n[:, records.NETWORKS] == 2)
        hits &= np.minimum(n[:, records.FIRST], n[:, records.SECOND]) >= p.times
        if not hits.any():
            return []
        asked = told.distinct(1)
        drafts: list[Draft] = []
        for i in np.flatnonzero(hits & (asked < p.asked)).tolist():
            subject, row = subjects[i], events[told.rows[i]]
            leased = int(row["type"]) != 0
            if not leased and subject["last"] - subject["began"] < p.learn_s * SECOND:
                continue
            drafts += self._machine(told, i, row, float(asked[i]))
        return drafts

    def _machine(self, told: Told, i: int, row: Any, asked: float) -> list[Draft]:
        p, n, subject = self.parameters, told.counts[i], told.subjects[i]
        back = int(n[records.MOVES]) >= 2
        by = int(subject["service"])
        (here, here_kept), (there, there_kept) = self._network(subject, "old"), self._network(subject, "new")
        apart = here_kept and there_kept
        severity = Severity.MEDIUM if back and by != records.NAME else Severity.LOW
        first = self.places.endpoint(subject["old_hi"], subject["old_lo"], int(subject["src_domain"]))
        second = self.places.endpoint(subject["new_hi"], subject["new_lo"], int(subject["dst_domain"]))
        name = told.words(i) or mac_of(row)
        if name.count(":") == 5:
            first = msgspec.structs.replace(first, mac=name)
        note = Note(
            "in_both" if back else "carried_over", severity if apart else Severity.INFORMATIONAL,
            f"{here}, {there}", 1, 1,
            {"machine": name, "known_by": _BY[by], "network": here, "other_network": there,
             "seen_here": int(n[records.FIRST]), "seen_there": int(n[records.SECOND]),
             "moves": int(n[records.MOVES]), "asked_for_by": round(asked), "window_h": p.window_h},
            confidence={records.CARD: 0.8, records.DUID: 0.85}.get(by, 0.4),
        )  # fmt: skip
        return self.draft(note, subject, row, name, (first, second))

    def _network(self, subject: Any, which: str) -> tuple[str, bool]:
        """What to call the network of an address, and whether somebody declared it."""
        side = "src" if which == "old" else "dst"
        domain, ground = int(subject[f"{side}_domain"]), self.places.ground
        if ground is not None:
            hi, lo = (np.array([subject[f"{which}_{part}"]]) for part in ("hi", "lo"))
            if zone := ground.spots[int(ground.find(hi, lo, np.array([domain]))[0])].zone:
                return zone, True
        return self.places.domain(domain) or "default", NAMED <= domain < VNI


def mac_of(row: Any) -> str:
    """The card that a message of address resolution claims an address for."""
    text = f"{int(row['src_mac']):012x}"
    return ":".join(text[j : j + 2] for j in range(0, 12, 2))
