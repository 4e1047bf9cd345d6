"""Weeks of benign days, and what goes wrong in them: what only shows to who knows the weeks before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citywall.batches import FLOW, TCP, UDP
from drills.traffic.day import BACKUP, DESKS, FILES, SERVERS, Day
from drills.traffic.rows import SECOND, Flows, address

_HOUR, _DAY = 3600 * SECOND, 86_400 * SECOND
_GOLDEN = 0x9E3779B97F4A7C15
_UPLOADER, _MISSED, _SHRUNKEN = DESKS + 10, SERVERS + 110, SERVERS + 111
#: A VLAN of cameras that report to a recorder, each every minute.
CAMERAS = 88
_CAMERA, _RECORDER = address("10.88.0.10"), address("10.88.0.2")


@dataclass(frozen=True)
class Wrong:
    """What goes wrong: who is to tell it, of whom, and `day` and hour at which it begins."""

    id: str
    detector: str
    kind: str
    entity: str
    day: int
    hour: int


#: In the twelfth day's course, and the last of them two days later, since it spoils everything.
WRONGS = (
    Wrong("upload by night", "volume", "sent", "10.50.0.10", 12, 20),
    Wrong("backup missed", "jobs", "missed", "10.60.0.110>10.60.0.200:10000", 12, 1),
    Wrong("backup shrunken", "jobs", "shrunken", "10.60.0.111>10.60.0.200:10000", 12, 1),
    Wrong("VLAN silent", "sensors", "silent", "vlan 88", 12, 6),
    Wrong("sensor that loses", "sensors", "lossy", "default", 14, 6),
)
DAYS = 16


@dataclass(frozen=True)
class Weeks:
    """So many days of so many hosts, from a midnight on; `level` 0 to 2: how bad things get, None: not."""

    hosts: int
    seed: int
    begun: int
    days: int = DAYS

    def hours(self, level: int | None) -> Iterator[NDArray[np.void]]:
        """The reports of hour after hour, in order; what a flow reports later is held until then."""
        later = np.zeros(0, FLOW)
        for number in range(24 * self.days):
            rows = self._hour(number, level).rows()
            rows["flow_id"] += np.uint64((number << 40) * _GOLDEN & (1 << 64) - 1)  # apart from other hours'
            rows = np.concatenate([later, rows])
            rows = rows[np.lexsort((rows["report"], rows["flow_id"], rows["time"]))]
            cut = int(np.searchsorted(rows["time"], self.begun + (number + 1) * _HOUR))
            yield rows[:cut]
            later = rows[cut:].copy()

    def began(self, wrong: Wrong) -> int:
        """When something goes wrong."""
        return self.begun + wrong.day * _DAY + wrong.hour * _HOUR

    def _hour(self, number: int, level: int | None) -> Flows:
        day, hour = divmod(number, 24)
        flows = Day(self.hosts, self.seed + day, self.begun + day * _DAY).hour(hour)
        on = {w.kind: level is not None and (day, hour) >= (w.day, w.hour) for w in WRONGS}
        since = number - 24 * WRONGS[3].day - WRONGS[3].hour
        if not on["silent"] or since >= (8, 24, 1 << 20)[level or 0]:
            at = np.arange(0, 3600, 12.0)
            flows.add(at, _CAMERA + np.arange(len(at)) % 5, _RECORDER, 554, UDP, packets=(40, 1),
                      payload=(30_000, 60), domain=CAMERAS)  # fmt: skip
        if level is not None and (day, hour) == (WRONGS[0].day, WRONGS[0].hour):
            size = (2e9, 6e9, 3e10)[level]
            flows.add([600.0], _UPLOADER, FILES, 445, form="open", lasts=900,
                      packets=(size / 1300, size / 4000), payload=(size, 2e5))  # fmt: skip
        if level is not None:
            flows.parts = [_spoilt(part, on, (day, hour), level) for part in flows.parts]
        return flows


def _spoilt(part: NDArray[np.void], on: dict[str, bool], at: tuple[int, int], level: int) -> NDArray[np.void]:
    """Flows of an hour without the backup that is missed, with the one that shrank, seen by halves."""
    low = part["src_lo"] & np.uint64(0xFFFFFFFF)
    backup = (part["dst_lo"] & np.uint64(0xFFFFFFFF) == BACKUP) & (part["dst_port"] == 10_000)
    if on["shrunken"]:
        small = backup & (low == _SHRUNKEN)
        part["src_payload"][small] = part["src_payload"][small] * (0.15, 0.05, 0.005)[level]
        part["src_packets"][small] = part["src_payload"][small] // 1300 + 2
    if on["missed"] and at[0] - WRONGS[1].day < (1, 2, 1 << 20)[level]:
        part = part[~(backup & (low == _MISSED))]
    if on["lossy"]:
        half = part["proto"] == TCP
        half &= np.random.default_rng((level, *at, len(part))).random(len(part)) < (0.4, 0.6, 0.9)[level]
        for name in ("dst_packets", "dst_payload", "dst_flags"):
            part[name][half] = 0
    return part
