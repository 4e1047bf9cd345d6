"""The oracle of the fragment kernel: a dictionary of hosts, nothing given up."""

from __future__ import annotations

from typing import Any

from citywall.batches import DATAGRAM_ABANDONED, FRAGMENT_OVERLAP, FRAGMENT_TINY, FRAGMENT_TOO_LARGE

COUNTED = {
    FRAGMENT_OVERLAP: "overlaps", FRAGMENT_TINY: "tiny", FRAGMENT_TOO_LARGE: "oversized",
    DATAGRAM_ABANDONED: "abandoned",
}  # fmt: skip
FIRST = ("time", "offset", "frame", "src_hi", "src_lo")


class Oracle:
    def __init__(self, window: int) -> None:
        self.window = window
        self.hosts: dict[tuple[int, ...], dict[str, Any]] = {}
        self.clock = -(1 << 61)

    def observe_events(self, events: Any) -> list[tuple[int, dict[str, Any]]]:
        """(row, the record as of it) of every fragment."""
        told = []
        for n, row in enumerate(events):
            self.clock = max(self.clock, min(int(row["time"]), 1 << 61))
            kind = COUNTED.get(int(row["kind"]))
            if kind is None:
                continue
            key = tuple(int(row[name]) for name in ("dst_hi", "dst_lo", "domain"))
            record = self.hosts.get(key)
            if record is None or self.clock - record["began"] > self.window:
                record = self.hosts[key] = {
                    "hi": key[0], "lo": key[1], "domain": key[2], "began": self.clock, "several": 0,
                    **dict.fromkeys(COUNTED.values(), 0), **{f"first_{n}": int(row[n]) for n in FIRST},
                    "first_time": self.clock,
                }  # fmt: skip
            elif (record["src_hi"], record["src_lo"]) != (int(row["src_hi"]), int(row["src_lo"])):
                record["several"] = 1
            record |= {"last": self.clock, "src_hi": int(row["src_hi"]), "src_lo": int(row["src_lo"])}
            record[kind] += 1
            told.append((n, dict(record)))
        return told
