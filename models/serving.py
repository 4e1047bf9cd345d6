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
from models.flows.online import THIN, OnlineHosts
from models.judging.budget import probability

VERSION = 1
#: How long after a flow's last packet its end may be told; what is later is left out of its host's minute.
LATENESS_NS = 180_000_000_000
#: Flows of one minute that are kept; more are left out, and a host that has so many is no secret.
MOST = 250_000
#: Counters of what was said of sources; those that share one are taken for one.
_SAID = 1 << 16
_FIELDS = (*hosts.NEEDED, "flow_id", "frame", "offset", "src_port", "time")
ONLINE = "online"
_GB = {FLOW: ("attack", "网络攻击"), HOST: ("other", "异常行为"), ONLINE: ("other", "异常行为")}


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
#: Which of `online.SHARES` learners each row's source is dealt to.
Share = Callable[[NDArray[np.void]], NDArray[np.uint8]]


def held_dtype(flow: np.dtype[Any]) -> np.dtype[Any]:
    """What is kept of an END row until its minute is over."""
    return np.dtype([(name, flow[name]) for name in _FIELDS])


def cards() -> dict[str, DetectorCard]:
    """The cards of models that find things, by the detector they call themselves."""
    return {name: _card(kind) for kind in (FLOW, HOST, ONLINE) for name in (f"model_{kind}",)}


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
        self, flow: FlowModel | None, host: FlowModel | None, places: Places, mine: Mine,
        dtype: np.dtype[Any], *, share: Share | None = None,
    ) -> None:  # fmt: skip
        """`share` is given where host minutes are also judged by what learns from them."""
        self._flow, self._host, self._places, self._mine = flow, host, places, mine
        self._share = share
        self._dtype = held_dtype(dtype)
        self._ours = lru_cache(1 << 14)(places.is_home)
        self.reset()

    def reset(self) -> None:
        """Forget everything: another session begins."""
        self._said = np.zeros((2, _SAID), np.uint32)
        self._held: list[NDArray[np.void]] = []
        self._kept: dict[int, int] = {}  # flows by minute
        self._closed = -1  # the newest minute that was judged
        self._online = OnlineHosts()

    def process(self, reports: NDArray[np.void], session: str, lane: str) -> list[Finding]:
        """Findings of single flows among FLOW `reports`; host minutes are noted."""
        ends = reports[reports["kind"] == END]
        ends = ends[self._mine(ends)] if len(ends) else ends
        if not len(ends):
            return []
        if self._minutes:
            self._hold(ends)
        return self._flows(ends, session, lane) if self._flow is not None else []

    @property
    def _minutes(self) -> bool:
        """Whether anything judges host minutes."""
        return self._host is not None or self._share is not None

    def advance(self, frontier: int, session: str, lane: str) -> list[Finding]:
        """Findings of host minutes that nothing can be added to: no later row comes before `frontier`."""
        upto = (frontier - LATENESS_NS - 1) // hosts.WINDOW_NS - 1  # the last minute that is over
        if not self._kept or min(self._kept) > upto:
            return []
        held = self._joined()
        over = held["last"] // hosts.WINDOW_NS <= upto
        done, self._held = held[over], [held[~over]]
        self._kept = {m: n for m, n in self._kept.items() if m > upto}
        self._closed = max(self._closed, upto)
        # Held rows came in event order, but a host's first flow is to be the same however they came.
        done = done[np.lexsort((done["flow_id"], done["first"]))]
        found = hosts.host_windows(done)
        told = self._hosts(found, done, session, lane)
        return told + self._strange(found, done, session, lane)

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
                FLOW, model.id, ends[i], session, lane, time=int(ends[i]["time"]),
                began=int(ends[i]["first"]), score=float(score[i]), confidence=float(p),
                threshold=model.threshold, reasons=reasons,
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

    def _speaks(self, row: Any, what: int = 0) -> bool:
        """Whether a source's flow (0) or minute (1) is told: the first, the second, the fourth, and so on."""
        slot = (int(row["src_lo"]) ^ int(row["src_hi"]) * 31 ^ int(row["domain"]) * 131) % _SAID
        self._said[what, slot] += 1
        count = int(self._said[what, slot])
        return count & (count - 1) == 0

    def _hosts(self, found: hosts.Hosts, flows: NDArray[np.void], session: str, lane: str) -> list[Finding]:
        """What the trained model says."""
        if (model := self._host) is None:
            return []
        score = model.score(found.rows)
        over = np.flatnonzero(score > model.threshold)
        why = model.reasons(found.rows[over]) if len(over) else []
        return [
            self._minute(
                HOST,
                model.id,
                flows[found.first[i]],
                int(found.began[i]),
                session=session,
                lane=lane,
                score=float(score[i]),
                threshold=model.threshold,
                reasons=w,
            )
            for i, w in zip(over.tolist(), why, strict=True)
        ]

    def _strange(self, found: hosts.Hosts, flows: NDArray[np.void], session: str, lane: str) -> list[Finding]:
        """What the model says that learns as it goes; of a host the first, the second, the fourth minute."""
        if self._share is None:
            return []
        judged, why = self._online.judge(found, self._share(flows[found.first]))
        told = zip(np.flatnonzero(judged.told).tolist(), why, strict=True)
        return [
            self._minute(
                ONLINE,
                ONLINE,
                flows[found.first[i]],
                int(found.began[i]),
                session=session,
                lane=lane,
                score=float(judged.score[i]),
                threshold=THIN,
                reasons=w,
            )
            for i, w in told
            if self._speaks(flows[found.first[i]], 1)
        ]

    def _minute(
        self, kind: str, name: str, row: Any, began: int, *, session: str, lane: str,
        score: float, threshold: float, reasons: list[tuple[str, float]],
    ) -> Finding:  # fmt: skip
        return self._finding(
            kind, name, row, session, lane, began=began, confidence=0.3, score=score,
            time=began + hosts.WINDOW_NS + LATENESS_NS, threshold=threshold, reasons=reasons,
        )  # fmt: skip

    def _finding(
        self, kind: str, name: str, row: Any, session: str, lane: str, *, time: int, began: int,
        score: float, confidence: float, threshold: float, reasons: list[tuple[str, float]],
    ) -> Finding:  # fmt: skip
        hi, lo = int(row["src_hi"]), int(row["src_lo"])
        source = Endpoint(to_text(hi, lo), of_host(int(row["domain"]), hi, lo))
        evidence = self._places.report(row)
        entity = self._places.name(source.domain, source.address)
        facts: dict[str, int | float | str] = {"model": name}
        facts |= {f"reason_{n}": f"{what} {share:.0%}" for n, (what, share) in enumerate(reasons, 1)}
        what = "flow_like_attack" if kind == FLOW else "strange_minute"
        return Finding(
            id=derived_id(lane, session, f"model_{kind}", name, what, entity, began, int(row["flow_id"])),
            detector=f"model_{kind}", version=VERSION, kind=what, session=session, lane=lane, time=time,
            began=began, severity=Severity.INFORMATIONAL if kind == ONLINE else Severity.LOW,
            confidence=round(confidence, 6), score=round(score, 9),
            threshold=round(threshold, 9), entity=entity, source=source,
            target=evidence.target if kind == FLOW else None, facts=facts, evidence=(evidence,),
        )  # fmt: skip

    def snapshot(self) -> Parts:
        """What was said, and the minutes that are not over."""
        head = msgspec.msgpack.encode((self._kept, self._closed))
        parts: Parts = {"said": self._said, "held": self._joined(), "head": head}
        return parts | {f"online/{name}": part for name, part in self._online.snapshot().items()}

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot; raises ValueError where it is none."""
        self._said = array_of(parts, "said", np.dtype(np.uint32)).copy()
        if self._said.shape != (2, _SAID):
            raise ValueError("the models' checkpoint is of another shape")
        self._held = [array_of(parts, "held", self._dtype).copy()]
        try:
            self._kept, self._closed = msgspec.msgpack.decode(
                bytes_of(parts, "head"), type=tuple[dict[int, int], int]
            )
        except msgspec.DecodeError as e:
            raise ValueError(f"the models' checkpoint cannot be read: {e}") from e
        self._online.restore(
            {n.removeprefix("online/"): p for n, p in parts.items() if n.startswith("online/")}
        )
