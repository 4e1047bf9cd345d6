"""The kernel of identities told slowly: dictionaries, Python integers, no limits of memory.

Nothing is ever given up here, so it equals the kernel as long as the kernel's table is not full.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from detector_oracle import M64, MIX, host_hash, is_many, leading, mix64
from sighting_oracle import share, text_hash

from citywall import batches as b
from citywall.addresses import is_private
from detectors.features.kernels import FAR_FUTURE, FAR_PAST
from detectors.identities import records as r
from detectors.identities.kernels import Bounds
from detectors.sightings.records import COUNTERS, TEXT

LINK_LOCAL = 0x3FA
ROUTERS = ("00005e0001", "00005e0002", "00000c07ac", "00000c9ff", "0007b400")


def segment_hash(domain: int) -> int:
    h = (0 ^ MIX[0]) * MIX[1] & M64
    h = (h ^ h >> 32 ^ domain) * MIX[2] & M64
    h = (h ^ h >> 32 ^ 60 << 40) * MIX[1] & M64
    return h ^ h >> 29


class Oracle:
    """Takes rows like `detectors.identities.tables.Identities`; gives (row, fields) for every copy."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.clock = FAR_PAST
        self.subjects: dict[Any, dict[str, Any]] = {}

    def observe(self, events: np.ndarray, networks: Any) -> list[tuple[int, dict[str, Any]]]:
        self.out: list[tuple[int, dict[str, Any]]] = []
        for self.n, row in enumerate(events):
            self.clock = max(self.clock, min(int(row["time"]), FAR_FUTURE))
            e = {name: int(row[name]) for name in events.dtype.names if name != "text"}
            text = bytes(row["text"])
            cuts = np.cumsum([0, e["name_size"], e["rest_size"], e["agent_size"]])
            e["name"], e["rest"], e["agent"] = (text[x:y] for x, y in pairwise(cuts))
            self.network = int(networks[self.n])
            self.take(e)
        return self.out

    def own(self, h: int) -> bool:
        return share(h, self.bounds.partitions) == self.bounds.partition

    def take(self, e: dict[str, Any]) -> None:
        ends = [(self.domain(e, s), e[f"{s}_hi"], e[f"{s}_lo"]) for s in ("src", "dst")]
        self.turned = e["kind"] == b.TICKET_GIVEN
        self.client, self.server = ends[::-1] if self.turned else ends
        if e["kind"] == b.DHCP_MESSAGE:
            self.lease(e)
        elif e["kind"] <= b.ND_ADVERT:
            if self.own(mix64(e["src_mac"] ^ MIX[0])):
                self.resolved(e)
        else:
            self.log_in(e)

    def log_in(self, e: dict[str, Any]) -> None:
        kind = e["kind"]
        if kind == b.TICKET_GIVEN and self.own(host_hash(self.server)):
            self.raised(self.get(e, r.CONTROLLER, self.server), r.GIVEN)
        if kind in (b.NTLM_LOGON, b.TICKET_ASKED) and self.own(e["digest"]):
            (self.bearer if kind == b.NTLM_LOGON else self.proof)(e)
        if not self.own(host_hash(self.client)):
            return
        if kind == b.NTLM_LOGON:
            self.ntlm(e)
        elif kind == b.TICKET_GIVEN:
            self.ticket(e)
        elif kind == b.SHARE_OPENED:
            self.administers(e, r.SHARE)
        elif kind == b.CALL_MADE or (kind == b.CALLS_BOUND and e["type"] == 1):
            self.call(e)
        elif kind == b.CALLS_BOUND and e["type"] > 1:
            self.administers(e, 1 << e["type"] - 1)

    @staticmethod
    def domain(e: dict[str, Any], side: str) -> int:
        return e["domain"] if is_private(e[f"{side}_hi"], e[f"{side}_lo"]) else 0

    # --- subjects ---

    def get(self, e: dict[str, Any], kind: int, *key: Any) -> dict[str, Any]:
        blank = {"kind": kind, "text": b"", "place": None, "old": (0, 0), "new": (0, 0), "ends": (0, 0)}
        s = self.subjects.setdefault((kind, *key), blank)
        if "began" not in s or self.clock - s["began"] > int(self.bounds.windows[kind]):
            s |= {"began": self.clock, "counts": [0] * COUNTERS, "seen": [0, 0], "volume": 0, "flags": 0,
                  "answers": 0, "frame": e["frame"]}  # fmt: skip
        s["last"] = self.clock
        return s

    def here(self, e: dict[str, Any], kind: int, *key: Any) -> dict[str, Any]:
        s = self.get(e, kind, *key)
        s["place"] = self.client, self.server
        return s

    def show(self, s: dict[str, Any]) -> None:
        self.out.append((self.n, {k: list(v) if isinstance(v, list) else v for k, v in s.items()}))

    @staticmethod
    def raised(s: dict[str, Any], counter: int) -> bool:
        before = s["counts"][counter]
        s["counts"][counter] = min(before + 1, 0xFFFFFFFF)
        return leading(before) != leading(s["counts"][counter])

    @staticmethod
    def mark(s: dict[str, Any], which: int, h: int) -> bool:
        new = not s["seen"][which] >> h % 256 & 1
        s["seen"][which] |= 1 << h % 256
        return new

    # --- log-ins and tickets ---

    def ntlm(self, e: dict[str, Any]) -> None:
        holder = self.get(e, r.HOLDER, self.client)
        station = e["answers"]
        stranger = holder["counts"][r.ACCOUNTS] > 0 and not holder["seen"][0] >> e["digest"] % 256 & 1
        renamed = bool(station and holder["answers"] and holder["answers"] != station)
        holder["answers"] = holder["answers"] or station
        s = self.here(e, r.ENTRY, self.client, self.server)
        self.raised(s, r.LOGONS)
        signs = ((not station, r.NAMELESS), (stranger, r.STRANGERS), (renamed, r.RENAMED))
        changed = sum(bool(so and self.raised(s, counter)) for so, counter in signs) > 0
        if changed or s["counts"][r.LOGONS] == 1:
            s["text"] = (e["name"] + e["rest"] + e["agent"])[:TEXT]
        if changed and self.odd(s):
            self.show(s)

    @staticmethod
    def odd(s: dict[str, Any]) -> bool:
        n = s["counts"]
        return bool(n[r.ADMIN] and (n[r.NAMELESS] or n[r.STRANGERS] or n[r.RENAMED]))

    def administers(self, e: dict[str, Any], what: int) -> None:
        s = self.here(e, r.ENTRY, self.client, self.server)
        changed = not s["flags"] & what
        s["flags"] |= what
        changed |= self.raised(s, r.ADMIN)
        if changed and self.odd(s):
            self.show(s)

    def bearer(self, e: dict[str, Any]) -> None:
        s = self.here(e, r.BEARER, e["digest"])
        s["text"] = s["text"] or e["name"][:TEXT]
        if self.mark(s, 0, mix64(host_hash(self.client))):
            self.raised(s, r.HOSTS)
            if s["counts"][r.HOSTS] >= self.bounds.gates[r.BEARER]:
                self.show(s)

    def proof(self, e: dict[str, Any]) -> None:
        if e["type"] not in (17, 18, 23):
            return
        s = self.here(e, r.PROOF, e["digest"])
        s["text"] = s["text"] or e["name"][:TEXT]
        if e["type"] != 23:
            self.raised(s, r.AES)
            return
        if not e["code"] & b.AES_OFFERED:
            s["flags"] |= r.ONLY_RC4
        if self.raised(s, r.RC4) and s["counts"][r.AES] >= self.bounds.gates[r.PROOF]:
            self.show(s)

    def ticket(self, e: dict[str, Any]) -> None:
        holder = self.get(e, r.HOLDER, self.client)
        if self.mark(holder, 0, e["digest"]):
            self.raised(holder, r.ACCOUNTS)
        self.raised(self.here(e, r.ENTRY, self.client, self.server), r.TICKETS)
        if e["rest"].startswith(b"krbtgt"):
            return
        s = self.here(e, r.ROAST, self.client)
        if e["type"] != 23:
            if self.mark(s, 1, e["answers"]):
                self.raised(s, r.STRONG)
        elif self.mark(s, 0, e["answers"]):
            self.raised(s, r.WEAK)
            s["text"] = (e["name"] + e["rest"])[:TEXT]
            if s["counts"][r.WEAK] >= self.bounds.gates[r.ROAST]:
                self.show(s)

    def call(self, e: dict[str, Any]) -> None:
        if e["kind"] == b.CALLS_BOUND and e["code"] == 2:
            self.raised(self.here(e, r.MAPPED, self.client, self.server), r.ASKED)
            return
        s = self.here(e, r.CALLS, self.client, self.server, e["src_port"], e["dst_port"])
        if e["kind"] == b.CALLS_BOUND:
            s["flags"] |= r.BOUND
        elif e["type"] in (12, 16):
            self.raised(s, r.NAMED if e["type"] == 12 else r.PLACED)
        elif self.raised(s, r.COPIED):
            asked = self.subjects.get((r.MAPPED, self.client, self.server))
            if asked and self.clock - asked["last"] <= int(self.bounds.windows[r.MAPPED]):
                s["flags"] |= r.BY_MAPPER
            if (r.CONTROLLER, self.client) in self.subjects:
                s["flags"] |= r.CONTROLLER_CALLS
            self.show(s)

    # --- addresses ---

    def lease(self, e: dict[str, Any]) -> None:
        six = min(e["src_port"], e["dst_port"]) in (546, 547)
        if self.own(segment_hash(e["domain"])):
            self.pool(e, six)
            self.leaser(e, six)
        if e["type"] not in (3, 5):
            return
        where = (e["answer_hi"], e["answer_lo"])
        if self.own(e["digest"]) and (six or not self.shared(e["src_mac"] | e["dst_mac"])):
            self.home(e, r.DUID if six else r.CARD, e["digest"], where, e["name"])
        name = e["rest"]
        if len(name) >= 8 and any(48 <= c <= 57 for c in name) and self.own(text_hash(name)):
            self.home(e, r.NAME, text_hash(name), where, name)

    def pool(self, e: dict[str, Any], six: bool) -> None:
        s, kind = self.get(e, r.POOL, e["domain"], six), e["type"]
        s["ends"] = (e["domain"], e["domain"])
        if kind in (5, 6):
            self.raised(s, r.SERVED if kind == 5 else r.REFUSED)
        elif kind in (1, 3):
            changed = False
            if kind == 1 and self.mark(s, 0, e["digest"]):
                changed = self.raised(s, r.CLIENTS)
                s["text"] = e["name"][:TEXT]
            if e["flags"] & b.OTHER_SENDER and self.mark(s, 1, e["digest"]):
                changed |= self.raised(s, r.FORGED)
            if changed and max(s["counts"][r.CLIENTS], s["counts"][r.FORGED]) >= self.bounds.gates[r.POOL]:
                self.show(s)

    def leaser(self, e: dict[str, Any], six: bool) -> None:
        if e["type"] not in (2, 5) or not e["answers"]:
            return
        s, server = self.get(e, r.LEASER, e["domain"], six, e["number"]), (e["src_hi"], e["src_lo"])
        known, said = ((v >> 32, v & 0xFFFFFFFF) for v in (s["answers"], e["answers"]))
        if not s["answers"] or s["old"] == server:
            now = [new or old for new, old in zip(said, known, strict=True)]
            s |= {"answers": now[0] << 32 | now[1], "old": server, "ends": (e["domain"], e["domain"])}
            self.raised(s, r.OWN)
        elif not any(a and b and a != b for a, b in zip(known, said, strict=True)):
            self.raised(s, r.OWN)
        else:
            s |= {"new": server, "text": e["name"][:TEXT]}
            if self.raised(s, r.OTHERS) and s["counts"][r.OWN] >= self.bounds.gates[r.LEASER]:
                self.show(s)

    @staticmethod
    def shared(mac: int) -> bool:
        return bool(mac >> 40 & 3) or f"{mac:012x}".startswith(ROUTERS)

    def resolved(self, e: dict[str, Any]) -> None:
        mac = e["src_mac"]
        if not mac or self.shared(mac):
            return
        key = mix64(mac ^ MIX[0])
        self.home(e, r.CARD, key, (e["src_hi"], e["src_lo"]), b"")
        if e["kind"] == b.ARP_REPLY and (s := self.subjects.get((r.HOME, key, r.CARD))):
            self.mark(s, 1, mix64(host_hash(self.server)))

    def home(self, e: dict[str, Any], by: int, key: int, place: tuple[int, int], text: bytes) -> None:
        hi, lo = place
        local = lo >> 16 == 0xFFFFA9FE if hi == 0 else hi >> 54 == LINK_LOCAL
        if place in ((0, 0), (0, 0xFFFF << 32)) or is_many(*place) or local:
            return
        s, here = self.get(e, r.HOME, key, by), self.network + 1
        if not s["answers"]:
            s |= {"answers": here, "flags": 0, "text": text[:TEXT]}
        changed = self.mark(s, 0, mix64(here))
        if changed:
            self.raised(s, r.NETWORKS)
        if s["answers"] == here:
            self.raised(s, r.FIRST)
            moved = s["flags"] == 1
            s |= {"old": place, "ends": (e["domain"], s["ends"][1]), "flags": 0}
        else:
            s["volume"] = s["volume"] or here
            if s["volume"] != here:
                return
            changed |= self.raised(s, r.SECOND)
            moved = s["flags"] == 0
            s |= {"new": place, "ends": (s["ends"][0], e["domain"]), "flags": 1}
        if moved:
            changed |= self.raised(s, r.MOVES)
        if changed and s["counts"][r.SECOND] >= self.bounds.gates[r.HOME]:
            self.show(s)
