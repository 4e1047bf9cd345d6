"""A directory copied by who is no controller of it: DCSync, also where its calls are sealed.

Controllers replicate the directory, with every password's hash in it, by procedures (MS-DRSR) that any host
with the rights may call. The calls are encrypted, but a bind names its interface in clear, so does a
question to the mapper, and each call its number: 16 asks for controllers, 12 translates a name, 3 copies.
Tools call these in this order on one connection; where the bind was not seen, all three on one sealed
connection are told by that. Servers that keep another directory alike with this one only copy, and so do
controllers that nobody has seen give a ticket: without a question before it a copy is a remark. Where calls
themselves are not seen (flow logs), what is left is an answer many times larger than the server ever gave.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.findings import Severity
from detectors.base import Draft, plain
from detectors.holding.records import CALLER
from detectors.holding.tables import Held
from detectors.identities import records
from detectors.identities.detector import IdentityDetector
from detectors.places import distinct
from detectors.relations.detector import seconds
from detectors.sightings.detector import SECOND, Note, count
from detectors.sightings.tables import Told


class DirectoryCopyParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[detectors.dcsync]`."""

    window_s: Annotated[
        int, count("s", "Within this bind, question to the mapper and calls belong.", 30, 86400)
    ] = 900
    megabytes: Annotated[
        int, count("MB", "Answers to calls of a directory server that are large.", 1, 1 << 20)
    ] = 2
    times: Annotated[int, count("times", "As many times what the server ever answered anybody.", 2, 1000)] = 8
    learn_s: Annotated[int, count("s", "How long a server's answers are learnt.", 60, 1 << 22)] = 3600


class DirectoryCopy(IdentityDetector):
    """Replication of a directory to a host that is no controller."""

    id: ClassVar[str] = "dcsync"
    version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("replication", "large_answers")
    attck: ClassVar[tuple[tuple[str, str, str, str], ...]] = (
        ("T1003.006", "DCSync", "TA0006", "Credential Access"),
    )
    gb_class: ClassVar[str] = "attack"
    gb_subclass: ClassVar[str] = "内网渗透"
    axis: ClassVar[str] = "leak"
    kernels: ClassVar[tuple[str, ...]] = (
        "detectors.identities.kernels.observe", "detectors.holding.kernels.observe_flows",
    )  # fmt: skip
    Parameters: ClassVar[type[msgspec.Struct]] = DirectoryCopyParameters

    parameters: DirectoryCopyParameters

    def judge_identities(self, told: Told, events: NDArray[np.void]) -> list[Draft]:
        """A predicate over connections for procedures."""
        subjects, n = told.subjects, told.counts
        flags = subjects["flags"]
        calls = (subjects["kind"] == records.CALLS) & (flags & records.CONTROLLER_CALLS == 0)
        calls &= n[:, records.COPIED] > 0
        named = flags & (records.BOUND | records.BY_MAPPER) != 0
        asked, placed = n[:, records.NAMED] > 0, n[:, records.PLACED] > 0
        drafts: list[Draft] = []
        for i in np.flatnonzero(calls & (named | (asked & placed))).tolist():
            subject, row, copied = subjects[i], events[told.rows[i]], int(n[i, records.COPIED])
            seen = int(flags[i])
            by = "bind" if seen & records.BOUND else "mapper" if seen & records.BY_MAPPER else "calls"
            note = Note(
                "replication",
                Severity.HIGH if asked[i] or placed[i] else Severity.INFORMATIONAL, copied, 1, 1,
                {"known_by": by, "names_translated": int(n[i, records.NAMED]),
                 "controllers_asked_for": int(n[i, records.PLACED]), "window_s": self.parameters.window_s},
                confidence=0.85 if by != "calls" else 0.7,
            )  # fmt: skip
            ends = self.client(subject), self.server(subject, int(subject["port"]))
            drafts += self.draft(note, subject, row, self.between(ends[0], self.server(subject)), ends)
        return drafts

    def judge_held(self, held: Held, reports: NDArray[np.void]) -> list[Draft]:
        """A predicate over what directory servers answer to calls."""
        p, callers = self.parameters, held.held
        usual = np.maximum(callers["usual"], callers["most"])
        hits = (callers["level"] == CALLER) & (
            callers["bytes"] >= np.maximum(p.megabytes * 1_000_000, p.times * usual)
        )
        hits &= callers["last"] - callers["known"] >= p.learn_s * SECOND
        which = np.flatnonzero(hits)
        return [
            self._answers(record, row)
            for record, row in zip(plain(callers, which), plain(reports, held.rows[which]), strict=True)
        ]

    def _answers(self, record: Any, row: Any) -> Draft:
        p, size = self.parameters, int(record["bytes"])
        source, target = self.client(record), self.server(record)
        usual = max(int(record["usual"]), int(record["most"]))
        threshold = max(p.megabytes * 1_000_000, p.times * usual)
        return Draft(
            kind="large_answers", about="", entity=self.between(source, target),
            time=int(row["time"]), began=int(record["window"]),
            severity=Severity.MEDIUM, confidence=0.4, score=float(size), threshold=float(threshold),
            source=source, target=target,
            facts={
                "observed": size, "usual": usual, "threshold": threshold,
                "seconds": seconds(record["window"], row["time"]), "window_s": p.window_s,
                "target_port": int(row["dst_port"]), "protocol": "tcp",
            },
            evidence=distinct([self.places.first(record), self.places.report(row)]),
        )  # fmt: skip
