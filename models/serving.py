"""Models at work on one stream of flow reports: rows in, findings out, whatever the batches.

Closed flows of this partition's sources are scored as they come. What hosts did in a minute is scored once
the stream's promise has passed the minute and the time in which flows of it may still be closed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.addresses import to_text
from citywall.batches import END, TCP
from citywall.cards import DetectorCard
from citywall.domains import of_host
from citywall.findings import Endpoint, Evidence, Finding, Severity, derived_id
from citywall.i18n import tr
from citywall.state import Parts, array_of, bytes_of
from models.flows import features, hosts
from models.flows.model import FLOW, HOST, FlowModel
from models.judging.budget import probability

VERSION = 1
#: How long after a flow's last packet its end may be told; what is later is left out of its host's minute.
LATENESS_NS = 180_000_000_000
#: Flows of one minute that are kept; more are left out, and a host that has so many is no secret.
MOST = 250_000
#: Counters of what was said of sources; those that share one are taken for one.
_SAID = 1 << 16
_FIELDS = (*hosts.NEEDED, "flow_id", "frame", "offset", "src_port", "time")
_GB = {FLOW: ("attack", "网络攻击"), HOST: ("other", "异常行为")}


class Places(Protocol):
    """What hosts and flows are called."""

    def name(self, domain: int, address: str) -> str:
        """An entity's text."""

    def is_home(self, hi: int, lo: int) -> bool:
        """Whether an address is one of ours."""

    def report(self, row: Any) -> Evidence:
        """A flow as evidence."""


#: Whether each row's source belongs to this partition.
Mine = Callable[[NDArray[np.void]], NDArray[np.bool_]]


def held_dtype(flow: np.dtype[Any]) -> np.dtype[Any]:
    """What is kept of an END row until its minute is over."""
    return np.dtype([(name, flow[name]) for name in _FIELDS])


def cards() -> dict[str, DetectorCard]:
    """The cards of models that find things, by the detector they call themselves."""
    return {name: _card(kind) for kind in (FLOW, HOST) for name in (f"model_{kind}",)}


def _card(kind: str) -> DetectorCard:
    name, (gb_class, gb_subclass) = f"model_{kind}", _GB[kind]
    return DetectorCard(
        id=name, version=VERSION, title_en=tr(f"detector_{name}.title", "en"),
        title_zh=tr(f"detector_{name}.title", "zh"), attck=(), gb_class=gb_class, gb_subclass=gb_subclass,
        axis="attack",
    )  # fmt: skip


class ModelSet:
    """The models of a session. Rows come in event order."""

    def __init__(
        self, flow: FlowModel | None, host: FlowModel | None, places: Places, mine: Mine, dtype: np.dtype[Any]
    ) -> None:
        self._flow, self._host, self._places, self._mine = flow, host, places, mine
        self._dtype = held_dtype(dtype)
        self._ours = lru_cache(1 << 14)(places.is_home)
        self.reset()

    def reset(self) -> None:
        """Forget everything: another session begins."""
        self._said = np.zeros(_SAID, np.uint32)
        self._held: list[NDArray[np.void]] = []
        self._kept: dict[int, int] = {}  # flows by minute
        self._closed = -1  # the newest minute that was judged

    def process(self, reports: NDArray[np.void], session: str, lane: str) -> list[Finding]:
        """Findings of single flows among FLOW `reports`; host minutes are noted."""
        ends = reports[reports["kind"] == END]
        ends = ends[self._mine(ends)] if len(ends) else ends
        if not len(ends):
            return []
        if self._host is not None:
            self._hold(ends)
        return self._flows(ends, session, lane) if self._flow is not None else []

    def advance(self, frontier: int, session: str, lane: str) -> list[Finding]:
        """Findings of host minutes that nothing can be added to: no later row comes before `frontier`."""
        upto = (frontier - LATENESS_NS - 1) // hosts.WINDOW_NS - 1  # the last minute that is over
        if self._host is None or not self._kept or min(self._kept) > upto:
            return []
        held = self._joined()
        over = held["last"] // hosts.WINDOW_NS <= upto
        done, self._held = held[over], [held[~over]]
        self._kept = {m: n for m, n in self._kept.items() if m > upto}
        self._closed = max(self._closed, upto)
        return self._hosts(done, session, lane)

    def _hold(self, ends: NDArray[np.void]) -> None:
        """Keep what host minutes are counted up from, the first MOST of each minute."""
        minute = ends["last"] // hosts.WINDOW_NS
        timely = (ends["time"] - ends["last"] <= LATENESS_NS) & (minute > self._closed)
        keep = np.zeros(len(ends), bool)
        for m in np.unique(minute[timely]).tolist():
            at = np.flatnonzero(timely & (minute == m))
            room = MOST - self._kept.get(m, 0)
            keep[at[:room]] = True
            self._kept[m] = self._kept.get(m, 0) + min(len(at), room)
        some = ends[keep]
        rows = np.empty(len(some), self._dtype)
        for name in self._dtype.names or ():
            rows[name] = some[name]
        self._held.append(rows)

    def _joined(self) -> NDArray[np.void]:
        return np.concatenate(self._held) if self._held else np.empty(0, self._dtype)

    def _flows(self, ends: NDArray[np.void], session: str, lane: str) -> list[Finding]:
        assert self._flow is not None
        model, rows = self._flow, features.features(ends)
        score = model.score(rows)
        over = np.flatnonzero(score > model.threshold)
        speaking = [i for i in over.tolist() if self._meant(ends[i]) and self._speaks(ends[i])]
        if not speaking:
            return []
        why, likely = model.reasons(rows[speaking]), probability(score[speaking], *model.calibration)
        return [
            self._finding(
                FLOW, model, ends[i], session, lane, time=int(ends[i]["time"]), began=int(ends[i]["first"]),
                score=float(score[i]), confidence=float(p), reasons=reasons,
            )
            for i, p, reasons in zip(speaking, likely, why, strict=True)
        ]  # fmt: skip

    def _meant(self, row: Any) -> bool:
        """Whether a flow says something of its source.

        From outside, one that nobody answered, or that sent nothing over TCP, may be spoofed: floods and
        scans have detectors of their own.
        """
        real = int(row["src_payload"]) if int(row["proto"]) == TCP else int(row["dst_packets"])
        return real > 0 or self._ours(int(row["src_hi"]), int(row["src_lo"]))

    def _speaks(self, row: Any) -> bool:
        """Whether a source's flow is told: the first, the second, the fourth, and so on."""
        slot = (int(row["src_lo"]) ^ int(row["src_hi"]) * 31 ^ int(row["domain"]) * 131) % _SAID
        self._said[slot] += 1
        count = int(self._said[slot])
        return count & (count - 1) == 0

    def _hosts(self, flows: NDArray[np.void], session: str, lane: str) -> list[Finding]:
        assert self._host is not None
        # Held rows came in event order, but a host's first flow is to be the same however they came.
        flows = flows[np.lexsort((flows["flow_id"], flows["first"]))]
        found = hosts.host_windows(flows)
        score = self._host.score(found.rows)
        over = np.flatnonzero(score > self._host.threshold)
        why = self._host.reasons(found.rows[over]) if len(over) else []
        return [
            self._finding(
                HOST, self._host, flows[found.first[i]], session, lane, began=int(found.began[i]),
                time=int(found.began[i]) + hosts.WINDOW_NS + LATENESS_NS, score=float(score[i]),
                confidence=0.3, reasons=reasons,
            )
            for i, reasons in zip(over.tolist(), why, strict=True)
        ]  # fmt: skip

    def _finding(
        self, kind: str, model: FlowModel, row: Any, session: str, lane: str, *, time: int, began: int,
        score: float, confidence: float, reasons: list[tuple[str, float]],
    ) -> Finding:  # fmt: skip
        hi, lo = int(row["src_hi"]), int(row["src_lo"])
        source = Endpoint(to_text(hi, lo), of_host(int(row["domain"]), hi, lo))
        evidence = self._places.report(row)
        entity = self._places.name(source.domain, source.address)
        facts: dict[str, int | float | str] = {"model": model.id}
        facts |= {f"reason_{n}": f"{name} {share:.0%}" for n, (name, share) in enumerate(reasons, 1)}
        what = "flow_like_attack" if kind == FLOW else "strange_minute"
        return Finding(
            id=derived_id(lane, session, f"model_{kind}", model.id, what, entity, began, int(row["flow_id"])),
            detector=f"model_{kind}", version=VERSION, kind=what, session=session, lane=lane, time=time,
            began=began, severity=Severity.LOW, confidence=round(confidence, 6), score=round(score, 9),
            threshold=round(model.threshold, 9), entity=entity, source=source,
            target=evidence.target if kind == FLOW else None, facts=facts, evidence=(evidence,),
        )  # fmt: skip

    def snapshot(self) -> Parts:
        """What was said, and the minutes that are not over."""
        head = msgspec.msgpack.encode((self._kept, self._closed))
        return {"said": self._said, "held": self._joined(), "head": head}

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot; raises ValueError where it is none."""
        self._said = array_of(parts, "said", np.dtype(np.uint32)).copy()
        self._held = [array_of(parts, "held", self._dtype).copy()]
        try:
            self._kept, self._closed = msgspec.msgpack.decode(
                bytes_of(parts, "head"), type=tuple[dict[int, int], int]
            )
        except msgspec.DecodeError as e:
            raise ValueError(f"the models' checkpoint cannot be read: {e}") from e
