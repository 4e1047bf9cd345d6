"""The feature kernel told slowly: dictionaries, Python integers, no limits of memory.

Nothing is ever given up here, so it equals the kernel as long as the kernel's tables are not full.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from citywall.addresses import is_private
from detectors.features import kernels as k

M64 = (1 << 64) - 1
MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def mix64(h: int) -> int:
    h = (h ^ h >> 30) * MIX[1] & M64
    h = (h ^ h >> 27) * MIX[2] & M64
    return h ^ h >> 31


def host_hash(host: tuple[int, int, int]) -> int:
    domain, hi, lo = host
    h = (hi ^ MIX[0]) * MIX[1] & M64
    h = (h ^ h >> 32 ^ lo) * MIX[2] & M64
    h = (h ^ h >> 32 ^ domain) * MIX[1] & M64
    return h ^ h >> 29


def leading(value: int) -> tuple[int, int]:
    """The four leading bits and where they stand."""
    bits = max(value.bit_length() - 4, 0)
    return bits, value >> bits


def telling(before: int, after: int) -> bool:
    """Whether a count that rose is shown."""
    return after != before if after < 32 else leading(after) != leading(before)


def rises_past(before: int, after: int, bound: int) -> bool:
    """Whether a count that rose is shown, by a bound and by its leading bits."""
    return after >= bound and (before < bound or leading(after) != leading(before))


def clamp(time: int) -> int:
    return min(max(time, k.FAR_PAST), k.FAR_FUTURE)


def is_many(hi: int, lo: int) -> bool:
    if hi == 0 and lo >> 32 == 0xFFFF:
        return (lo & 0xFFFFFFFF) >> 28 == 0xE or lo & 0xFFFFFFFF == 0xFFFFFFFF
    return hi >> 56 == 0xFF


def sample_of(row: dict[str, int], which: str, wide: bool = False) -> dict[str, int]:
    names = ["flow_id", "frame", "offset", "dst_hi", "dst_lo", "domain", "src_port", "dst_port", "proto"]
    sample = {f"{which}_{n}": row[n] for n in names + (["src_hi", "src_lo"] if wide else [])}
    return sample | {f"{which}_time": row["first"]}


class Record(dict):
    """A record whose missing fields are zero."""

    def __missing__(self, key: str) -> int:
        return 0


class Oracle:
    """Takes rows like `detectors.features.tables.Features`; gives (row, fields) for every copy handed out."""

    def __init__(self, limits: k.Limits) -> None:
        self.limits = limits
        self.clock = k.FAR_PAST
        self.contacts: dict[Any, dict[str, int]] = {}
        self.known: dict[Any, dict[str, Any]] = {}  # sources that failed once, and how
        self.groups: dict[Any, Record] = {}
        self.targets: dict[Any, Record] = {}
        self.logins: dict[Any, Record] = {}

    # --- entry ---

    def observe_flows(self, reports: np.ndarray) -> dict[str, list[tuple[int, dict[str, Any]]]]:
        self.out: dict[str, list[tuple[int, dict[str, Any]]]] = {"groups": [], "targets": [], "logins": []}
        for n, raw in enumerate(reports):
            self.n = n
            row = {name: int(raw[name]) for name in reports.dtype.names}
            self.clock = max(self.clock, min(row["time"], k.FAR_FUTURE))
            src, dst = (row["src_hi"], row["src_lo"]), (row["dst_hi"], row["dst_lo"])
            row["a"] = (row["domain"] if is_private(*src) else 0, *src)
            row["b"] = (row["domain"] if is_private(*dst) else 0, *dst)
            row["logged"] = row["reason"] == k.END_LOGGED
            row["lasted"] = max(clamp(row["last"]) - clamp(row["first"]), 0)
            row["icmp"] = row["proto"] in (k.ICMP, k.ICMPV6)
            row["service_port"] = 0 if row["icmp"] else row["dst_port"]
            self.scan(row)
            self.refusal(row)
            self.flood(row)
            self.login(row)
        return self.out

    def observe_events(self, events: np.ndarray) -> dict[str, list[tuple[int, dict[str, Any]]]]:
        self.out = {"groups": [], "targets": [], "logins": []}
        for n, raw in enumerate(events):
            self.n = n
            row = {name: int(raw[name]) for name in events.dtype.names if name != "text"}
            self.clock = max(self.clock, min(row["time"], k.FAR_FUTURE))
            self.resolve(row)
        return self.out

    def show(self, what: str, record: Record, **beside: Any) -> None:
        self.out[what].append((self.n, dict(record) | beside))

    # --- scans ---

    def outcome(self, row: dict[str, int]) -> tuple[int, bool, bool]:
        answered, proto = row["dst_packets"] > 0, row["proto"]
        if row["icmp"]:
            asks = (8, 13, 15, 17) if proto == k.ICMP else (128,)
            if row["icmp_type"] not in asks:
                return k.NOTHING, False, False
            return (k.ANSWERED if answered else k.FAILED), False, False
        if row["src_port"] == 0 and row["dst_port"] == 0:
            return k.NOTHING, False, False
        if proto == k.UDP:
            reply = row["dst_port"] >= 1024 and (
                row["src_port"] < 1024 or self.limits.amplifiers[row["src_port"]]
            )
            lease = (row["src_port"], row["dst_port"]) in ((67, 68), (547, 546))
            if reply or lease or 33434 <= row["dst_port"] <= 33689:
                return k.NOTHING, False, False
            return (k.ANSWERED if answered else k.FAILED), False, False
        flags, src, dst = row["first_flags"], row["src_flags"], row["dst_flags"]
        if row["logged"] and flags == 0:
            if not src & k.SYN:
                return k.NOTHING, False, False
            flags = k.SYN
        silent = row["src_payload"] == 0 and row["dst_payload"] == 0
        opening = flags & (k.SYN | k.ACK | k.RST | k.FIN)
        if opening == k.SYN:
            if dst & k.SYN or row["dst_payload"] or (src & k.ACK and row["src_packets"] > 1):
                shut = (src | dst) & (k.FIN | k.RST)
                return (k.EMPTY if silent and answered and shut else k.ANSWERED), False, False
            if dst & k.RST:
                return k.FAILED, True, False
            return (k.ANSWERED if dst else k.FAILED), False, False
        if (flags & k.SYN and flags & (k.FIN | k.RST)) or not flags & (k.SYN | k.ACK | k.RST):
            return (k.NOTHING if row["dst_payload"] else k.FAILED), bool(dst & k.RST), not row["logged"]
        rejected = dst & k.RST and not dst & (k.SYN | k.FIN | k.PSH)
        if not flags & (k.SYN | k.RST) and rejected and silent and row["src_packets"] <= 2:
            return k.FAILED, True, False
        return k.NOTHING, False, False

    def scan(self, row: dict[str, int]) -> None:
        if not (row["icmp"] or row["proto"] in (k.TCP, k.UDP)) or is_many(row["dst_hi"], row["dst_lo"]):
            return
        key = (row["a"], row["b"], row["proto"], row["service_port"])
        contact = self.contacts.get(key)
        if row["report"] == 0:
            outcome, refused, odd = self.outcome(row)
            opened = refused and row["src_flags"] & k.SYN
            if outcome == k.NOTHING or (row["sampling"] > 1 and outcome != k.ANSWERED and not opened):
                return
            if contact is not None and self.clock - contact["seen"] <= self.limits.window:
                contact["seen"] = self.clock
            else:
                self.contacts[key] = {"seen": self.clock, "flow": row["flow_id"], "state": outcome}
                self.count_contact(row, outcome, refused, odd)
            if odd:
                self.count_odd(row)
            return
        src, dst = row["src_flags"], row["dst_flags"]
        first_answer = row["dst_packets"] > 0 and row["dst_packets"] == row["dst_packets_delta"]
        if row["proto"] == k.TCP and not dst & k.SYN and row["dst_payload"] == 0:
            first_answer = False
        silent = row["src_payload"] == 0 and row["dst_payload"] == 0
        emptied = bool(row["proto"] == k.TCP and silent and dst & k.SYN and (src | dst) & (k.FIN | k.RST))
        if not (first_answer or emptied) or contact is None or contact["flow"] != row["flow_id"]:
            return
        if contact["state"] == k.FAILED and first_answer:
            contact["state"] = k.ANSWERED
            for group_key in self.group_keys(row):
                if group_key in self.groups:
                    self.forgive(self.groups[group_key])
                elif group_key[0] == k.BY_SOURCE:
                    first = self.known.get(row["a"], {})
                    if first.get("of") == (row["proto"], row["service_port"], row["b"]):
                        del first["of"]
        elif contact["state"] == k.ANSWERED and emptied:
            contact["state"] = k.EMPTY
            self.count_contact(row, k.EMPTY, False, False)

    def group_keys(self, row: dict[str, int]) -> list[tuple[Any, ...]]:
        keys: list[tuple[Any, ...]] = [
            (k.BY_SOURCE, row["a"]),
            (k.BY_PORT, row["a"], row["proto"], row["service_port"]),
        ]
        return keys if row["icmp"] else [*keys, (k.BY_TARGET, row["a"], row["b"], row["proto"])]

    def new_group(self, key: tuple[Any, ...], row: dict[str, int]) -> Record:
        domain, hi, lo = row["a"]
        group = Record(kind=key[0], domain=domain, src_hi=hi, src_lo=lo, last=k.FAR_PAST)
        if key[0] != k.BY_SOURCE:
            group["proto"] = row["proto"]
        if key[0] == k.BY_PORT:
            group["port"] = row["service_port"]
        if key[0] == k.BY_TARGET:
            group["dst_domain"], group["dst_hi"], group["dst_lo"] = row["b"]
        self.clear(group)
        self.groups[key] = group
        return group

    @staticmethod
    def clear(group: Record) -> None:
        for name in (
            "contacts",
            "failures",
            "refused",
            "empties",
            "targets",
            "ports",
            "walk",
            "peak",
            "spread_hi",
            "spread_lo",
            "high",
        ):
            group[name] = 0
        group["low"] = 65535

    def strike(
        self, group: Record, outcome: int, refused: bool, where: tuple[int, int, int], began: int
    ) -> None:
        lasting = group["kind"] == k.BY_ASKER or (
            group["kind"] == k.BY_PORT and group["proto"] in (k.ICMP, k.ICMPV6)
        )
        if self.clock - group["last"] > self.limits.window:
            self.clear(group)
            group["odd"] = 0
        group["last"] = self.clock
        hi, lo, port = where
        if group["contacts"] == 0:
            group["began"], group["base_hi"], group["base_lo"] = began, hi, lo
        group["spread_hi"] |= group["base_hi"] ^ hi
        group["spread_lo"] |= group["base_lo"] ^ lo
        group["low"], group["high"] = min(group["low"], port), max(group["high"], port)
        group["contacts"] += 1
        if outcome == k.FAILED:
            group["failures"] += 1
            group["refused"] += refused
            group["walk"] = min(group["walk"] + self.limits.step_failure, self.limits.walk_cap)
            group["peak"] = max(group["peak"], group["walk"])
        elif outcome == k.EMPTY:
            group["empties"] += 1
        else:
            group["walk"] = max(group["walk"] - self.limits.step_success, 0)
            if group["walk"] == 0 and not lasting:
                self.clear(group)

    def strike_first(self, group: Record, first: dict[str, Any], row: dict[str, int]) -> None:
        where = (row["dst_hi"], row["dst_lo"], first["of"][1])
        self.strike(group, *first["end"], where, min(first["at"], row["first"]))
        group.update(sample_of(row, "first"))

    def forgive(self, group: Record) -> None:
        lasting = group["kind"] == k.BY_ASKER or (
            group["kind"] == k.BY_PORT and group["proto"] in (k.ICMP, k.ICMPV6)
        )
        if group["failures"]:
            group["failures"] -= 1
            group["walk"] = max(group["walk"] - self.limits.step_failure - self.limits.step_success, 0)
            if group["walk"] == 0 and not lasting:
                self.clear(group)

    def count_contact(self, row: dict[str, int], outcome: int, refused: bool, odd: bool) -> None:
        bad = outcome != k.ANSWERED
        first: dict[str, Any] = {}
        of = (row["proto"], row["service_port"], row["b"])
        where = (row["dst_hi"], row["dst_lo"], row["service_port"])
        source_key, *others = self.group_keys(row)
        source = self.groups.get(source_key)
        if source is None:
            if not bad and not row["icmp"]:
                return
            if not row["icmp"] and not odd:
                before = self.known.get(row["a"])
                self.known[row["a"]] = {"at": self.clock, "of": of, "end": (outcome, refused)}
                if before is None or self.clock - before["at"] > self.limits.window:
                    return
                first = before if "of" in before else {}
            source = self.new_group(source_key, row)
            if first:
                self.strike_first(source, first, row)
        self.strike(source, outcome, refused, where, row["first"])
        if bad and source["failures"] + source["empties"] == 1:
            source.update(sample_of(row, "first"))
        for key in others:
            group = self.groups.get(key)
            if group is None:
                if not row["icmp"] and not bad:
                    continue
                group = self.new_group(key, row)
                same = 1 if key[0] == k.BY_PORT else 2
                if first and first["of"][0] == row["proto"] and first["of"][same] == of[same]:
                    self.strike_first(group, first, row)
                    group["late_flow_id"] = 0
                    source["ports" if key[0] == k.BY_PORT else "targets"] += 1
            before, contacts = group["failures"] + group["empties"], group["contacts"]
            self.strike(group, outcome, refused, where, row["first"])
            after = group["failures"] + group["empties"]
            if bad and after == 1:
                before = 0
                group.update(sample_of(row, "first"), late_flow_id=0)
                source["ports" if key[0] == k.BY_PORT else "targets"] += 1
            changed = bad and telling(before, after)
            if row["icmp"]:
                changed = changed or telling(contacts, group["contacts"])
            if changed and after >= self.limits.gate:
                self.show("groups", group)
            if bad:
                group.update(sample_of(row, "late"))
        total = source["failures"] + source["empties"]
        if bad and total >= self.limits.gate and telling(total - 1, total):
            self.show("groups", source)
        if bad:
            source.update(sample_of(row, "late"))

    def refusal(self, row: dict[str, int]) -> None:
        """A refusal alone, of a port to one above it: its receiver looks at its sender."""
        alone = (
            row["first_flags"] & (k.SYN | k.ACK | k.RST | k.FIN) == k.ACK | k.RST and not row["dst_packets"]
        )
        alone = alone and row["src_packets"] <= 2 and row["sampling"] <= 1
        alone = alone and self.channel(row | {"logged": 0})[0] == k.TCP_REFLECTED
        ports = 0 < row["src_port"] < min(row["dst_port"], k.EPHEMERAL) and row["dst_port"] >= 1024
        many = is_many(row["dst_hi"], row["dst_lo"])
        if row["proto"] != k.TCP or row["report"] or not alone or not ports or many:
            return
        key = ("backwards", row["b"], row["a"], row["src_port"])
        contact = self.contacts.get(key)
        if contact is not None and self.clock - contact["seen"] <= self.limits.window:
            contact["seen"] = self.clock
            return
        self.contacts[key] = {"seen": self.clock, "flow": -1, "state": k.NOTHING}
        seen = row | {"a": row["b"], "b": row["a"], "src_port": row["dst_port"], "dst_port": row["src_port"]}
        seen |= {"dst_hi": row["src_hi"], "dst_lo": row["src_lo"]}
        group_key = ("backwards", row["b"], row["a"])
        group = self.groups.get(group_key) or self.new_group((k.BY_TARGET, *group_key), seen)
        self.groups[group_key] = group
        self.strike(group, k.FAILED, True, (row["src_hi"], row["src_lo"], row["src_port"]), row["first"])
        if group["failures"] == 1:
            group.update(sample_of(seen, "first"), late_flow_id=0)
        after = group["failures"]
        if after >= self.limits.gate and telling(after - 1, after):
            self.show("groups", group)
        group.update(sample_of(seen, "late"))

    def count_odd(self, row: dict[str, int]) -> None:
        key = (k.BY_SOURCE, row["a"])
        source = self.groups.get(key) or self.new_group(key, row)
        if self.clock - source["last"] > self.limits.window:
            self.clear(source)
            source["odd"] = 0
        if source["odd"] == 0 and source["contacts"] == 0:
            source["began"] = row["first"]
            source.update(sample_of(row, "first"))
        source["last"] = self.clock
        source["odd"] += 1
        if leading(source["odd"]) != leading(source["odd"] - 1):
            self.show("groups", source)
        source.update(sample_of(row, "late"))

    def resolve(self, row: dict[str, int]) -> None:
        kind, arp = row["kind"], row["kind"] in (k.ARP_REQUEST, k.ARP_REPLY)
        asks = kind in (k.ARP_REQUEST, k.ND_SOLICIT)
        if not asks and kind not in (k.ARP_REPLY, k.ND_ADVERT):
            return
        asker, asked = ("src", "dst") if asks else ("dst", "src")
        who = (row[f"{asker}_hi"], row[f"{asker}_lo"])
        what = (row[f"{asked}_hi"], row[f"{asked}_lo"])
        if who == what:
            return
        mac = row[f"{asker}_mac"]
        name = ("mac", mac) if who in ((0, 0), (0, 0xFFFF00000000)) else who
        key = (name, what, row["domain"], arp)
        group_key = (k.BY_ASKER, name, row["domain"], arp)
        contact, group = self.contacts.get(key), self.groups.get(group_key)
        if not asks:
            if contact is not None and contact["state"] == k.FAILED:
                contact["state"] = k.ANSWERED
                if group is not None:
                    self.forgive(group)
            return
        if contact is not None and self.clock - contact["seen"] <= self.limits.window:
            contact["seen"] = self.clock
            return
        self.contacts[key] = {"seen": self.clock, "flow": 0, "state": k.FAILED}
        if group is None:
            group = Record(
                kind=k.BY_ASKER,
                domain=row["domain"] if is_private(*who) else 0,
                src_hi=who[0],
                src_lo=who[1],
                proto=1 if arp else 2,
                last=k.FAR_PAST,
            )
            self.clear(group)
            self.groups[group_key] = group
        group["mac"] = mac
        self.strike(group, k.FAILED, False, (*what, 0), row["time"])
        if group["failures"] == 1:
            group.update(
                first_frame=row["frame"],
                first_offset=row["offset"],
                first_time=row["time"],
                first_dst_hi=what[0],
                first_dst_lo=what[1],
                first_domain=row["domain"],
            )
        failures = group["failures"]
        if failures >= self.limits.gate and telling(failures - 1, failures):
            self.show("groups", group)

    # --- floods ---

    def channel(self, row: dict[str, int]) -> tuple[int, bool]:
        proto, sent, back = row["proto"], row["src_packets"], row["dst_packets"]
        multicast = is_many(row["dst_hi"], row["dst_lo"])
        if proto == k.TCP:
            flags, src = row["first_flags"], row["src_flags"]
            if row["src_port"] == 0 and row["dst_port"] == 0:
                return (k.OTHER_ONE_WAY if back == 0 else -1), False
            if row["logged"] and flags == 0:
                if not src & k.SYN:
                    return -1, False
                flags = k.SYN
            if flags & (k.SYN | k.ACK | k.RST | k.FIN) == k.SYN:
                return (-1 if src & k.ACK else k.SYN_HALF_OPEN), False
            if flags & (k.SYN | k.ACK) == k.SYN | k.ACK or flags & k.RST:
                answered = row["dst_flags"] & ~(k.RST | k.ACK) or row["dst_payload"]
                talks = row["src_payload"] or src & k.FIN
                return (-1 if answered or talks else k.TCP_REFLECTED), False
            return (k.OTHER_ONE_WAY if back == 0 and row["report"] == 0 and sent <= 3 else -1), False
        if proto == k.UDP:
            if back * 50 & M64 < sent:
                known = self.limits.amplifiers[row["src_port"]]
                return (-1 if multicast else k.UDP_REFLECTED if known else k.UDP_ONE_WAY), False
            if sent * 50 & M64 < back:
                return (k.UDP_REFLECTED if self.limits.amplifiers[row["dst_port"]] else k.UDP_ONE_WAY), True
            return -1, False
        if row["icmp"]:
            reply = row["icmp_type"] == (0 if proto == k.ICMP else 129)
            return k.ICMP_ANY, (reply and back > 0) or back > 2 * sent & M64
        return (k.OTHER_ONE_WAY if back == 0 and row["report"] == 0 and not multicast else -1), False

    def sampled(self, row: dict[str, int]) -> tuple[int, bool, bool]:
        known = self.limits.amplifiers
        if row["proto"] == k.TCP:
            opening, answer, reset = (row["src_flags"] & (k.SYN | k.ACK | k.RST) == f for f in (
                k.SYN, k.SYN | k.ACK, row["src_flags"] & (k.SYN | k.ACK) | k.RST,
            ))  # fmt: skip
            if opening:
                return k.SYN_HALF_OPEN, False, False
            if reset or (answer and row["src_port"] < row["dst_port"]):
                return k.TCP_REFLECTED, False, False
            return k.SYN_HALF_OPEN, False, True
        if row["proto"] == k.UDP:
            if is_many(row["dst_hi"], row["dst_lo"]):
                return -1, False, False
            if known[row["src_port"]]:
                return k.UDP_REFLECTED, False, False
            if known[row["dst_port"]]:
                return k.UDP_REFLECTED, True, True
            return (k.UDP_ONE_WAY if min(row["src_port"], row["dst_port"]) >= 1024 else -1), False, False
        return (k.ICMP_ANY if row["icmp"] else -1), False, False

    def relieve(self, row: dict[str, int], channel: int, backwards: bool) -> None:
        host = row["a"] if backwards else row["b"]
        packets = row["src_packets_delta"] * (50 if backwards else 1)
        channels = (channel, k.TCP_REFLECTED) if channel == k.SYN_HALF_OPEN else (channel,)
        for level, place in ((0, host), (1, self.prefix(host))):
            for each in channels:
                target = self.targets.get((level, each, place))
                if target is not None:
                    self.roll(target, level, each)
                    target["packets_now"] = max(target["packets_now"] - packets, -target["packets_sum"])

    def prefix(self, host: tuple[int, int, int]) -> tuple[int, int, int]:
        domain, hi, lo = host
        if hi == 0:
            return (domain, 0, lo >> 32 - self.limits.prefix_v4 << 32 - self.limits.prefix_v4)
        return (domain, hi >> 64 - self.limits.prefix_v6 << 64 - self.limits.prefix_v6, 0)

    def flood(self, row: dict[str, int]) -> None:
        if row["sampling"] > 1:
            channel, backwards, relieves = self.sampled(row)
        else:
            (channel, backwards), relieves = self.channel(row), False
        if channel < 0:
            return
        if relieves:
            self.relieve(row, channel, backwards)
            return
        mine, other = ("dst", "src") if backwards else ("src", "dst")
        packets, size = row[f"{mine}_packets_delta"], min(row[f"{mine}_bytes_delta"], 1 << 40)
        replies = row[f"{other}_packets_delta"]
        receiver, sender = (row["a"], row["b"]) if backwards else (row["b"], row["a"])
        if packets == 0:
            return
        if row["logged"]:
            seconds = max(1, row["lasted"] // k.SECOND)
            packets, replies, size = (-(-v // seconds) for v in (packets, replies, size))
        told = (packets, size, replies, int(row["report"] == 0), row[f"{mine}_port"], row[f"{other}_port"])
        self.receive(row, 0, channel, receiver, receiver, sender, told)
        if not is_many(*receiver[1:]):
            self.receive(row, 1, channel, self.prefix(receiver), receiver, sender, told)

    def receive(
        self,
        row: dict[str, int],
        level: int,
        channel: int,
        place: tuple[int, int, int],
        host: tuple[int, int, int],
        sender: tuple[int, int, int],
        told: tuple[int, ...],
    ) -> None:
        packets, size, replies, new, sport, dport = told
        allowed_packets, alarm_packets, allowed_flows, alarm_flows = (
            int(v) for v in self.limits.flood[level, channel]
        )
        second = self.clock // k.SECOND
        target = self.targets.get((level, channel, place))
        if target is None:
            target = Record(domain=place[0], hi=place[1], lo=place[2], channel=channel, second=second)
            if level:
                target["prefix"] = self.limits.prefix_v4 if place[1] == 0 else self.limits.prefix_v6
            self.restart(target)
            self.targets[level, channel, place] = target
        self.roll(target, level, channel)
        if row["sampling"] > 1:
            alarm_packets = max(alarm_packets, k.LEAST_SAMPLED * row["sampling"])
        if target["packets"] == 0:
            target["began"] = row["first"]
            target.update(sample_of(row, "first", wide=True))
        target["last"] = self.clock
        for name, amount in (
            ("packets_now", packets),
            ("flows_now", new),
            ("packets", packets),
            ("bytes", size),
            ("replies", replies),
            ("flows", new),
        ):
            target[name] += amount
        target["most_packets"] = max(target["most_packets"], target["packets_now"])
        target["most_flows"] = max(target["most_flows"], target["flows_now"])
        sender_hash, host_hashed = host_hash(sender), host_hash(host)
        for name, value in (("sport", sport), ("dport", dport), ("host", host_hashed)):
            votes = target[f"{name}_votes"]
            if votes == 0 or (target[name] != value and packets > votes):
                target[name], target[f"{name}_votes"] = value, packets - votes
            else:
                target[f"{name}_votes"] = (
                    min(votes + packets, 1 << 40) if target[name] == value else votes - packets
                )
        self.add(target["source_bins"], sender_hash >> 60, packets)
        self.add(
            target["spread_bins"], (host_hashed if level else mix64(dport * MIX[0] & M64)) >> 60, packets
        )
        rest = sender_hash >> 5
        rank = 1 + min(((rest & -rest).bit_length() - 1) if rest else 58, 58)
        register = sender_hash & 31
        target["registers"][register] = max(target["registers"][register], rank)
        peaks = target["packets_peak"], target["flows_peak"]
        target["packets_peak"] = max(
            peaks[0], target["packets_sum"] + target["packets_now"] - allowed_packets
        )
        target["flows_peak"] = max(peaks[1], target["flows_sum"] + target["flows_now"] - allowed_flows)
        if rises_past(peaks[0], target["packets_peak"], alarm_packets) or rises_past(
            peaks[1], target["flows_peak"], alarm_flows
        ):
            lists = {n: list(target[n]) for n in ("source_bins", "spread_bins", "registers")}
            self.show("targets", target, **lists)
        target.update(sample_of(row, "late", wide=True))

    def roll(self, target: Record, level: int, channel: int) -> None:
        allowed_packets, _, allowed_flows, _ = (int(v) for v in self.limits.flood[level, channel])
        second = self.clock // k.SECOND
        if second <= target["second"]:
            return
        left = min(second - target["second"], 1 << 20)
        while left and any(target[n] for n in ("packets_sum", "flows_sum", "packets_now", "flows_now")):
            # one second at a time, but for sums that take days to run dry
            step = 1 if target["packets_now"] or target["flows_now"] or left < 5000 else left - 100
            y = target["packets_sum"] + target["packets_now"] - allowed_packets * step
            z = target["flows_sum"] + target["flows_now"] - allowed_flows * step
            target.update(packets_sum=max(0, y), flows_sum=max(0, z), packets_now=0, flows_now=0)
            left -= step
        target["second"] = second
        if target["packets_sum"] == 0 and target["flows_sum"] == 0:
            self.restart(target)

    @staticmethod
    def restart(target: Record) -> None:
        for name in (
            "packets_now",
            "flows_now",
            "packets_sum",
            "flows_sum",
            "packets_peak",
            "flows_peak",
            "most_packets",
            "most_flows",
            "packets",
            "bytes",
            "replies",
            "flows",
            "sport_votes",
            "dport_votes",
            "host_votes",
        ):
            target[name] = 0
        target.update(source_bins=[0] * 16, spread_bins=[0] * 16, registers=[0] * 32)

    @staticmethod
    def add(bins: list[int], at: int, packets: int) -> None:
        bins[at] += min(packets, 4096)
        if bins[at] > 60000:
            bins[:] = [b >> 1 for b in bins]

    # --- logins ---

    def service(self, row: dict[str, int]) -> int:
        said, asked = row["dst_head"].to_bytes(8, "big"), row["src_head"].to_bytes(8, "big")
        by_port = int(self.limits.services[row["dst_port"]])
        if said.startswith(b"SSH-") or asked.startswith(b"SSH-"):
            return k.SSH
        if said[:4] in (b"220 ", b"220-"):
            return k.SMTP if by_port == k.SMTP else k.FTP
        for text, service in ((b"+OK", k.POP3), (b"* OK", k.IMAP), (b"RFB ", k.VNC)):
            if said.startswith(text):
                return service
        if asked[:2] == b"\x03\x00" and asked[5] == 0xE0:
            return k.RDP
        if asked[0] == 0 and asked[4:] in (b"\xffSMB", b"\xfeSMB"):
            return k.SMB
        if said[0] == 0xFF and 0xFB <= said[1] <= 0xFE:
            return k.TELNET
        return by_port

    def recent(self, login: Record) -> int:
        left = max(self.limits.login_window - (self.clock - login["window"]), 0)
        return login["now"] + login["before"] * left // self.limits.login_window

    def login(self, row: dict[str, int]) -> None:
        if row["proto"] != k.TCP or row["dst_packets"] == 0 or row["sampling"] > 1:
            return
        service = self.service(row)
        if service == 0:
            return
        key = (row["a"], row["b"], row["dst_port"])
        login = self.logins.get(key)
        if login is None:
            login = self.logins[key] = Record(
                src_domain=row["a"][0],
                src_hi=row["src_hi"],
                src_lo=row["src_lo"],
                dst_domain=row["b"][0],
                dst_hi=row["dst_hi"],
                dst_lo=row["dst_lo"],
                port=row["dst_port"],
                last=k.FAR_PAST,
                service=service,
            )
            login["ring"] = [0] * k.OPEN_LOGINS
        if login["service"] == k.LOGIN_PORT or service != self.limits.services[row["dst_port"]]:
            login["service"] = service
        size, lasted = min((row["src_payload"] + row["dst_payload"]) & M64, 1 << 40), row["lasted"]
        closed = (row["src_flags"] | row["dst_flags"]) & (k.FIN | k.RST) or row["kind"] == k.END
        mark, ring = row["flow_id"] % 65535 + 1, login["ring"]
        if closed:
            ended = row["report"] == 0 or mark in ring
            if mark in ring:
                ring[len(ring) - 1 - ring[::-1].index(mark)] = 0
            short = size <= self.limits.attempt_bytes and lasted <= self.limits.attempt_ns
            if ended and row["dst_payload"] > 0 and short:
                self.attempt(login, row, size, lasted)
                if self.recent(login) >= self.limits.gate:
                    self.show("logins", login)
                login.update(sample_of(row, "late"))
                return
        elif mark not in ring:
            ring[login["turn"]] = mark
            login["turn"] = (login["turn"] + 1) % len(ring)
        if (
            login["attempts"] > 0
            and row["first"] >= login["reached"]
            and self.clock - login["last"] <= self.limits.login_window
            and login["success_flow"] != row["flow_id"]
            and (size >= 2 * login["largest"] + 2048 or lasted >= max(60 * k.SECOND, 4 * login["longest"]))
        ):
            login["successes"] += 1
            login.update(success_flow=row["flow_id"], success_bytes=size, success_ns=lasted)
            self.show("logins", login)

    def attempt(self, login: Record, row: dict[str, int], size: int, lasted: int) -> None:
        if self.clock - login["last"] > self.limits.login_window:
            login.update(
                attempts=0,
                similar=0,
                successes=0,
                reached=k.FAR_FUTURE,
                largest=0,
                longest=0,
                votes=0,
                now=0,
                before=0,
                window=self.clock,
            )
        if login["attempts"] == 0:
            login.update(sample_of(row, "first"), began=row["first"], window=self.clock)
        passed = (self.clock - login["window"]) // self.limits.login_window
        if passed > 0:
            login["before"] = login["now"] if passed == 1 else 0
            login["now"] = 0
            login["window"] += passed * self.limits.login_window
        login["now"] += 1
        login["attempts"] += 1
        login["last"] = self.clock
        login["largest"], login["longest"] = max(login["largest"], size), max(login["longest"], lasted)
        near = abs(size - login["typical"]) <= max(128, login["typical"] >> 2)
        if login["votes"] == 0:
            near = near or login["attempts"] == 1
            login["typical"], login["votes"] = size, 1
        else:
            login["votes"] += 1 if near else -1
        login["similar"] += near
        if login["reached"] == k.FAR_FUTURE and self.recent(login) >= self.limits.login_attempts:
            login["reached"] = self.clock
