"""The kernel of sightings told slowly: dictionaries, Python integers, no limits of memory.

Nothing is ever given up here, so it equals the kernel as long as the kernel's table is not full.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from detector_oracle import M64, MIX, host_hash, leading, mix64

from citywall import batches as b
from citywall.addresses import is_private
from detectors.features.kernels import FAR_FUTURE, FAR_PAST
from detectors.sightings import records as r
from detectors.sightings.kernels import Limits

SECONDS = {"com", "net", "org", "gov", "edu", "ac", "co", "or", "ne", "go", "mil", "nom", "ltd"}
OWN = {"arpa", "local", "lan", "home", "internal", "corp", "intranet", "domain", "test"}
TOLD_BY_SERVERS = {b.DNS_ANSWER, b.TLS_SERVER, b.HTTP_RESPONSE, b.LOGIN_RESULT, b.TLS_CERTIFICATE}
SIGNS = (b.INJECTION, b.SCRIPTING, b.TRAVERSAL, b.COMMAND, b.WEB_SHELL, b.PROBING, b.SCANNER)
WEAK = {0xC007, 0xC011, 0xC002, 0xC00C, 0x003B} | (set(range(0x1C)) - {0x0A, 0x16, 0x13, 0x10, 0x0D})


def text_hash(text: bytes) -> int:
    h = MIX[0]
    for c in text:
        h = (h ^ c) * 0x100000001B3 & M64
    return mix64(h)


def share(h: int, partitions: int) -> int:
    return (mix64(h) & 0xFFFFFFFF) * partitions >> 32


def registered(name: bytes) -> bytes | None:
    """The registered domain of a name: b"." for none at all, None where nobody registers it."""
    labels = name.split(b".")
    if len(labels) > 1 and any(48 <= c <= 57 for c in labels[-1]) and not labels[-1].startswith(b"xn--"):
        return b"."
    if len(labels) < 2 or (name.startswith(b".") and len(labels) == 2):
        return None
    if any(labels[-1][:8] == own.encode()[:8] for own in OWN):
        return None
    n = 2
    if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2].decode("latin-1") in SECONDS:
        n = 3
    return b".".join(labels[-n:])


class Oracle:
    """Takes rows like `detectors.sightings.tables.Sightings`; gives (row, fields) for every copy."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.clock = FAR_PAST
        self.subjects: dict[Any, dict[str, Any]] = {}

    def observe(self, events: np.ndarray, odd: Any, home: Any) -> list[tuple[int, dict[str, Any]]]:
        self.out: list[tuple[int, dict[str, Any]]] = []
        for self.n, row in enumerate(events):
            self.clock = max(self.clock, min(int(row["time"]), FAR_FUTURE))
            e = {name: int(row[name]) for name in events.dtype.names if name != "text"}
            text = bytes(row["text"])
            cuts = np.cumsum([0, e["name_size"], e["rest_size"], e["agent_size"]])
            e["name"], e["rest"], _ = (text[x:y] for x, y in pairwise(cuts))
            self.take(e, bool(odd[self.n]), bool(home[self.n]))
        return self.out

    def take(self, e: dict[str, Any], odd: bool, home: bool) -> None:
        if e["kind"] == b.DHCP_MESSAGE:
            self.client, self.server = (
                (self.domain(e, side), e[f"{side}_hi"], e[f"{side}_lo"]) for side in ("src", "dst")
            )
            if share(e["digest"], self.limits.partitions) == self.limits.partition:
                self.lease(e)
            return
        src, dst = ((self.domain(e, side), e[f"{side}_hi"], e[f"{side}_lo"]) for side in ("src", "dst"))
        self.client, self.server = (dst, src) if e["kind"] in TOLD_BY_SERVERS else (src, dst)
        kind, parts, own = e["kind"], self.limits.partitions, self.limits.partition
        if kind in (b.ACCOUNT_LOGIN, b.DATA_ACCESS):
            if share(e["digest"], parts) == own:
                self.account(e)
            return
        if kind == b.PORTAL_DRIFT:
            if share(e["digest"], parts) == own:
                s = self.get(e, r.DRIFTED, e["digest"], e["answer_lo"])
                self.here(s)
                self.raised(s, r.SEEN)
                self.show(s)
            return
        mine, theirs = (share(host_hash(h), parts) == own for h in (self.client, self.server))
        if home and theirs and kind == b.TLS_CERTIFICATE:
            self.certificate(e)
        elif home and theirs and kind == b.HTTP_RESPONSE:
            self.front(e)
        if kind == b.DNS_ANSWER:
            if e["code"] == 3:
                if mine:
                    self.failure(e, odd)
            elif e["answers"]:
                self.addresses(e, home, mine, theirs)
        elif mine:
            self.plain(e)

    def plain(self, e: dict[str, Any]) -> None:
        kind = e["kind"]
        if kind == b.DNS_QUERY:
            self.question(e)
        elif kind == b.HTTP_REQUEST:
            self.request(e)
        elif kind == b.HTTP_RESPONSE:
            self.response(e)
        elif kind == b.LOGIN_RESULT:
            self.outcome(e)
        elif kind == b.LOGIN_NAME and e["flags"] & b.CLEAR_PASSWORD:
            self.exposure(e, r.CLEAR_LOGIN)
        elif kind == b.PERSONAL_DATA:
            self.personal(e)
        elif kind == b.TLS_SERVER and e["type"] in WEAK:
            self.exposure(e, r.WEAK_CIPHER)
        elif kind == b.TLS_SERVER and e["code"] < 0x0303:
            self.exposure(e, r.OLD_TLS)

    @staticmethod
    def domain(e: dict[str, Any], side: str) -> int:
        return e["domain"] if is_private(e[f"{side}_hi"], e[f"{side}_lo"]) else 0

    # --- subjects ---

    def get(self, e: dict[str, Any], kind: int, *key: Any) -> dict[str, Any]:
        s = self.subjects.setdefault((kind, *key), {"kind": kind, "text": b"", "place": None})
        window = int(self.limits.windows[kind])
        if "began" not in s or (kind not in (r.ANSWERED, r.CERTIFIED) and self.clock - s["began"] > window):
            s |= {"began": self.clock, "counts": [0] * r.COUNTERS, "seen": [0, 0], "volume": 0, "flags": 0,
                  "answers": 0, "frame": e["frame"]}  # fmt: skip
        return s

    def show(self, s: dict[str, Any]) -> None:
        self.out.append((self.n, {k: list(v) if isinstance(v, list) else v for k, v in s.items()}))

    @staticmethod
    def raised(s: dict[str, Any], counter: int, by: int = 1) -> bool:
        before = s["counts"][counter]
        s["counts"][counter] = min(before + by, 0xFFFFFFFF)
        return leading(before) != leading(s["counts"][counter])

    @staticmethod
    def mark(s: dict[str, Any], which: int, h: int) -> bool:
        bit = 1 << (h & 255)
        new = not s["seen"][which] & bit
        s["seen"][which] |= bit
        return new

    def here(self, s: dict[str, Any]) -> None:
        s["place"] = (self.client, self.server)

    # --- what is said ---

    def race(self, e: dict[str, Any], port: int) -> dict[str, Any]:
        return self.get(e, r.RACE, self.client, self.server, e["digest"], e["aux"], port, e["type"])

    def question(self, e: dict[str, Any]) -> None:
        if e["type"] in (1, 28):
            self.raised(self.race(e, e["src_port"]), r.ASKED)
        zone = registered(e["name"])
        below = len(e["name"]) if zone == b"." else len(e["name"]) - len(zone or b"") - 1
        if zone is None or (zone != b"." and below < 1):
            return
        s = self.get(e, r.ZONE, self.client, b"" if zone == b"." else zone)
        if not s["text"]:
            self.here(s)
            s["text"] = zone[: r.TEXT]
        if self.mark(s, 0, e["digest"]):
            s["volume"] += below
        if e["type"] in (16, 10, 5, 15, 65399):
            self.raised(s, r.CARRIERS)
        if self.raised(s, r.QUESTIONS) and s["counts"][r.QUESTIONS] >= self.limits.gates[r.ZONE]:
            self.show(s)

    def failure(self, e: dict[str, Any], odd: bool) -> None:
        zone = registered(e["name"])
        if zone in (None, b"."):
            return
        s = self.get(e, r.FAILING, self.client)
        if not s["text"]:
            self.here(s)
        h, changed = text_hash(zone), False
        if self.mark(s, 0, h):
            changed = self.raised(s, r.NAMES)
        if odd or not s["text"]:
            s["text"] = zone[: r.TEXT]
        if odd and self.mark(s, 1, h):
            changed |= self.raised(s, r.ODD)
        if changed and s["counts"][r.NAMES] >= self.limits.gates[r.FAILING]:
            self.show(s)

    def addresses(self, e: dict[str, Any], home: bool, mine: bool, theirs: bool) -> None:
        where = (e["answer_hi"], e["answer_lo"])
        if mine:
            s = self.race(e, e["dst_port"])
            self.raised(s, r.REPLIES)
            if not s["answers"]:
                s |= {"answers": e["answers"], "old": where}
            elif s["answers"] != e["answers"] and 0 < s["counts"][r.ASKED] < s["counts"][r.REPLIES]:
                self.here(s)
                s |= {"new": where, "text": e["name"][: r.TEXT]}
                self.show(s)
        if theirs:
            s = self.get(e, r.ANSWERED, self.server, e["digest"])
            if home:
                self.raised(s, r.AT_HOME)
                s["old"] = where
                s["counts"][r.ELSEWHERE] = 0
            elif s["counts"][r.AT_HOME] >= self.limits.learned:
                if not s["counts"][r.ELSEWHERE]:
                    s |= {"began": self.clock, "frame": e["frame"]}
                self.here(s)
                s |= {"new": where, "text": e["name"][: r.TEXT]}
                if self.raised(s, r.ELSEWHERE):
                    self.show(s)

    def request(self, e: dict[str, Any]) -> None:
        s = self.get(e, r.SITE, self.client, self.server, e["dst_port"])
        self.here(s)
        self.raised(s, r.REQUESTS)
        self.mark(s, 0, e["digest"])
        flags, changed = e["flags"], False
        if flags & sum(SIGNS):
            s["flags"] |= flags
            for i, sign in enumerate(SIGNS):
                if flags & sign:
                    changed |= self.raised(s, r.INJECTIONS + i)
            if flags & b.UNMISTAKABLE:
                changed |= self.raised(s, r.UNMISTAKABLES)
            s["text"] = e["rest"][: r.TEXT]
        if flags & b.LOGIN_FORM and e["number"]:
            self.mark(s, 1, mix64(e["number"]))
        if flags & b.LOGIN_FORM and self.raised(s, r.FORMS):
            changed |= s["counts"][r.FORMS] >= self.limits.gates[r.SITE]
        if changed:
            self.show(s)

    def response(self, e: dict[str, Any]) -> None:
        if e["code"] not in (401, 403, 404):
            return
        s = self.get(e, r.SITE, self.client, self.server, e["src_port"])
        self.here(s)
        counter = r.MISSING if e["code"] == 404 else r.DENIED
        if self.raised(s, counter) and s["counts"][counter] >= self.limits.gates[r.SITE]:
            self.show(s)

    def certificate(self, e: dict[str, Any]) -> None:
        s = self.get(e, r.CERTIFIED, self.server, e["src_port"])
        first = not s["counts"][r.SEEN]
        self.raised(s, r.SEEN)
        if not self.mark(s, 0, mix64(e["digest"])):
            return
        self.here(s)
        if first:
            s |= {"answers": e["answers"], "text": e["rest"][: r.TEXT]}
        else:
            self.raised(s, r.OTHER_KEYS)
        self.show(s)

    def front(self, e: dict[str, Any]) -> None:
        leads = 300 <= e["code"] < 400
        if not (leads and e["name"]) and e["code"] < 500:
            return
        key = (r.LEADING, e["digest"]) if leads else (r.FAULTY, 0)
        s = self.get(e, key[0], self.server, e["src_port"], key[1])
        self.here(s)
        if leads:
            s["text"] = e["name"][: r.TEXT]
        if self.raised(s, r.SEEN) and s["counts"][r.SEEN] >= self.limits.gates[key[0]]:
            self.show(s)

    def outcome(self, e: dict[str, Any]) -> None:
        s = self.get(e, r.LOGON, self.client, self.server, e["type"])
        self.here(s)
        if not e["code"]:
            if self.raised(s, r.FAILURES) and s["counts"][r.FAILURES] >= self.limits.gates[r.LOGON]:
                self.show(s)
            return
        self.raised(s, r.SUCCESSES)
        if s["counts"][r.FAILURES] >= self.limits.failures:
            self.raised(s, r.LATE_SUCCESSES)
            self.show(s)

    def exposure(self, e: dict[str, Any], what: int) -> None:
        s = self.get(e, r.EXPOSED, self.client, self.server, what, e["type"])
        if not s["counts"][r.TIMES]:
            self.here(s)
            s["text"] = e["name"][: r.TEXT]
        if self.raised(s, r.TIMES):
            self.show(s)

    def personal(self, e: dict[str, Any]) -> None:
        s = self.get(e, r.PERSONAL, self.client, self.server)
        self.here(s)
        changed = self.raised(s, r.IDENTITIES, e["count"])
        changed |= self.raised(s, r.TELEPHONES, e["number"])
        if e["count"]:
            self.mark(s, 0, e["digest"])
            s["text"] = e["name"][: r.TEXT]
        if changed:
            self.show(s)

    def lease(self, e: dict[str, Any]) -> None:
        if e["type"] not in (1, 3) or not (e["answer_hi"] or e["answer_lo"]):
            return
        s = self.get(e, r.LEASING, e["digest"], e["domain"])
        self.here(s)
        s["text"] = s["text"] or e["name"][: r.TEXT]
        if self.mark(s, 0, mix64(e["answer_lo"] ^ mix64(e["answer_hi"]))):
            self.raised(s, r.ASKED_FOR)
            if s["counts"][r.ASKED_FOR] >= self.limits.gates[r.LEASING]:
                self.show(s)

    def account(self, e: dict[str, Any]) -> None:
        s = self.get(e, r.ACCOUNT, e["digest"], e["rest"])
        self.here(s)
        if not s["text"]:
            s["text"] = (e["name"] + e["rest"])[: r.TEXT]
        if e["kind"] == b.DATA_ACCESS:
            s["volume"] += e["number"]
            if self.raised(s, r.EXPORTS, e["number"]):
                self.show(s)
            return
        if not e["code"]:
            if self.raised(s, r.FAILURES) and s["counts"][r.FAILURES] >= self.limits.gates[r.ACCOUNT]:
                self.show(s)
            return
        changed = self.mark(s, 0, mix64(host_hash(self.client)))
        self.raised(s, r.SUCCESSES)
        if s["counts"][r.FAILURES] >= self.limits.failures:
            changed |= self.raised(s, r.LATE_SUCCESSES)
        hour = (e["time"] + int(self.limits.zone_ns)) // (3600 * 10**9) % 24
        if self.limits.night[0] <= hour < self.limits.night[1]:
            changed |= self.raised(s, r.AT_NIGHT)
        if changed:
            self.show(s)
