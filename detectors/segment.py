"""Abuse of a segment: who claims whose address, who hands out addresses, who says it is the router.

ARP and neighbour discovery believe whoever speaks. An address that two cards claim in turn, or a card that
tells one host unasked of an address while it claims another, stands between them. So may who sends a frame
with a message that claims another card than the frame's. DHCP servers and routers of a segment are learnt for
an hour; a stranger after that, or very many requests or routers at once, is told.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.addresses import mac_to_text
from citywall.batches import OTHER_SENDER
from citywall.findings import Endpoint, Severity
from detectors.base import Draft, shown
from detectors.places import distinct
from detectors.relations import records
from detectors.relations.detector import SECOND, RelationDetector, seconds
from detectors.relations.tables import Related


class SegmentParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.segment]`."""

    flips: Annotated[
        int,
        Meta(ge=2, le=1000, extra={"unit": "times"},
             description="Times that an address goes from card to card within the window."),
    ] = 4  # fmt: skip
    unasked: Annotated[
        int,
        Meta(ge=1, le=1000, extra={"unit": "packets"},
             description="Answers to one host that nobody asked for, from a card that claims two addresses."),
    ] = 1  # fmt: skip
    window_s: Annotated[
        int, Meta(ge=10, le=86400, extra={"unit": "s"}, description="Window that both are counted in.")
    ] = 600  # fmt: skip
    requests: Annotated[
        int,
        Meta(ge=10, le=1 << 20, extra={"unit": "packets"},
             description="DHCP requests of one segment within ten seconds that exhaust its addresses."),
    ] = 100  # fmt: skip
    routers: Annotated[
        int,
        Meta(ge=8, le=1 << 20, extra={"unit": "routers"},
             description="New routers or servers of one segment within ten seconds that are a flood."),
    ] = 16  # fmt: skip
    learn_s: Annotated[
        int, Meta(ge=60, le=1 << 22, extra={"unit": "s"}, description="How long speakers are learnt.")
    ] = 3600  # fmt: skip
    learn_flows: Annotated[
        int,
        Meta(ge=1, le=1 << 20, extra={"unit": "flows"}, description="And from how many flows at least."),
    ] = 20  # fmt: skip


class Segment(RelationDetector):
    """Spoofed addresses, exhausted address pools, strange DHCP servers and routers."""

    id: ClassVar[str] = "segment"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = (
        "address_contended", "address_claimed", "other_sender", "dhcp_flood", "strange_dhcp",
        "strange_router", "router_flood",
    )  # fmt: skip
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1557.002", "ARP Cache Poisoning", "TA0006", "Credential Access"),
        ("T1557.003", "DHCP Spoofing", "TA0006", "Credential Access"),
        ("T1498", "Network Denial of Service", "TA0040", "Impact"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "网络欺骗"
    axis: ClassVar[str] = "attack"
    kernels: ClassVar[tuple[str, ...]] = (
        "detectors.relations.kernels.observe_flows", "detectors.relations.kernels.observe_events",
    )  # fmt: skip
    Parameters: ClassVar[type[msgspec.Struct]] = SegmentParameters

    parameters: SegmentParameters

    def judge_relations(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over what segments are asked and told."""
        p, segments = self.parameters, related.segments
        if not len(segments):
            return []
        asks = segments["kind"] == records.DHCP_REQUESTS
        routers = segments["kind"] == records.ROUTERS
        strange, many = segments["newcomer"] == 1, segments["now_strangers"] >= p.routers
        strange &= segments["last"] - segments["began"] >= p.learn_s * SECOND
        strange &= segments["flows"] > p.learn_flows
        told = {
            "dhcp_flood": asks & (segments["most"] >= p.requests),
            "router_flood": ~asks & many,
            "strange_router": routers & strange & ~many,
            "strange_dhcp": (segments["kind"] == records.DHCP_SERVERS) & strange & ~many,
        }
        return [
            self._segment(kind, segment, row)
            for kind, hits in told.items()
            for segment, row in shown(segments, related.segment_rows, reports, hits)
        ]

    def _segment(self, kind: str, segment: Any, row: Any) -> Draft:
        p = self.parameters
        sender = self.places.endpoint(row["src_hi"], row["src_lo"], row["domain"])
        receiver = self.places.endpoint(row["dst_hi"], row["dst_lo"], row["domain"])
        if kind == "strange_dhcp" and int(row["src_port"]) in (68, 546):
            sender, receiver = receiver, sender
        observed, threshold = {
            "dhcp_flood": (int(segment["most"]), p.requests),
            "router_flood": (int(segment["now_strangers"]), p.routers),
        }.get(kind, (int(segment["strangers"]), int(segment["strangers"])))
        flood = kind in ("dhcp_flood", "router_flood")
        place = self.places.domain(int(segment["domain"])) or "segment"
        return Draft(
            kind=kind, about="" if flood else sender.address,
            entity=place if flood else f"{place}/{sender.address}",
            time=int(segment["last"]), began=int(segment["first_time"] if flood else row["first"]),
            severity=Severity.HIGH if kind == "router_flood" else Severity.MEDIUM,
            confidence=round(1 - 0.5 * threshold / max(observed, 1), 3) if flood else 0.6,
            score=float(observed) if flood else 1.0, threshold=float(threshold) if flood else 1.0,
            source=sender, target=receiver if flood and kind == "dhcp_flood" else None,
            facts={
                "observed": observed, "threshold": threshold,
                "seconds": seconds(segment["first_time"], segment["last"]),
                "known": int(segment["known"]), "flows": int(segment["flows"]),
            },
            evidence=self.evidence(segment, row),
        )  # fmt: skip

    def judge_claims(self, related: Related, events: NDArray[np.void]) -> list[Draft]:
        """Predicates over addresses and cards."""
        p, bindings, cards = self.parameters, related.bindings, related.cards
        contended = bindings["flips"] >= p.flips
        claimed = (cards["claims"] >= 2) & (cards["unasked"] >= p.unasked)
        other = (events["flags"][related.card_rows] & OTHER_SENDER) != 0
        return [
            *(self._contended(b, row) for b, row in shown(bindings, related.binding_rows, events, contended)),
            *(self._claimed(card, row) for card, row in shown(cards, related.card_rows, events, claimed)),
            *(self._other(card, row) for card, row in shown(cards, related.card_rows, events, other)),
        ]

    def _contended(self, binding: Any, row: Any) -> Draft:
        p = self.parameters
        place = self.places.endpoint(binding["hi"], binding["lo"], binding["domain"])
        rival = msgspec.structs.replace(place, mac=mac_to_text(int(binding["mac"])))
        flips, proto = int(binding["flips"]), "arp" if binding["arp"] else "ndp"
        return Draft(
            kind="address_contended", about="", entity=self.name(place),
            time=int(binding["last"]), began=int(binding["began"]),
            severity=Severity.HIGH if flips >= 2 * p.flips else Severity.MEDIUM,
            confidence=round(min(0.95, 0.5 + flips / (8 * p.flips)), 3),
            score=float(flips), threshold=float(p.flips),
            source=rival, target=place,
            facts={
                "observed": flips, "threshold": p.flips, "usual": 0,
                "seconds": seconds(binding["began"], binding["last"]), "window_s": p.window_s,
                "mac": mac_to_text(int(binding["mac"])), "other_mac": mac_to_text(int(binding["rival"])),
                "protocol": proto,
            },
            evidence=distinct(
                [
                    self.places.first_packet(binding, int(binding["rival"]), proto),
                    self.places.packet(row, int(row["src_mac"]), proto),
                ]
            ),
        )  # fmt: skip

    def _other(self, card: Any, row: Any) -> Draft:
        p = self.parameters
        mac, sent = mac_to_text(int(card["mac"])), mac_to_text(int(row["answers"]))
        place = self.places.endpoint(row["src_hi"], row["src_lo"], row["domain"])
        told = self.places.endpoint(row["dst_hi"], row["dst_lo"], row["domain"])
        # bridges of wireless networks speak for others, too, but of addresses of their own network
        ends = [self.places.is_home(int(row[f"{end}_hi"]), int(row[f"{end}_lo"])) for end in ("src", "dst")]
        strange = ends[0] != ends[1]
        return Draft(
            kind="other_sender", about=mac, entity=self.places.name(int(card["domain"]), sent),
            time=int(card["last"]), began=int(card["window"]),
            severity=Severity.LOW if strange else Severity.INFORMATIONAL,
            confidence=0.5 if strange else 0.3, score=1.0, threshold=1.0,
            source=msgspec.structs.replace(place, mac=sent), target=told,
            facts={
                "observed": sent, "threshold": 1, "seconds": seconds(card["window"], card["last"]),
                "window_s": p.window_s, "mac": mac, "protocol": "arp",
            },
            evidence=(self.places.packet(row, int(row["src_mac"]), "arp"),),
        )  # fmt: skip

    def _claimed(self, card: Any, row: Any) -> Draft:
        p = self.parameters
        place = self.places.endpoint(card["hi"], card["lo"], card["domain"])
        mac = mac_to_text(int(card["mac"]))
        told: Endpoint = self.places.endpoint(card["told_hi"], card["told_lo"], card["domain"])
        return Draft(
            kind="address_claimed", about="", entity=self.places.name(int(card["domain"]), mac),
            time=int(card["last"]), began=int(card["window"]),
            severity=Severity.MEDIUM,
            confidence=round(min(0.9, 0.5 + int(card["unasked"]) / 20), 3),
            score=float(card["unasked"]), threshold=float(p.unasked),
            source=msgspec.structs.replace(place, mac=mac), target=told,
            facts={
                "observed": int(card["unasked"]), "threshold": p.unasked, "usual": 0,
                "seconds": seconds(card["window"], card["last"]), "window_s": p.window_s,
                "addresses_claimed": int(card["claims"]), "mac": mac, "protocol": "arp",
            },
            evidence=distinct(
                [
                    self.places.first_packet(card, int(card["mac"]), "arp"),
                    self.places.packet(row, int(row["src_mac"]), "arp"),
                ]
            ),
        )  # fmt: skip
