"""Policy: contacts that are no attack, and not allowed or worth knowing.

Networks that may not reach outside (违规外联), crossings between networks that the declared exchange platform
is for, tools of remote control, names asked past the own resolvers, anonymisers, log-ins in clear text. A
breach of a stated rule is high; what only the owner can judge is informational.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citywall.batches import TCP, UDP
from citywall.errors import SettingsError
from citywall.findings import Severity
from citywall.rows import take
from detectors.base import Draft, shown
from detectors.places import Places
from detectors.prefixes import Prefixes
from detectors.relations.detector import RelationDetector, among, protocol, seconds
from detectors.relations.tables import Related

REMOTE = {5938: "TeamViewer", 7070: "AnyDesk", 6568: "AnyDesk", 21116: "RustDesk", 35600: "ToDesk",
           3389: "RDP", 5900: "VNC", 5500: "VNC"}  # fmt: skip
CLEAR_TEXT = {21: "ftp", 23: "telnet", 110: "pop3", 143: "imap", 512: "rexec", 513: "rlogin", 514: "rsh"}
_LOGIN_BYTES = 300  # with headers; who only looks whether a service is there sends less
TOR = (9001, 9030, 9050, 9051, 9150)
_RESOLVERS = (
    "1.0.0.1", "1.0.0.2", "1.0.0.3", "1.1.1.1", "1.1.1.2", "1.1.1.3", "1.12.12.12", "8.8.4.4", "8.8.8.8",
    "9.9.9.9", "9.9.9.10", "9.9.9.11", "45.90.28.0", "45.90.30.0", "76.76.2.0", "76.76.10.0", "94.140.14.14",
    "94.140.15.15", "101.6.6.6", "104.16.248.249", "104.16.249.249", "119.28.28.28", "119.29.29.29",
    "120.53.53.53", "149.112.112.10", "149.112.112.11", "149.112.112.112", "180.76.76.76", "185.228.168.9",
    "208.67.220.123", "208.67.220.220", "208.67.222.123", "208.67.222.222", "223.5.5.5", "223.6.6.6",
    "2400:3200::1", "2400:3200:baba::1", "2606:4700::6810:f8f9", "2606:4700::6810:f9f9",
    "2606:4700:4700::1001", "2606:4700:4700::1111", "2620:fe::fe", "2001:4860:4860::8844",
    "2001:4860:4860::8888",
)  # fmt: skip


class PolicyParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.policy]`."""

    isolated: Annotated[
        tuple[str, ...],
        Meta(extra={"unit": "networks"}, description="Networks that may not reach anything outside."),
    ] = ()
    forbidden: Annotated[
        tuple[str, ...],
        Meta(extra={"unit": "pairs"},
             description="Crossings that only the exchange platform is for, as FROM>TO, each a network."),
    ] = ()  # fmt: skip
    exchange: Annotated[
        tuple[str, ...],
        Meta(extra={"unit": "networks"}, description="Addresses of the exchange platform; they may cross."),
    ] = ()
    resolvers: Annotated[
        tuple[str, ...],
        Meta(extra={"unit": "addresses"}, description="Public resolvers that speak DNS over HTTPS."),
    ] = _RESOLVERS


class Policy(RelationDetector):
    """Contacts that a rule of the house forbids, or that its owner should know of."""

    id: ClassVar[str] = "policy"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = (
        "outreach", "crossing", "bypass", "remote_control", "clear_text", "encrypted_dns", "anonymiser",
    )  # fmt: skip
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1219", "Remote Access Software", "TA0011", "Command and Control"),
        ("T1572", "Protocol Tunneling", "TA0011", "Command and Control"),
        ("T1090.003", "Multi-hop Proxy", "TA0011", "Command and Control"),
        ("T1040", "Network Sniffing", "TA0006", "Credential Access"),
    )
    gb_class: ClassVar[str] = "violation"
    gb_subclass: ClassVar[str] = "违规操作"
    axis: ClassVar[str] = "leak"
    Parameters: ClassVar[type[msgspec.Struct]] = PolicyParameters

    parameters: PolicyParameters

    def __init__(self, parameters: Any, places: Places, exempt: Prefixes | None = None) -> None:
        super().__init__(parameters, places, exempt)
        self._isolated = networks("isolated", parameters.isolated)
        self._exchange = networks("exchange", parameters.exchange)
        self._resolvers = networks("resolvers", parameters.resolvers)
        self._crossings = []
        for rule in parameters.forbidden:
            there, arrow, here = rule.partition(">")
            if not arrow:
                raise SettingsError("settings", "detectors.policy.forbidden", f"{rule!r} is not FROM>TO")
            self._crossings.append((networks("forbidden", [there]), networks("forbidden", [here])))

    def judge_relations(self, related: Related, reports: NDArray[np.void]) -> list[Draft]:
        """Predicates over pairs that were answered."""
        pairs = related.pairs
        rows = np.flatnonzero((pairs["answered"] > 0) & among(pairs["proto"], (TCP, UDP)))
        if not len(rows):
            return []
        pairs, pair_rows = take(pairs, rows), related.pair_rows[rows]
        src = pairs["src_hi"], pairs["src_lo"]
        dst = pairs["dst_hi"], pairs["dst_lo"]
        port, tcp = pairs["port"], pairs["proto"] == TCP
        outside = ~self.places.are_home(*dst)
        spoken = pairs["now_sent"] + pairs["now_back"] > 0
        logged_in = spoken & tcp & (pairs["sent_bytes"] >= _LOGIN_BYTES * pairs["flows"])
        named = port == 443
        if named.any():
            named &= self._resolvers.hold(*dst)
        crossing = self._crossing(src, dst)
        closed, barred, apart = self._by_register(pairs, src, dst)
        told = {
            "outreach": outside & (self._isolated.hold(*src) | closed),
            "crossing": crossing | barred,
            "bypass": apart & ~barred & ~crossing,
            "remote_control": spoken & tcp & outside & among(port, tuple(REMOTE)),
            "clear_text": logged_in & among(port, tuple(CLEAR_TEXT)),
            "encrypted_dns": spoken & outside & ((port == 853) | named),
            "anonymiser": spoken & tcp & outside & among(port, TOR),
        }
        return [
            self._draft(kind, pair, row)
            for kind, hits in told.items()
            for pair, row in shown(pairs, pair_rows, reports, hits)
        ]

    def _by_register(
        self, pairs: NDArray[Any], src: tuple[Any, Any], dst: tuple[Any, Any]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Which pairs reach outside, cross zones and join units against what the register says of zones."""
        ground = self.places.ground
        if not ground:
            never = np.zeros(len(pairs), bool)
            return never, never, never
        here = ground.find(*src, pairs["src_domain"])
        there = ground.find(*dst, pairs["dst_domain"])
        return ground.closed(here) & (there == 0), ground.barred(here, there), ground.apart(here, there)

    def _crossing(self, src: tuple[Any, Any], dst: tuple[Any, Any]) -> NDArray[np.bool_]:
        crossing = np.zeros(len(src[0]), bool)
        for there, here in self._crossings:
            crossing |= there.hold(*src) & here.hold(*dst)
        return crossing & ~self._exchange.hold(*src) & ~self._exchange.hold(*dst)

    def _draft(self, kind: str, pair: Any, row: Any) -> Draft:
        source, target = self.source(pair), self.service(pair)
        breach = kind in ("outreach", "crossing", "bypass")
        port = int(pair["port"])
        what = {"remote_control": REMOTE, "clear_text": CLEAR_TEXT}.get(kind, {}).get(port, str(port))
        severity = Severity.HIGH if breach else Severity.INFORMATIONAL
        return Draft(
            kind=kind, about="", entity=self.between(source, target),
            time=int(row["time"]), began=int(pair["began"]),
            severity=severity,
            confidence=0.95 if breach else 0.6, score=1.0, threshold=1.0,
            source=source, target=target,
            facts={
                "observed": what, "threshold": 1, "seconds": seconds(pair["began"], row["time"]),
                "connections": int(pair["flows"]),
                "bytes_sent": int(pair["sent_bytes"]), "bytes_back": int(pair["back_bytes"]),
                "protocol": protocol(pair), **self._spots(pair),
            },
            evidence=self.evidence(pair, row),
        )  # fmt: skip

    def _spots(self, pair: Any) -> dict[str, int | float | str]:
        """Zones and units of both ends, as far as the register knows them."""
        ground = self.places.ground
        if not ground:
            return {}
        said: dict[str, int | float | str] = {}
        for side in ("src", "dst"):
            hi, lo, domain = (np.array([pair[f"{side}_{n}"]]) for n in ("hi", "lo", "domain"))
            spot = ground.spots[int(ground.find(hi, lo, domain)[0])]
            end = "source" if side == "src" else "target"
            said |= {f"{end}_{name}": text for name, text in spot._asdict().items() if text}
        return said


def networks(name: str, given: Any) -> Prefixes:
    """The networks of a setting; raises SettingsError naming it."""
    try:
        return Prefixes(given)
    except ValueError as e:
        raise SettingsError("settings", f"detectors.policy.{name}", str(e)) from e
