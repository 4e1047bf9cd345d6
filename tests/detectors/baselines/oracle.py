"""The kernel of what is usual told slowly: dictionaries, Python integers, whole histories instead of rings.

Nothing is ever given up here, so it equals the kernel as long as the kernel's tables are not full.
"""

from __future__ import annotations

import math
import statistics
from itertools import pairwise
from typing import Any

import numpy as np
from detector_oracle import M64, MIX, Record, clamp, host_hash, is_many, leading, mix64

from citywall.addresses import is_private
from detectors.baselines import kernels as k
from detectors.baselines import records as r
from detectors.features import kernels as f

OUT = ("probers", "aims", "services", "hosts", "jobs", "segments")
NOBODY = ((0, 0), (0, 0xFFFF << 32))
ENDS = ("src_hi", "src_lo", "dst_hi", "dst_lo", "domain", "src_port", "dst_port", "proto")
FIRST = {**{f"first_{n}": n for n in ("flow_id", "frame", "offset", *ENDS)}, "first_time": "first"}


def rank(registers: list[int], h: int) -> bool:
    at, above = h % len(registers), h >> 12
    zeros = 64 - (above << 12).bit_length()
    n = zeros + 1 if above else 53
    rose = n > registers[at]
    registers[at] = max(n, registers[at])
    return rose


def salted(a: int, b: int, x: int) -> int:
    """Twin of citywall.kernels.hash_address."""
    h = (a ^ MIX[0]) * MIX[1] & M64
    h = (h ^ h >> 32 ^ b) * MIX[2] & M64
    h = (h ^ h >> 32 ^ x) * MIX[1] & M64
    return h ^ h >> 29


def decayed(mean: int, value: int, shift: int, steps: int) -> int:
    mean += (value - mean) >> shift
    for _ in range(min(steps - 1, 1 << shift + 4)):
        mean -= max(mean >> shift, 1) if mean > 0 else 0
    return max(mean, 0)


def octaves(volume: int) -> int:
    if volume < k.UNIT:
        return 0
    whole = (volume // k.UNIT).bit_length() - 1
    return min(255, 8 * whole + (volume // (k.UNIT // 8) >> whole) % 8 + 1)


def least_of(eighths: int) -> int:
    """The least volume with this number of eighths."""
    if eighths <= 0:
        return 0
    whole, rest = divmod(min(eighths, 400) - 1, 8)
    return k.UNIT // 8 * (8 + rest) << whole


def whole_days(pause: int) -> bool:
    """Whether a pause is one day or more, give or take two hours."""
    days = max(round(pause / k.DAY), 1)
    return any(abs(pause - d * k.DAY) <= 2 * k.HOUR for d in (days, days + 1))


class Oracle:
    """Takes rows like `detectors.baselines.tables.Baselines`; gives (row, fields) for every copy."""

    def __init__(self, norms: k.Norms) -> None:
        self.norms = norms
        self.clock = self.now = f.FAR_PAST
        self.swept = f.FAR_PAST
        self.tables: dict[str, dict[Any, Record]] = {name: {} for name in OUT}

    def get(self, name: str, key: Any, **first: Any) -> tuple[Record, bool]:
        table = self.tables[name]
        if key in table:
            return table[key], False
        table[key] = Record(first)
        return table[key], True

    def show(self, name: str, record: Record, **more: Any) -> None:
        told = {n: list(v) if isinstance(v, list) else v for n, v in record.items()} | more
        self.out[name].append((self.n, told))

    def net(self, hi: int, lo: int) -> tuple[int, int]:
        if hi == 0:
            keep = 32 - self.norms.prefix_v4
            return 0, lo >> keep << keep
        keep = 64 - self.norms.prefix_v6
        return hi >> keep << keep, 0

    def observe_flows(self, reports: np.ndarray) -> dict[str, list[tuple[int, dict[str, Any]]]]:
        self.out: dict[str, Any] = {name: [] for name in OUT}
        for self.n, raw in enumerate(reports):
            row = {name: int(raw[name]) for name in reports.dtype.names}
            self.clock = max(self.clock, clamp(row["time"]))
            row["src"], row["dst"] = (row["src_hi"], row["src_lo"]), (row["dst_hi"], row["dst_lo"])
            row["a"] = (row["domain"] if is_private(*row["src"]) else 0, *row["src"])
            row["b"] = (row["domain"] if is_private(*row["dst"]) else 0, *row["dst"])
            if mix64(row["flow_id"]) % k.SAMPLE == 0:
                self.now = max(self.now, clamp(row["time"]))
                if self.now // k.TICK > self.swept:
                    self.swept = self.now // k.TICK
                    self.sweep()
                self.segment(row)
            if row["kind"] == f.END:
                self.ended(row)
            self.rate(row)
            self.bulk(row)
        return self.out

    # --- failing contacts ---

    def fate(self, row: dict[str, Any]) -> int:
        proto = row["proto"]
        if is_many(*row["dst"]) or row["src"] in NOBODY:
            return k.NOTHING
        failed = k.NOTHING if row["sampling"] > 1 else k.FAILED
        answered = k.ANSWERED if row["dst_packets"] else failed
        if proto == f.UDP:
            asks = row["src_port"] >= 1024 and 0 < row["dst_port"] < 1024
            return answered if asks else k.NOTHING
        if proto != f.TCP:
            return answered if (proto, row["icmp_type"]) in ((f.ICMP, 8), (f.ICMPV6, 128)) else k.NOTHING
        if row["src_port"] == row["dst_port"] == 0:
            return k.NOTHING
        src, dst, flags = row["src_flags"], row["dst_flags"], row["first_flags"]
        if row["reason"] == f.END_LOGGED and not flags:
            flags = src & f.SYN
        if flags & (f.SYN | f.ACK | f.RST | f.FIN) != f.SYN:
            return k.NOTHING
        if dst & f.SYN or row["dst_payload"] or (src & f.ACK and row["src_packets"] > 1):
            return k.ANSWERED
        return failed if not dst or dst & f.RST else k.NOTHING

    def ended(self, row: dict[str, Any]) -> None:
        outcome = self.fate(row)
        if outcome == k.NOTHING:
            return
        self.probe(row, outcome == k.FAILED)
        if outcome == k.FAILED and row["proto"] in (f.TCP, f.UDP):
            port, time = row["dst_port"], row["proto"] << 16 | row["dst_port"]
            self.aim(row, ("host", row["b"]), row["dst"], mix64(time), {})
            net = self.net(*row["dst"])
            more = {"port": port, "prefix": self.norms.prefix_v6 if row["dst_hi"] else self.norms.prefix_v4}
            self.aim(row, (row["b"][0], net, row["proto"], port), net, host_hash(row["b"]), more)

    def probe(self, row: dict[str, Any], failed: bool) -> None:
        known = row["a"] in self.tables["probers"]
        if not known and not failed:
            return
        prober, _ = self.get(
            "probers", row["a"], hi=row["src_hi"], lo=row["src_lo"], domain=row["a"][0], window=-f.FAR_FUTURE
        )
        if self.clock - prober["window"] > self.norms.scan_window:
            if not failed:
                return
            prober.update(failures=0, answers=0, spread_hi=0, spread_lo=0, window=self.clock)
            prober.update({n: [0] * r.RANKS for n in ("failing", "answering", "ports", "nets")})
            prober.update(base_hi=row["dst_hi"], base_lo=row["dst_lo"])
            prober.update({n: row[of] for n, of in FIRST.items()})
        target = host_hash(row["b"])
        if not failed:
            prober["answers"] += 1
            rank(prober["answering"], target)
            return
        prober["failures"] += 1
        prober["last"] = self.clock
        prober["spread_hi"] |= prober["base_hi"] ^ row["dst_hi"]
        prober["spread_lo"] |= prober["base_lo"] ^ row["dst_lo"]
        port = 0 if row["proto"] in (f.ICMP, f.ICMPV6) else row["dst_port"]
        rose = rank(prober["failing"], target)
        rose |= rank(prober["ports"], mix64((row["proto"] << 16 | port) + 1))
        rank(prober["nets"], mix64(salted(*self.net(*row["dst"]), 7)))
        if rose and prober["failures"] >= self.norms.scan_gate:
            self.show("probers", prober)

    def aim(
        self, row: dict[str, Any], key: Any, place: tuple[int, int], mark: int, more: dict[str, int]
    ) -> None:
        first = {"hi": place[0], "lo": place[1], "domain": row["b"][0], "proto": row["proto"]}
        aim, _ = self.get("aims", key, window=-f.FAR_FUTURE, **first, **more)
        if self.clock - aim["window"] > self.norms.aim_window:
            aim.update(window=self.clock, contacts=0, marks=[0] * r.MARKS, comers=[0] * r.COMERS)
            aim.update(aimers=[0] * r.HEAVY, aimed=[0] * r.HEAVY)
            aim.update({n: row[of] for n, of in FIRST.items()})
        aim["contacts"] += 1
        aim["last"] = self.clock
        source = host_hash(row["a"])
        for name, h in (("marks", mark), ("comers", source)):
            bit = h % (64 * len(aim[name]))
            aim[name][bit // 64] |= 1 << bit % 64
        self.save(aim["aimers"], aim["aimed"], source)
        n = aim["contacts"]
        if n >= self.norms.aim_gate and leading(n) != leading(n - 1):
            self.show("aims", aim)

    @staticmethod
    def save(names: list[int], counts: list[int], h: int) -> None:
        held = [j for j in range(len(names)) if counts[j] and names[j] == h]
        at = held[0] if held else counts.index(min(counts))
        names[at] = h
        counts[at] += 1

    # --- rates ---

    def channel(self, row: dict[str, Any]) -> int | None:
        if row["proto"] != f.TCP or row["report"] or not row["dst_packets"]:
            return None
        flags, src, dst = row["first_flags"], row["src_flags"], row["dst_flags"]
        if row["reason"] == f.END_LOGGED and not flags:
            flags = src & f.SYN
            if not flags:
                return None
        if flags & (f.SYN | f.ACK | f.RST | f.FIN) == f.SYN:
            return r.MADE if src & f.ACK and dst & f.SYN and row["src_payload"] else None
        silent = not row["src_payload"] and not row["dst_payload"]
        reset = dst & f.RST and not dst & (f.SYN | f.FIN)
        stray = silent and reset and not flags & (f.SYN | f.RST) and row["sampling"] <= 1
        return r.STRAY if stray else None

    def allowed(self, service: Record) -> int:
        least = self.norms.request_allowed if service["channel"] == r.MADE else self.norms.stray_allowed
        return max(least, service["usual"] * self.norms.request_factor // 1_000_000)

    def rate(self, row: dict[str, Any]) -> None:
        channel = self.channel(row)
        if channel is None:
            return
        second, norms = self.clock // f.SECOND, self.norms
        quiet = {"sum": 0, "peak": 0, "most": 0, "count": 0, "bytes": 0}
        empty = {"askers": [0] * r.RANKS, "loud": [0] * r.HEAVY, "loudness": [0] * r.HEAVY}
        service, is_new = self.get(
            "services", (channel, row["b"], row["dst_port"]),
            hi=row["dst_hi"], lo=row["dst_lo"], domain=row["b"][0], port=row["dst_port"], channel=channel,
            second=second, minute=second // 60, known=self.clock, **quiet,
            **{n: list(v) for n, v in empty.items()},
        )  # fmt: skip
        gap = second - service["second"]
        if not is_new and gap > 0:
            gap = min(gap, 1 << 20)
            allowed = self.allowed(service)
            y = max(0, service["sum"] + service["now"] - allowed)
            busy = service["sum"] > 0 or service["now"] > allowed
            service["sum"] = max(0, y - (gap - 1) * allowed)
            if busy and not service["sum"]:
                service.update(quiet | {n: list(v) for n, v in empty.items()})
            service.update(now=0, second=second)
            minutes = second // 60 - service["minute"]
            if minutes > 0:
                shift = k.SLOW_USUAL if service["sum"] else k.DAY_USUAL
                service["usual"] = decayed(service["usual"], service["so_far"] * 1000 // 60, shift, minutes)
                service.update(so_far=0, minute=second // 60)
        service["last"] = self.clock
        service["now"] += 1
        service["so_far"] += 1
        y = service["sum"] + service["now"] - self.allowed(service)
        if y <= 0:
            return
        if not service["count"]:
            service.update({n: row[of] for n, of in FIRST.items()}, began=row["first"])
        service["count"] += 1
        service["bytes"] += min(row["src_bytes"], k.MOST)
        service["most"] = max(service["most"], service["now"])
        source = host_hash(row["a"])
        rank(service["askers"], mix64(source))
        self.save(service["loud"], service["loudness"], source)
        before = service["peak"]
        service["peak"] = max(before, y)
        alarm = norms.request_alarm if channel == r.MADE else norms.stray_alarm
        if service["peak"] >= alarm and leading(service["peak"]) != leading(before):
            self.show("services", service)

    # --- volumes and jobs ---

    def ours(self, hi: int, lo: int) -> bool:
        return any(hi & int(m[2]) == int(m[0]) and lo & int(m[3]) == int(m[1]) for m in self.norms.home)

    def bulk(self, row: dict[str, Any]) -> None:
        sent, back = (min(row[f"{s}_bytes_delta"], k.MOST) for s in ("src", "dst"))
        if sent + back < k.BULK or is_many(*row["dst"]):
            return
        for role, end, key, volumes in (
            (r.CLIENT, row["src"], row["a"], (sent, back)),
            (r.SERVER, row["dst"], row["b"], (back, sent)),
        ):
            if self.ours(*end):
                self.volume(row, role, end, key, volumes)
        if sent + back >= k.HEAP and row["proto"] in (f.TCP, f.UDP):
            self.job(row, sent + back)

    def volume(self, row: dict[str, Any], role: int, end: Any, key: Any, volumes: tuple[int, int]) -> None:
        hour = (self.clock + self.norms.zone_ns) // k.HOUR
        host, is_new = self.get(
            "hosts", (role, key), hi=end[0], lo=end[1], domain=key[0], role=role, hour=hour, since=hour,
            history=({}, {}), sent=0, received=0,
        )  # fmt: skip
        if not is_new and hour > host["hour"]:
            if hour - host["hour"] > r.WEEK * r.WEEKS:
                host.update(since=hour, sent_most=0, received_most=0, history=({}, {}))
            else:
                for past, name in zip(host["history"], ("sent", "received"), strict=True):
                    past[host["hour"]] = octaves(host[name])
                    if host["hour"] > host["since"]:
                        host[f"{name}_most"] = max(host[f"{name}_most"], host[name])
            host.update(hour=hour, sent=0, received=0)
            for past, name in zip(host["history"], ("sent", "received"), strict=True):
                host[f"{name}_limit"], host[f"{name}_usual"], host["known"] = self.limit(host, past)
        if host["sent"] + host["received"] == 0:
            host.update({n: row[of] for n, of in FIRST.items()})
        before = host["sent"], host["received"]
        host["sent"] += volumes[0]
        host["received"] += volumes[1]
        host["last"] = self.clock
        for name, old in zip(("sent", "received"), before, strict=True):
            over = host[f"{name}_limit"] and host[name] >= host[f"{name}_limit"]
            if over and leading(host[name]) != leading(old):
                self.show("hosts", Record({n: v for n, v in host.items() if n != "history"}))
                break

    def limit(self, host: Record, past: dict[int, int]) -> tuple[int, int, int]:
        def rests(hour: int) -> bool:
            return (hour // 24 + 3) % 7 in (5, 6)

        days = [d for d in range(1, 7 * r.WEEKS + 1) if host["hour"] - 24 * d > host["since"]]
        days = [d for d in days if rests(host["hour"] - 24 * d) == rests(host["hour"])]
        if len(days) < self.norms.volume_days:
            return 0, 0, len(days)
        values = [
            past.get(host["hour"] - 24 * d, 0) for d in days for _ in range(1 if d % 7 else k.SAME_HOUR)
        ]
        median = statistics.median_low(values)
        spread = statistics.median_low([abs(v - median) for v in values])
        above = max(math.floor(spread * 1483 * self.norms.volume_spread / 10**6), self.norms.volume_octaves)
        return max(self.norms.volume_floor, least_of(median + above)), least_of(median), len(days)

    def job(self, row: dict[str, Any], volume: int) -> None:
        ends = {n: row[n] for n in ("src_hi", "src_lo", "dst_hi", "dst_lo")}
        job, _ = self.get(
            "jobs", (row["a"], row["b"], row["proto"], row["dst_port"]), **ends, src_domain=row["a"][0],
            dst_domain=row["b"][0], port=row["dst_port"], proto=row["proto"], last=-f.FAR_FUTURE, done=[],
        )  # fmt: skip
        if self.clock - job["last"] > self.norms.job_gap:
            if job["open"]:
                self.close_run(job)
            job.update({n: row[of] for n, of in FIRST.items()}, open=1, bytes=0, began=self.clock)
        job["last"] = self.clock
        job["bytes"] += volume

    def rhythm(self, job: Record) -> tuple[int, int] | None:
        held = job["done"][-r.RUNS :]
        if job["runs"] < self.norms.job_runs:
            return None
        pauses = [later - earlier for (earlier, _), (later, _) in pairwise(held)]
        if not all(whole_days(pause) for pause in pauses):
            return None
        return max(pauses), statistics.median_low([moved for _, moved in held])

    def show_job(self, job: Record, state: int) -> None:
        job["state"] = state
        self.show("jobs", Record({n: v for n, v in job.items() if n != "done"}))

    def close_run(self, job: Record) -> None:
        job["open"] = 0
        rhythm = self.rhythm(job)
        shrunken = False
        if rhythm and job["bytes"] < rhythm[1] // 1000 * self.norms.job_share:
            shrunken = whole_days(job["began"] - job["done"][-1][0])
        if job["bytes"] < self.norms.job_bytes and not shrunken:
            return
        job["done"].append((job["began"], job["bytes"]))
        job["runs"] += 1
        job["usual"] = rhythm[1] if rhythm else 0
        if shrunken:
            self.show_job(job, r.SHRUNKEN)
        job["state"] = r.FINE

    def sweep(self) -> None:
        for job in self.tables["jobs"].values():
            if job["open"]:
                if self.now - job["last"] <= self.norms.job_gap:
                    continue
                self.close_run(job)
            rhythm = None if job["state"] == r.MISSED else self.rhythm(job)
            if rhythm and self.now > (due := job["done"][-1][0] + rhythm[0] + self.norms.job_grace):
                job.update(due=due, usual=rhythm[1])
                self.show_job(job, r.MISSED)
        for segment in self.tables["segments"].values():
            heard = segment["last"] - segment["began"]
            if segment["state"] == r.SILENT or segment["rows"] < self.norms.silence_rows:
                continue
            usual = max(segment["gap"], segment["gap_before"]) // 1000 * self.norms.silence_factor
            if heard >= self.norms.silence_learn and self.now - segment["last"] > max(
                self.norms.silence_least, usual
            ):
                segment["state"] = r.SILENT
                self.show("segments", segment)

    # --- sources of flows ---

    def segment(self, row: dict[str, Any]) -> None:
        now, norms = self.now, self.norms
        segment, is_new = self.get(
            "segments",
            row["domain"],
            domain=row["domain"],
            began=now,
            last=now,
            gap_since=now,
            hour=now // k.HOUR,
        )
        if is_new:
            segment.update({n: row[of] for n, of in FIRST.items()})
        if now - segment["gap_since"] > 7 * k.DAY:
            segment.update(gap_before=segment["gap"], gap=0, gap_since=now)
        if segment["state"] != r.SILENT:
            segment["gap"] = max(segment["gap"], now - segment["last"])
        segment["state"] = r.FINE
        if now // k.HOUR != segment["hour"]:
            whole = segment["whole"]
            if whole >= norms.loss_flows:
                share = segment["halves"] * 1000 // whole
                if segment["hours"] < 6:
                    told = segment["share"] * segment["hours"] + share
                    segment["share"] = told // (segment["hours"] + 1)
                elif share >= norms.loss_share and share >= 3 * segment["share"]:
                    self.show("segments", segment, state=r.LOSSY)
                else:
                    segment["share"] += (share - segment["share"]) >> 4
                segment["hours"] += 1
            segment.update(whole=0, halves=0, hour=now // k.HOUR)
        segment["rows"] += 1
        segment["last"] = now
        if row["proto"] == f.TCP and row["kind"] == f.END and (row["src_payload"] or row["dst_payload"]):
            segment["whole"] += 1
            segment["halves"] += not row["dst_packets"] or not row["src_packets"]
