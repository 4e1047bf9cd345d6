"""FlowMeter against a slow, obvious meter that keeps every packet of every flow in Python lists."""

from __future__ import annotations

import copy
import itertools
import math
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from citywall.batches import (
    ARP,
    CLOSED,
    END,
    END_ACTIVE,
    END_EVICTED,
    END_IDLE,
    END_NONE,
    END_OF_INPUT,
    ERROR,
    FLAG_NAMES,
    FLOW,
    FRAGMENT,
    ICMP,
    IP,
    OPEN,
    PACKET,
    TCP,
    TRANSPORT,
    UDP,
    UPDATE,
)  # fmt: skip
from citywall.domains import NAMED, Domains, DomainSettings
from citywall.errors import SettingsError
from citywall.settings import MeterSettings
from citywall.state import Parts
from citywall.watermarks import BEGINNING
from ingest.meter import FlowMeter

S = 1_000_000_000
HALF = S // 2
START = 1_700_000_000 * S
MAPPED = 0xFFFF_0000_0000
BUFFER = np.frombuffer(bytes((i * 37 + 11) & 0xFF for i in range(512)), np.uint8)
DOMAINS = DomainSettings(vlans={"7": "north"})


@pytest.fixture(autouse=True)
def _hashes_wrap() -> Iterator[None]:
    """Without the JIT, NumPy warns of the overflow that hashing is made of."""
    with np.errstate(over="ignore"):
        yield


# --- packet rows -------------------------------------------------------------------------------------


def packet(
    time: int, src: int = 1, dst: int = 2, sport: int = 1000, dport: int = 80, **more: Any
) -> dict[str, Any]:
    """One packet as a dict; addresses are small numbers within 10.0.0.0/8."""
    return {
        "time": time, "src": (0, MAPPED | 10 << 24 | src), "dst": (0, MAPPED | 10 << 24 | dst),
        "sport": sport, "dport": dport, "proto": TCP, "version": 4, "vlan": 0, "ip_bytes": 60, "payload": 0,
        "payload_at": 54, "captured": 74, "offset": 64, "flags": 0, "icmp_type": 0, "icmp_code": 0,
        "status": TRANSPORT, "hash": None,
    } | more  # fmt: skip


def rows_of(packets: list[dict[str, Any]]) -> NDArray[np.void]:
    """PACKET rows with canonical endpoints."""
    plain = (
        "time", "offset", "vlan", "captured", "ip_bytes", "payload_at", "payload", "proto", "version",
        "flags", "icmp_type", "icmp_code", "status",
    )  # fmt: skip
    rows = []
    for p in packets:
        a, b = (p["src"], p["sport"]), (p["dst"], p["dport"])
        turned = a > b
        if turned:
            a, b = b, a
        row = {name: p[name] for name in plain}
        row |= {
            "a_hi": a[0][0],
            "a_lo": a[0][1],
            "b_hi": b[0][0],
            "b_lo": b[0][1],
            "ports": a[1] << 16 | b[1],
        }
        key = hash((a, b, p["proto"], p["vlan"])) & 0xFFFF_FFFF_FFFF_FFFF
        row |= {"reversed": turned, "hash": key if p["hash"] is None else p["hash"], "wire": p["captured"]}
        rows.append(tuple(row.get(name, 0) for name in PACKET.names or ()))
    return np.array(rows, PACKET)


# --- the oracle --------------------------------------------------------------------------------------


class SlowFlow:
    def __init__(self, p: dict[str, Any], now: int, frame: int, mac: tuple[int, int]) -> None:
        self.p, self.first, self.frame, self.mac = p, now, frame, mac
        self.seen: list[tuple[int, int, dict[str, Any]]] = []  # (side, time, packet)
        self.told_packets = 0
        self.reports = 0
        self.told_at = now
        self.due: int | None = None
        self.changed = False

    @property
    def last(self) -> int:
        return self.seen[-1][1]

    def side(self, side: int) -> list[tuple[int, dict[str, Any]]]:
        return [(t, p) for s, t, p in self.seen if s == side]


def head_of(packets: list[tuple[int, dict[str, Any]]]) -> int:
    for _, p in packets:
        if p["payload"] > 0:
            at, n = p["offset"] + p["payload_at"], min(8, p["payload"], p["captured"] - p["payload_at"])
            if p["offset"] < 0 or at > len(BUFFER) or n <= 0:
                return 0
            return int.from_bytes(bytes(BUFFER[at : at + n]).ljust(8, b"\0"), "big")
    return 0


def spread(values: list[int]) -> tuple[int, int, float, float]:
    if not values:
        return 0, 0, 0.0, 0.0
    mean = Fraction(sum(values), len(values))
    deviation = 0.0
    if len(values) > 1:
        deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return min(values), max(values), float(mean), deviation


def gaps(times: list[int]) -> list[int]:
    return [b - a for a, b in itertools.pairwise(times)]


class SlowMeter:
    """What the docstrings of ingest.meter say, without any thought of speed."""

    def __init__(self, settings: MeterSettings, ethernet: bool) -> None:
        self.idle, self.active = settings.idle_timeout_s * S, settings.active_timeout_s * S
        self.max_flows, self.ethernet = settings.max_flows, ethernet
        self.clock: int | None = None
        self.tick = 0
        self.frame = 0
        self.flows: dict[Any, SlowFlow] = {}
        self.queue: dict[int, list[SlowFlow]] = {}
        self.wheel: dict[int, list[Any]] = {}  # second: keys
        self.reports: list[dict[str, Any]] = []
        self.closed: list[dict[str, Any]] = []

    def add(self, p: dict[str, Any]) -> None:
        self.frame += 1
        now = max(min(p["time"], 1 << 62), -(1 << 62))
        if self.clock is None:
            self.clock, self.tick = now, now // HALF + 1
        elif now > self.clock:
            self.pass_ticks(now)
            self.clock = now
        now = self.clock
        if p["status"] in (IP, FRAGMENT, TRANSPORT):
            self.count(p, now)

    def pass_ticks(self, now: int) -> None:
        while self.tick <= now // HALF and self.flows:
            time = self.tick * HALF
            for flow in self.queue.pop(self.tick, []):
                flow.due = None
                self.tell(flow, UPDATE if flow.reports else OPEN, END_NONE, time)
            if time % S == 0:
                for key in self.wheel.pop(time // S, []):
                    due = -(-(self.flows[key].last + self.idle) // S)
                    if due * S > time:
                        self.wheel.setdefault(due, []).append(key)
                    else:
                        self.end(key, END_IDLE, time)
            self.tick += 1
        self.tick = now // HALF + 1

    def count(self, p: dict[str, Any], now: int) -> None:
        a, b = (p["src"], p["sport"]), (p["dst"], p["dport"])
        key = (frozenset((a, b)), p["proto"], p["vlan"])
        flow = self.flows.get(key)
        if flow and (now - flow.last >= self.idle or now - flow.first >= self.active):
            self.close(flow, END_IDLE if now - flow.last >= self.idle else END_ACTIVE, now)
            flow = self.flows[key] = self.begin(p, now)
        elif not flow:
            if len(self.flows) == self.max_flows:
                self.end(self.idle_longest(), END_EVICTED, now)
            flow = self.flows[key] = self.begin(p, now)
            self.wheel.setdefault(-(-(now + self.idle) // S), []).append(key)
        side = 0 if a == (flow.p["src"], flow.p["sport"]) else 1
        before = flow.side(side)
        flags = 0
        for _, q in before:
            flags |= q["flags"]
        others = 0
        for _, q in flow.side(1 - side):
            others |= q["flags"]
        news = (
            bool(p["flags"] & ~flags & 0b10110)
            or (bool(p["flags"] & ~flags & 1) and not others & 0b101)
            or (side == 1 and not before)
            or (p["payload"] > 0 and not any(q["payload"] for _, q in before))
        )
        flow.seen.append((side, now, p))
        if not flow.reports:
            return
        since = flow.seen[flow.told_packets :]
        flow.changed = (
            flow.changed or news or len(since) >= 64 or sum(q["ip_bytes"] for _, _, q in since) >= 65536
        )
        waited = now - flow.told_at
        stale = (waited >= 30 * S and len(since) >= 16) or waited >= 60 * S
        if (flow.changed and waited >= S) or stale:
            self.tell(flow, UPDATE, END_NONE, now)
        elif flow.changed and flow.due is None:
            self.wait(flow, flow.told_at + S)

    def begin(self, p: dict[str, Any], now: int) -> SlowFlow:
        mac = (0, 0)
        if self.ethernet and p["captured"] >= 14 and 0 <= p["offset"] <= len(BUFFER) - 14:
            both = bytes(BUFFER[p["offset"] : p["offset"] + 12])
            mac = int.from_bytes(both[6:], "big"), int.from_bytes(both[:6], "big")
        flow = SlowFlow(p, now, self.frame, mac)
        self.wait(flow, now + HALF)
        return flow

    def wait(self, flow: SlowFlow, until: int) -> None:
        flow.due = -(-until // HALF)
        self.queue.setdefault(flow.due, []).append(flow)

    def idle_longest(self) -> Any:
        while True:
            second = min(s for s, keys in self.wheel.items() if keys)
            key = self.wheel[second].pop(0)
            due = -(-(self.flows[key].last + self.idle) // S)
            if due <= second:
                return key
            self.wheel.setdefault(due, []).append(key)

    def end(self, key: Any, reason: int, now: int) -> None:
        self.close(self.flows.pop(key), reason, now)

    def finish(self) -> None:
        for key in sorted(self.flows, key=lambda key: self.flows[key].frame):
            self.end(key, END_OF_INPUT, self.clock or 0)

    def tell(self, flow: SlowFlow, kind: int, reason: int, now: int) -> None:
        if flow.due is not None:
            self.queue[flow.due].remove(flow)
            flow.due = None
        row: dict[str, Any] = {
            "time": now, "first": flow.first, "last": flow.last, "offset": flow.p["offset"],
            "frame": flow.frame, "vlan": flow.p["vlan"], "report": flow.reports, "proto": flow.p["proto"],
            "version": flow.p["version"], "kind": kind, "reason": reason, "first_flags": flow.p["flags"],
            "icmp_type": flow.p["icmp_type"], "sampling": 0,
            "icmp_code": flow.p["icmp_code"], "domain": NAMED if flow.p["vlan"] == 7 else flow.p["vlan"],
            "src_port": flow.p["sport"], "dst_port": flow.p["dport"],
        }  # fmt: skip
        for name, side, address in (("src", 0, flow.p["src"]), ("dst", 1, flow.p["dst"])):
            mine = flow.side(side)
            since = [p for s, _, p in flow.seen[flow.told_packets :] if s == side]
            row[f"{name}_hi"], row[f"{name}_lo"] = address
            row[f"{name}_packets"] = len(mine)
            row[f"{name}_bytes"] = sum(p["ip_bytes"] for _, p in mine)
            row[f"{name}_payload"] = sum(p["payload"] for _, p in mine)
            row[f"{name}_packets_delta"] = len(since)
            row[f"{name}_bytes_delta"] = sum(p["ip_bytes"] for p in since)
            row[f"{name}_head"] = head_of(mine)
            row[f"{name}_flags"] = 0
            for _, p in mine:
                row[f"{name}_flags"] |= p["flags"]
        self.reports.append(row)
        flow.reports += 1
        flow.told_at, flow.told_packets, flow.changed = now, len(flow.seen), False

    def close(self, flow: SlowFlow, reason: int, now: int) -> None:
        self.tell(flow, END, reason, now)
        row: dict[str, Any] = {"src_mac": flow.mac[0], "dst_mac": flow.mac[1]}
        everything = [(t, p) for _, t, p in flow.seen]
        for name, packets in (("both", everything), ("src", flow.side(0)), ("dst", flow.side(1))):
            times = [t for t, _ in packets]
            for what, values in (("size", [p["ip_bytes"] for _, p in packets]), ("gap", gaps(times))):
                for stat, value in zip(("min", "max", "mean", "std"), spread(values), strict=True):
                    row[f"{name}_{what}_{stat}"] = value
            if name != "both":
                row[f"{name}_first"], row[f"{name}_last"] = (times[0], times[-1]) if times else (0, 0)
                for bit, flag in enumerate(FLAG_NAMES):
                    row[f"{name}_{flag}"] = sum(p["flags"] >> bit & 1 for _, p in packets)
        self.closed.append(row)


# --- running both ------------------------------------------------------------------------------------


def run(
    packets: list[dict[str, Any]],
    limits: MeterSettings,
    batch: int = 4096,
    rows: int = 8192,
    ethernet: bool = False,
    restarts: frozenset[int] = frozenset(),
) -> tuple[NDArray[np.void], NDArray[np.void], FlowMeter]:
    """All reports and closed rows; `restarts` are batch numbers after which a new meter takes over."""
    meter = FlowMeter(limits, Domains(DOMAINS), rows)
    all_rows = rows_of(packets)
    told: list[NDArray[np.void]] = []
    ended: list[NDArray[np.void]] = []
    watermark = BEGINNING
    for number, at in enumerate(range(0, len(packets), batch)):
        for given_batch in meter.stream(all_rows[at : at + batch], at + 1, BUFFER, ethernet):
            assert 0 < len(given_batch.reports) <= rows
            assert given_batch.reports["time"].min() >= watermark
            watermark = given_batch.watermark
            told.append(given_batch.reports)
            ended.append(given_batch.closed)
        if number in restarts:
            parts = copy.deepcopy(meter.snapshot())
            meter = FlowMeter(limits, Domains(DOMAINS), rows)
            meter.restore(parts)
    last = meter.finish()
    assert meter.live == 0
    return joined([*told, last.reports], FLOW), joined([*ended, last.closed], CLOSED), meter


def as_dicts(rows: NDArray[np.void]) -> list[dict[str, Any]]:
    assert rows.dtype.names is not None
    return [dict(zip(rows.dtype.names, row, strict=True)) for row in rows.tolist()]


def joined(pieces: list[NDArray[np.void]], dtype: np.dtype[Any]) -> NDArray[np.void]:
    return np.frombuffer(b"".join(piece.tobytes() for piece in pieces), dtype)


def check(packets: list[dict[str, Any]], limits: MeterSettings, **how: Any) -> NDArray[np.void]:
    """Run both meters and compare every field; returns the reports."""
    oracle = SlowMeter(limits, how.get("ethernet", False))
    for p in packets:
        oracle.add(p)
    oracle.finish()
    reports, closed, meter = run(packets, limits, **how)
    told = as_dicts(reports)
    assert len(told) == len(oracle.reports)
    # The oracle knows no flow ids, in the order of which flows end at the end of input.
    closed = put_in_order_of_beginning(told, closed)
    last = reports["flow_id"][reports["reason"] == END_OF_INPUT]
    assert (last[1:] > last[:-1]).all()
    for got, wanted in zip(told, oracle.reports, strict=True):
        assert got == wanted | {name: got[name] for name in ("flow_id",)}
    ends = [row for row in told if row["kind"] == END]
    assert len(closed) == len(ends) == len(oracle.closed)
    for got, end, wanted in zip(as_dicts(closed), ends, oracle.closed, strict=True):
        for name, value in (wanted | {"flow_id": end["flow_id"]}).items():
            assert got[name] == value or math.isclose(got[name], value, rel_tol=1e-12), name
    # One id for each flow and one flow for each id; deltas sum to totals; time never goes back.
    flows: dict[int, list[dict[str, Any]]] = {}
    for row in told:
        flows.setdefault(row["flow_id"], []).append(row)
    assert len(flows) == len({row["frame"] for row in told}) == meter.counts["flows"]
    for mine in flows.values():
        assert len({row["frame"] for row in mine}) == 1
        assert [row["report"] for row in mine] == list(range(len(mine)))
        for name in ("src_packets", "dst_packets", "src_bytes", "dst_bytes"):
            assert sum(row[f"{name}_delta"] for row in mine) == mine[-1][name]
    assert (np.diff(reports["time"]) >= 0).all()
    return reports


DAY = 86_400 * S


def put_in_order_of_beginning(told: list[dict[str, Any]], closed: NDArray[np.void]) -> NDArray[np.void]:
    """Order the flows that ended with the input by their first packets; returns `closed` alike."""
    n = sum(row["reason"] == END_OF_INPUT for row in told)
    told[len(told) - n :] = sorted(told[len(told) - n :], key=lambda row: row["frame"])
    at = {int(flow_id): i for i, flow_id in enumerate(closed["flow_id"].tolist())}
    return closed[[at[row["flow_id"]] for row in told if row["kind"] == END]]


STEPS = (0, 0, 1, 7, 1000, S // 10, HALF - 1, HALF, S, S + 1, 2 * S + 3, 5 * S, 59 * S, -1, -3 * S, DAY)


@st.composite
def traffic(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Few hosts, ties, time going back and leaping; now and then all in one hash bucket."""
    time = START + draw(st.sampled_from((0, 1, HALF - 1, HALF, 123_456_789)))
    bucket = draw(st.sampled_from((None, None, 0, 0xFFFF_FFFF_FFFF_FFFF)))
    packets = []
    for _ in range(draw(st.integers(0, 60))):
        time += draw(st.sampled_from(STEPS))
        host, turn = draw(st.integers(1, 3)), draw(st.booleans())
        payload = draw(st.sampled_from((0, 0, 3, 8, 40_000)))
        p = packet(
            time, host, 4 - host if host != 2 else 5, 1000 + draw(st.integers(0, 1)), 80,
            proto=draw(st.sampled_from((TCP, TCP, UDP))), vlan=draw(st.sampled_from((0, 0, 0, 7, 9))),
            ip_bytes=60 + payload, payload=payload, captured=54 + draw(st.integers(0, 12)),
            payload_at=draw(st.sampled_from((54, 54, 0, 400, 1 << 31))),
            offset=draw(st.sampled_from((0, 64, 450, 499, 512, 10**12, -5, -(1 << 62)))),
            flags=draw(st.sampled_from((0, 2, 16, 18, 24, 255))),
            status=draw(st.sampled_from((TRANSPORT, TRANSPORT, TRANSPORT, FRAGMENT, IP, ERROR, ARP))),
            hash=bucket,
        )  # fmt: skip
        if turn:
            p |= {"src": p["dst"], "dst": p["src"], "sport": p["dport"], "dport": p["sport"]}
        packets.append(p)
    return packets


LIMITS = st.builds(
    MeterSettings,
    idle_timeout_s=st.sampled_from((1, 2, 5, 120)),
    active_timeout_s=st.sampled_from((1, 3, 30, 1800)),
    max_flows=st.sampled_from((16, 1000)),
)


@settings(max_examples=100, deadline=None)
@given(
    traffic(), LIMITS, st.sampled_from((1, 7, 4096)), st.sampled_from((2, 3, 8192)), st.booleans(),
    st.frozensets(st.integers(0, 30), max_size=3),
)  # fmt: skip
def test_as_the_oracle(
    packets: list[dict[str, Any]],
    limits: MeterSettings,
    batch: int,
    rows: int,
    ethernet: bool,
    restarts: frozenset[int],
) -> None:
    check(packets, limits, batch=batch, rows=rows, ethernet=ethernet, restarts=restarts)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 30), st.sampled_from((1, 7, 4096)), st.sampled_from((2, 8192)))
def test_full_table(seed: int, batch: int, rows: int) -> None:
    """Many more flows than fit: the ones idle longest go, exactly as the oracle chooses."""
    rng = np.random.default_rng(seed)
    time, packets = START, []
    for _ in range(250):
        time += int(rng.choice([0, 1, S // 10, S, 3 * S], p=[0.3, 0.2, 0.3, 0.15, 0.05]))
        host = int(rng.integers(2, 60))
        packets.append(packet(time, 1, host, flags=int(rng.integers(0, 32)), hash=(host & 3) << 33))
    limits = MeterSettings(idle_timeout_s=20, active_timeout_s=30, max_flows=16)
    reports = check(packets, limits, batch=batch, rows=rows, restarts=frozenset({3}))
    assert (reports["reason"] == END_EVICTED).any()


# --- transcripts -------------------------------------------------------------------------------------


def story(packets: list[dict[str, Any]], **limits: int) -> list[tuple[float, int, int]]:
    """(seconds after START, kind, packets so far) of each report."""
    reports = check(packets, MeterSettings(**limits))
    return [
        ((int(r["time"]) - START) / S, int(r["kind"]), int(r["src_packets"] + r["dst_packets"]))
        for r in reports
    ]


def at(seconds: float, **more: Any) -> dict[str, Any]:
    return packet(START + round(seconds * S), **more)


def test_open_waits_for_a_tick() -> None:
    assert story([at(0.1), at(0.2), at(0.9), at(1.01)]) == [(1.0, OPEN, 3), (1.01, END, 4)]


def test_a_lone_packet_opens_and_ends_by_the_clock() -> None:
    assert story([at(0.1), at(500, src=9)], idle_timeout_s=120) == [
        (1.0, OPEN, 1),
        (121.0, END, 1),
        (500.0, END, 1),
    ]


def test_short_flow_has_one_report() -> None:
    assert story([at(0.1), at(0.3)]) == [(0.3, END, 2)]


def test_update_waits_a_second() -> None:
    # Open at 1.0; the news at 1.3 is told at 2.0, the news at 3.2 at once, the dull packet at 3.3 not.
    packets = [at(0.1), at(1.3, flags=2), at(2.4), at(3.2, flags=16), at(3.3)]
    assert story(packets) == [(1.0, OPEN, 1), (2.0, UPDATE, 2), (3.2, UPDATE, 4), (3.3, END, 5)]


def test_dull_packets_are_told_after_half_a_minute_when_there_are_some() -> None:
    few = [at(0.1), *(at(2 + s) for s in range(14)), at(30.9)]
    assert story([*few, at(31.0)]) == [(1.0, OPEN, 1), (31.0, UPDATE, 17), (31.0, END, 17)]
    assert story([*few[1:], at(31.0)]) == [(2.5, OPEN, 1), (31.0, END, 16)]


def test_what_says_nothing_of_a_connection_is_no_news() -> None:
    syn = at(0.1, src=9, dst=1, sport=5, dport=4, flags=2)
    back = {"src": 1, "dst": 9, "sport": 4, "dport": 5}
    begun = [syn, at(0.2, flags=18, **back), at(0.3, src=9, dst=1, sport=5, dport=4, flags=16)]
    pushed = [*begun, at(3, src=9, dst=1, sport=5, dport=4, flags=24), at(4, flags=0b11110000, **back)]
    assert story(pushed) == [(1.0, OPEN, 3), (4.0, END, 5)]
    closed = [*begun, at(3, flags=17, **back), at(5, src=9, dst=1, sport=5, dport=4, flags=17)]
    assert story(closed) == [(1.0, OPEN, 3), (3.0, UPDATE, 4), (5.0, END, 5)]
    reset = [*begun, at(3, flags=17, **back), at(5, src=9, dst=1, sport=5, dport=4, flags=4)]
    assert story(reset) == [(1.0, OPEN, 3), (3.0, UPDATE, 4), (5.0, UPDATE, 5), (5.0, END, 5)]


def test_any_packet_is_told_after_a_minute() -> None:
    assert story([at(0.1), at(60.9), at(61.0)]) == [(1.0, OPEN, 1), (61.0, UPDATE, 3), (61.0, END, 3)]


def test_many_packets_are_news() -> None:
    packets = [at(0.1), *(at(2.0) for _ in range(64))]
    assert story(packets) == [(1.0, OPEN, 1), (2.0, UPDATE, 65), (2.0, END, 65)]


def test_active_timeout_begins_anew() -> None:
    packets = [at(s) for s in range(8)]
    reports = check(packets, MeterSettings(active_timeout_s=3))
    ends = reports[reports["kind"] == END]
    assert ends["reason"].tolist() == [END_ACTIVE, END_ACTIVE, END_OF_INPUT]
    assert ends["src_packets"].tolist() == [3, 3, 2]
    assert ends["frame"].tolist() == [1, 4, 7]


def test_idle_timeout_at_its_own_packet() -> None:
    reports = check([at(0.7), at(2.75)], MeterSettings(idle_timeout_s=2))
    ends = reports[reports["kind"] == END]
    assert ends["reason"].tolist() == [END_IDLE, END_OF_INPUT]
    assert ends["time"].tolist() == [START + round(2.75 * S)] * 2


def test_directions_keep_the_initiator() -> None:
    packets = [
        at(0, src=9, dst=1, sport=50_000, dport=443, flags=2),
        at(0.1, src=1, dst=9, sport=443, dport=50_000, flags=18, ip_bytes=52),
    ]
    reports = check(packets, MeterSettings())
    row = reports[-1]
    assert (row["src_lo"], row["src_port"]) == (MAPPED | 10 << 24 | 9, 50_000)
    assert (row["src_packets"], row["dst_packets"], row["dst_bytes"]) == (1, 1, 52)


def test_vlans_are_flows_and_domains_of_their_own() -> None:
    reports = check([at(0, vlan=7), at(0, vlan=9)], MeterSettings())
    assert sorted(reports["domain"].tolist()) == [9, NAMED]


def test_icmp_is_one_flow_a_host_pair() -> None:
    echo = {"proto": ICMP, "sport": 0, "dport": 0}
    packets = [at(0, icmp_type=8, **echo), at(0.1, src=2, dst=1, **echo)]
    (row,) = check(packets, MeterSettings())
    assert (row["icmp_type"], row["src_packets"], row["dst_packets"]) == (8, 1, 1)


def test_a_host_that_talks_to_itself() -> None:
    (row,) = check([at(0, src=1, dst=1, sport=5, dport=5)] * 2, MeterSettings())
    assert (row["src_packets"], row["dst_packets"]) == (2, 0)


def test_heads_and_macs() -> None:
    (row,), (closed,), _ = run([at(0, payload=5, ip_bytes=65)], MeterSettings(), ethernet=True)
    assert struct.pack(">Q", row["src_head"]) == bytes(BUFFER[118:123]) + b"\0\0\0"
    assert int(closed["src_mac"]).to_bytes(6, "big") == bytes(BUFFER[70:76])
    assert int(closed["dst_mac"]).to_bytes(6, "big") == bytes(BUFFER[64:70])


def test_extreme_times() -> None:
    times = [-(1 << 63), 0, (1 << 63) - 1, 5, -1]
    check([packet(t) for t in times], MeterSettings())


def test_before_the_epoch() -> None:
    check([packet(-1_000 * S + t * S) for t in (0, 1, 3, 90, 2000, 2001)], MeterSettings(idle_timeout_s=2))


def test_empty_input() -> None:
    meter = FlowMeter(MeterSettings(), Domains(DOMAINS))
    batch = meter.add(np.zeros(0, PACKET), 1, BUFFER)
    assert (len(batch.reports), len(batch.closed), batch.watermark) == (0, 0, BEGINNING)
    assert len(meter.finish().reports) == 0
    assert meter.live == 0


def test_leap_of_days_ends_everything_in_bounded_batches() -> None:
    packets = [at(i / 1000, src=i + 1) for i in range(500)] + [at(86_400 * 30)]
    meter = FlowMeter(MeterSettings(), Domains(DOMAINS), most_rows=64)
    batches = list(meter.stream(rows_of(packets), 1, BUFFER))
    assert max(len(b.reports) for b in batches) == 64
    assert sum(len(b.closed) for b in batches) == 500
    assert meter.live == 1
    check(packets, MeterSettings(), rows=64)


def test_batches_stay_as_they_were_given() -> None:
    """Their memory is used again only when nobody looks into it."""
    packets = [at(i / 1000, src=i + 1) for i in range(500)] + [at(86_400 * 30)]
    meter = FlowMeter(MeterSettings(), Domains(DOMAINS), most_rows=16)
    held, copies = [], []
    for i, batch in enumerate(meter.stream(rows_of(packets), 1, BUFFER)):
        if i % 3 == 0:
            held.append(batch)
            copies.append((batch.reports.copy(), batch.closed.copy()))
    assert len(held) > 15
    for batch, (reports, closed) in zip(held, copies, strict=True):
        assert (batch.reports == reports).all()
        assert (batch.closed == closed).all()


def test_table_grows_and_shrinks() -> None:
    """Past the first half-full slots, with flows ending in between."""
    packets = [at(i / 500, src=1 + i % 5000, flags=i & 31) for i in range(7_000)]
    check(packets, MeterSettings(idle_timeout_s=10), batch=1000, restarts=frozenset({4, 9}))


def test_counts() -> None:
    packets = [at(5), at(3), at(4, status=ERROR), at(6, src=7)]
    _, _, meter = run(packets, MeterSettings())
    assert meter.counts == {"packets": 3, "ignored": 1, "late": 2, "flows": 2, "evicted": 0}


def test_restore_refuses_other_settings() -> None:
    parts: Parts = FlowMeter(MeterSettings(), Domains(DOMAINS)).snapshot()
    with pytest.raises(ValueError, match=r"other \[meter\] settings"):
        FlowMeter(MeterSettings(idle_timeout_s=7), Domains(DOMAINS)).restore(parts)


def test_restore_refuses_impossible_sizes() -> None:
    meter = FlowMeter(MeterSettings(), Domains(DOMAINS))
    for name, wrong in (
        ("slots", np.zeros(3, np.uint64)),
        ("wheel", np.zeros((2, 4), np.int32)),
        ("cold", b""),
    ):
        with pytest.raises(ValueError, match="checkpoint"):
            meter.restore(meter.snapshot() | {name: wrong})


def test_restore_refuses_what_is_of_several_moments() -> None:
    """Queues that name flows which are not there would be emptied for ever."""
    meter = FlowMeter(MeterSettings(), Domains(DOMAINS))
    earlier = {name: np.array(part) for name, part in meter.snapshot().items()}
    meter.add(rows_of([at(0), at(0, src=3)]), 1, BUFFER)
    later = meter.snapshot()
    torn: Parts = later | {name: earlier[name] for name in ("heads", "sides", "cold")}
    with pytest.raises(ValueError, match="of several moments"):
        FlowMeter(MeterSettings(), Domains(DOMAINS)).restore(torn)


def test_memory_that_cannot_be_had() -> None:
    with pytest.raises(SettingsError, match=r"meter\.max_flows"):
        FlowMeter(MeterSettings(max_flows=1 << 45), Domains(DOMAINS))


def test_snapshot_is_of_used_rows_and_views() -> None:
    meter = FlowMeter(MeterSettings(), Domains(DOMAINS))
    meter.add(rows_of([at(0), at(0, src=3)]), 1, BUFFER)
    parts = meter.snapshot()
    heads = parts["heads"]
    assert isinstance(heads, np.ndarray)
    assert len(heads) == 2
    assert heads.base is not None


SCRIPT = """
import importlib.util, sys
import numpy as np
spec = importlib.util.spec_from_file_location("meter_tests", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
rng = np.random.default_rng(1)
packets, time = [], tests.START
for _ in range(400):
    time += int(rng.choice([0, 1000, tests.S // 7, 2 * tests.S, -tests.S]))
    host = int(rng.integers(1, 40))
    more = {"payload": int(rng.integers(0, 9)), "flags": int(rng.integers(0, 256))}
    packets.append(tests.packet(time, host, 99 - host, **more))
with np.errstate(over="ignore"):
    reports = tests.check(packets, tests.MeterSettings(idle_timeout_s=9, max_flows=16), batch=37, rows=5)
print(len(reports))
"""


def test_without_the_jit() -> None:
    """The same kernels as plain Python, where NumPy checks every bound."""
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, __file__],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_time_passes_without_packets():
    packets = rows_of([packet(START), packet(START + HALF // 2, src=2, dst=1, sport=80, dport=1000)])
    meters = [FlowMeter(MeterSettings(idle_timeout_s=2), Domains(DOMAINS)) for _ in range(2)]
    told = [meter.add(packets, 1, BUFFER).reports for meter in meters]
    assert [len(reports) for reports in told] == [0, 0]
    until = START + 10 * S
    passed = [np.concatenate([b.reports for b in meters[0].pass_time(until)])]
    assert passed[0]["kind"].tolist() == [OPEN, END]
    nothing = packet(until, status=ARP)
    assert np.array_equal(passed[0], meters[1].add(rows_of([nothing]), 3, BUFFER).reports)
    assert meters[0].watermark == meters[1].watermark == until
    assert meters[0].counts == meters[1].counts | {"ignored": 0}
    assert list(meters[0].pass_time(until)) == list(meters[0].pass_time(START)) == []
