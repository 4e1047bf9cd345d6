"""`tag`: what comes of a session or a host after an alert, told as more evidence of it.

The packets themselves are where all are: in the capture, or among those kept of an interface. A finding says
which they are, by the first and the last of them and their count, so that they are among what is cut out for
its alert.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.addresses import to_text
from citywall.batches import PROTOCOL_NAMES, SCTP, TCP, UDP
from citywall.findings import Endpoint, Evidence, Finding, derived_id
from rules.language.model import Tag
from rules.match.scene import Scene

Numbers = NDArray[np.int64]
Words = tuple[int, int]
#: Tags that are followed at once; the oldest is told and let go for another.
MOST = 256
#: Packets that are followed where a rule gives no number, and at most (as Suricata has it).
PACKETS = 256
_SECOND = 1_000_000_000


@dataclass
class _Live:
    finding: Finding
    tag: Tag
    flow: int  # number, -1 where a host is followed
    host: Words
    until: int  # ns; 0: no end in time
    packets: int = 0
    bytes: int = 0
    ends: list[Evidence] = field(default_factory=list)  # the first and the last


class Tags:
    """Those of one session of traffic. What is found is the same however packets are cut into pieces."""

    def __init__(self) -> None:
        self._live: dict[tuple[object, ...], _Live] = {}
        self._at = 0  # the frame up to which packets were looked at

    def begin(self, tag: Tag, finding: Finding, scene: Scene, row: int) -> list[Finding]:
        """Follow what an alert is about from here on; gives what is told of one that has to make room."""
        flow = int(scene.flow[row])
        number = int(scene.numbers[flow]) if tag.who == "session" and flow >= 0 else -1
        if tag.who == "session" and number < 0:
            return []
        high, low, _ = scene.target if tag.direction == "dst" else scene.source
        host = (int(high[row]), int(low[row]))
        key = (finding.detector, number) if number >= 0 else (finding.detector, host)
        if key in self._live:
            return []
        told = self._tell(next(iter(self._live)), finding.time) if len(self._live) >= MOST else []
        until = finding.evidence[0].time + tag.count * _SECOND if tag.metric == "seconds" else 0
        self._live[key] = _Live(finding, tag, number, host, until)
        return told

    def follow(self, scene: Scene, times: Numbers, upto: int) -> list[Finding]:
        """Look at the packets of a piece up to a frame; `times`: the clock before the first and with each."""
        frames = scene.frames[scene.carried :]
        first, last = (int(np.searchsorted(frames, frame, "right")) for frame in (self._at, upto))
        self._at = max(self._at, upto)
        times, begin = times[first : last + 1], scene.carried + first
        found: list[Finding] = []
        for key, live in list(self._live.items()) if last > first else ():
            over, rows = self._most(live, scene, self._rows(live, scene, slice(begin, scene.carried + last)))
            end = times[-1]
            if live.until and times[-1] > live.until:
                end, over = times[np.searchsorted(times, live.until, "right")], True
            elif over and len(rows):
                end = times[rows[-1] - begin + 1]
            for row in rows[[0, -1]].tolist() if len(rows) else ():
                source = live.finding.source
                evidence = evidence_of(scene, row, source.domain if source is not None else 0)
                live.ends = [*live.ends[:1], evidence]
            live.packets += len(rows)
            live.bytes += int(scene.packets["wire"][rows].sum())
            if over:
                found += self._tell(key, int(end))
        return found

    def end(self, now: int) -> list[Finding]:
        """There are no more packets."""
        return [finding for key in list(self._live) for finding in self._tell(key, now)]

    @staticmethod
    def _rows(live: _Live, scene: Scene, fresh: slice) -> Numbers:
        """Packets that are of what is followed."""
        if live.flow >= 0:
            at = np.flatnonzero(scene.numbers == live.flow)
            there = scene.flow[fresh] == (at[0] if len(at) else -2)
        else:
            there = np.zeros(fresh.stop - fresh.start, np.bool_)
            for high, low, _ in (scene.source, scene.target):
                there |= (high[fresh] == live.host[0]) & (low[fresh] == live.host[1])
        if live.until:
            there = there & (scene.packets["time"][fresh] <= live.until)
        rows: Numbers = np.flatnonzero(there) + fresh.start
        return rows

    @staticmethod
    def _most(live: _Live, scene: Scene, rows: Numbers) -> tuple[bool, Numbers]:
        """Whether that is all, and as many of the packets as may still be followed."""
        most = live.tag.count if live.tag.metric == "packets" else PACKETS
        left = min(most, PACKETS) - live.packets
        if live.tag.metric == "bytes":
            size = np.cumsum(scene.packets["wire"][rows].astype(np.int64)) + live.bytes
            left = min(left, int(np.searchsorted(size, live.tag.count)) + 1)
        return len(rows) >= left, rows[:left]

    def _tell(self, key: tuple[object, ...], now: int) -> list[Finding]:
        live = self._live.pop(key)
        if not live.packets:
            return []
        about, first, last = live.finding, live.ends[0], live.ends[-1]
        facts = about.facts | {"tagged_packets": live.packets, "tagged_bytes": live.bytes}
        evidence = (first,) if first == last else (first, last)
        name = derived_id(about.session, about.id, "tag")
        return [
            msgspec.structs.replace(
                about, id=name, time=max(now, about.time), began=first.time, facts=facts, evidence=evidence
            )
        ]


def evidence_of(scene: Scene, row: int, domain: int) -> Evidence:
    """A packet of a scene as evidence; `domain` is its network domain."""
    proto = int(scene.packets["proto"][row])
    ends = [
        Endpoint(
            to_text(int(high[row]), int(low[row])),
            domain,
            int(port[row]) if proto in {TCP, UDP, SCTP} else None,
        )
        for high, low, port in (scene.source, scene.target)
    ]
    return Evidence(
        "packet", ends[0], ends[1], PROTOCOL_NAMES.get(proto, str(proto)), int(scene.packets["time"][row]),
        offset=scene.place(row), frame=int(scene.frames[row]),
    )  # fmt: skip
