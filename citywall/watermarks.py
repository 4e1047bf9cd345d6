"""Event time of a source: a watermark that never goes back.

A watermark at T promises that no later record of the source will carry a time before T. Records that
break the promise are late: they are given the watermark's time and counted, never dropped.
"""

from __future__ import annotations

import msgspec

END_OF_TIME = (1 << 63) - 1
BEGINNING = -(1 << 63)
#: No finding is timed later: what detectors see after it counts as then.
FAR_FUTURE = 1 << 61


class Watermark(msgspec.Struct):
    """The running clock of one source. `lateness` (ns) is how far it trails the newest time seen."""

    lateness: int = 0
    newest: int = BEGINNING
    late: int = 0

    @property
    def time(self) -> int:
        """The promise as it stands."""
        if self.newest in (BEGINNING, END_OF_TIME):
            return self.newest
        return self.newest - self.lateness

    def see(self, time: int) -> int:
        """Take note of a record's time; returns the time it counts as."""
        if time < self.time:
            self.late += 1
            return self.time
        self.newest = max(self.newest, time)
        return time

    def close(self) -> None:
        """The source has ended: nothing more will come."""
        self.newest = END_OF_TIME


def join(watermarks: list[int]) -> int:
    """The watermark of several sources read together: the slowest of them."""
    return min(watermarks, default=BEGINNING)
