"""The kernel of what is held told slowly: dictionaries and sets of connections, no limits of memory.

Nothing is ever given up here, so it equals the kernel as long as the kernel's table is not full.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from detector_oracle import Record, clamp, is_many, leading, mix64

from citywall.addresses import is_private
from detectors.features import kernels as f
from detectors.holding import records as r
from detectors.holding.kernels import Holds

SYN, ACK = 2, 16


class Oracle:
    """Takes rows like `detectors.holding.tables.Holding`; gives (row, fields) for every copy."""

    def __init__(self, holds: Holds) -> None:
        self.holds = holds
        self.clock = f.FAR_PAST
        self.held: dict[Any, Record] = {}

    def observe_flows(self, reports: np.ndarray) -> list[tuple[int, dict[str, Any]]]:
        self.out: list[tuple[int, dict[str, Any]]] = []
        for self.n, raw in enumerate(reports):
            row = {name: int(raw[name]) for name in reports.dtype.names}
            self.clock = max(self.clock, min(row["time"], f.FAR_FUTURE))
            src, dst = (row["src_hi"], row["src_lo"]), (row["dst_hi"], row["dst_lo"])
            row["a"] = (row["domain"] if is_private(*src) else 0, *src)
            row["b"] = (row["domain"] if is_private(*dst) else 0, *dst)
            first, ports = row["first_flags"], (row["src_port"], row["dst_port"])
            served = ports[0] < 1024 or ports[1] >= 32768
            turned = first & (SYN | ACK) != SYN and first != 0 and ports[0] < ports[1] and served
            silent = row["report"] and not row["src_packets_delta"] and not row["dst_packets_delta"]
            if row["proto"] == 6 and not silent and not is_many(*dst) and not turned:
                self.take(row)
        return self.out

    def take(self, row: dict[str, Any]) -> None:
        kind, port = int(self.holds.ports[row["dst_port"]]), row["dst_port"]
        if kind & r.WATCHED and self.meagre(row):
            for level, a in ((r.LINES, row["a"]), (r.SERVICE, None)):
                self.line(level, a, row)
        if not row["dst_payload"]:
            return
        if kind & r.TICKETS:
            self.get(r.DIRECTORY, row["b"], row, 0)
        elif (
            port >= 1024
            and row["src_head"] >> 48 == 0x0500
            and (r.DIRECTORY, row["b"], row["b"], 0) in self.held
        ):
            self.answer(row)

    def meagre(self, row: dict[str, Any]) -> bool:
        lasted = max(clamp(row["last"]) - clamp(row["first"]), 0)
        made = row["first_flags"] & (SYN | ACK) == SYN and row["dst_flags"] & SYN
        carried = min(row["src_payload"], 1 << 40) + min(row["dst_payload"], 1 << 40)
        few = self.holds.few + lasted // 10**9 * self.holds.rate
        return bool(made and lasted >= self.holds.age and carried <= few)

    def get(self, level: int, a: Any, row: dict[str, Any], port: int) -> Record:
        b = row["b"]
        key = (level, a, b, port)
        if key not in self.held:
            first = {"level": level, "port": port, "known": self.clock, "window": -f.FAR_FUTURE}
            first |= {"dst_domain": b[0], "dst_hi": b[1], "dst_lo": b[2], "lines": set(), "mute": set()}
            if level in (r.LINES, r.CALLER):
                first |= {"src_domain": a[0], "src_hi": a[1], "src_lo": a[2]}
            self.held[key] = Record(first)
        self.held[key]["last"] = self.clock
        return self.held[key]

    def kept(self, row: dict[str, Any]) -> dict[str, int]:
        names = ("flow_id", "frame", "offset", "src_hi", "src_lo", "dst_hi", "dst_lo", "domain", "src_port",
                 "dst_port", "proto")  # fmt: skip
        return {f"first_{n}": row[n] for n in names} | {"first_time": row["first"]}

    def show(self, record: Record) -> None:
        self.out.append((self.n, {k: sorted(v) if isinstance(v, set) else v for k, v in record.items()}))

    def line(self, level: int, a: Any, row: dict[str, Any]) -> None:
        held = self.get(level, a, row, row["dst_port"])
        if self.clock - held["window"] > self.holds.window:
            held.update(window=self.clock, lines=set(), mute=set(), **self.kept(row))
        bit = mix64(row["flow_id"]) % (64 * r.MARKS)
        mute = bool(row["src_payload"]) and not row["dst_payload"] and bit not in held["mute"]
        fresh = bit not in held["lines"] or mute
        held["lines"].add(bit)
        if mute:
            held["mute"].add(bit)
        counts = [len(held["lines"]), len(held["mute"])]
        if (
            fresh
            and counts[0] >= self.holds.gate
            and any(leading(n) != leading(max(n - 1, 0)) for n in counts)
        ):
            self.show(held)

    def answer(self, row: dict[str, Any]) -> None:
        held, directory = self.get(r.CALLER, row["a"], row, 0), self.held[r.DIRECTORY, row["b"], row["b"], 0]
        if self.clock - held["window"] > self.holds.call_window:
            held["most"] = max(held["most"], held["bytes"])
            directory["most"] = max(directory["most"], held["bytes"])
            held.update(window=self.clock, bytes=0, **self.kept(row))
        before = held["bytes"]
        held["bytes"] += min(row["dst_bytes_delta"], 1 << 40)
        if held["bytes"] >= self.holds.call_bytes and leading(held["bytes"]) != leading(before):
            held.update(usual=directory["most"], known=directory["known"])
            self.show(held)
