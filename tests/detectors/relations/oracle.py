"""The relation kernel told slowly: dictionaries, Python integers, no limits of memory.

Nothing is ever given up here, so it equals the kernel as long as the kernel's tables are not full.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from detector_oracle import M64, MIX, Record, clamp, host_hash, is_many, leading, mix64

from citywall.addresses import is_private
from citywall.batches import OTHER_SENDER
from detectors.features import kernels as f
from detectors.relations import kernels as k
from detectors.relations import records as r

MILESTONES = {2**n for n in range(32)} | {3 * 2**n for n in range(31)}
OUT = ("pairs", "spreads", "services", "segments", "bindings", "cards", "edges")
HEADS = {
    r.HTTP_REQUEST: (b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTIONS ", b"CONNECT "),
    r.HTTP_RESPONSE: (b"HTTP",),
    r.SSH: (b"SSH-",),
    r.TLS: (b"\x14\x03", b"\x15\x03", b"\x16\x03", b"\x17\x03"),
    r.SCRIPT: (b"#!/", b"#! "),
    r.EXECUTABLE: (b"MZ\x90\0", b"\x7fELF"),
    r.JSON_RPC: (b'{"id":', b'{"method', b'{"params', b'{"jsonrp', b'{"worker', b'{"result'),
    r.SHELL: (
        b"Microsof", b"Windows ", b"/bin/sh", b"bash:", b"sh: ", b"sh$:", b"uid=", b"id\n", b"ls\n", b"pwd\n",
        b"ls -", b"whoami\n", b"whoami\r\n", b"uname -a", b"ipconfig", b"ifconfig", b"net user",
    ),
    r.RPC: (b"\x05\0\x0b", b"\x05\0\0"),
}  # fmt: skip


def bits_of(head: int) -> int:
    raw = head.to_bytes(8, "big")
    if not head:
        return 0
    if raw[4:] == b"MZ\x90\0" and not any(
        raw.startswith(text) for bit in (1, 2, 4, 8, 16) for text in HEADS[bit]
    ):
        return r.EXECUTABLE
    return next((bit for bit, texts in HEADS.items() if raw.startswith(texts)), 0)


def rank(registers: list[int], h: int) -> bool:
    at, rest, n = h % len(registers), h >> 8, 1
    while n < 56 and not rest & 1:
        rest, n = rest >> 1, n + 1
    rose = n > registers[at]
    registers[at] = max(n, registers[at])
    return rose


def segment_share(domain: int, partitions: int) -> int:
    h = (0 ^ MIX[0]) * MIX[1] & M64
    h = (h ^ h >> 32 ^ domain) * MIX[2] & M64
    h = (h ^ h >> 32 ^ 35 << 40) * MIX[1] & M64
    return (h ^ h >> 29) % (1 << 32) * partitions >> 32


class Oracle:
    """Takes rows like `detectors.relations.tables.Relations`; gives (row, fields) for every copy."""

    def __init__(self, reach: k.Reach) -> None:
        self.reach = reach
        self.clock = f.FAR_PAST
        self.tables: dict[str, dict[Any, Record]] = {name: {} for name in (*OUT, "places")}

    def get(self, name: str, key: Any, **first: Any) -> tuple[Record, bool]:
        table = self.tables[name]
        if key in table:
            return table[key], False
        table[key] = Record(first)
        return table[key], True

    def show(self, name: str, record: Record) -> None:
        fields = {n: v if not isinstance(v, list) else list(v) for n, v in record.items()}
        self.out[name].append((self.n, fields))

    # --- flows ---

    def observe_flows(self, reports: np.ndarray) -> dict[str, list[tuple[int, dict[str, Any]]]]:
        self.out: dict[str, Any] = {name: [] for name in OUT}
        for self.n, raw in enumerate(reports):
            row = {name: int(raw[name]) for name in reports.dtype.names}
            self.clock = max(self.clock, min(row["time"], f.FAR_FUTURE))
            src, dst = (row["src_hi"], row["src_lo"]), (row["dst_hi"], row["dst_lo"])
            row["a"] = (row["domain"] if is_private(*src) else 0, *src)
            row["b"] = (row["domain"] if is_private(*dst) else 0, *dst)
            row["lasted"] = max(clamp(row["last"]) - clamp(row["first"]), 0)
            row["fresh"] = row["dst_packets"] > 0 and row["dst_packets"] == row["dst_packets_delta"]
            self.segment(row)
            if not self.related(row):
                continue
            swap = self.turned(row)
            tcp = row["proto"] == f.TCP
            row["watched"] = int(self.reach.watch[row["dst_port"]]) if tcp and not swap else 0
            row["attempt"] = bool(row["watched"] & r.LOGIN) and self.attempt(row)
            refused = tcp and row["dst_flags"] & (f.RST | f.SYN) == f.RST and not row["dst_payload"]
            row["answer"] = row["fresh"] and not refused
            inside = is_private(*dst)
            heard = row["dst_payload"] and (row["report"] <= 1 or row["attempt"])
            reached = row["answer"] or heard
            if tcp and not swap and reached and (row["watched"] & ~r.CLEAR or inside):
                self.spread(row)
            pair = self.pair(row, swap)
            if not tcp or swap:
                continue
            if row["watched"] & r.ADMIN or bits_of(row["src_head"]) == r.RPC:
                self.edge(row, pair["unheard"])
            if row["attempt"] or (row["answer"] and row["watched"] & r.INDUSTRIAL):
                self.service(row)
        return self.out

    def related(self, row: dict[str, int]) -> bool:
        proto, ends = row["proto"], [(row[f"{s}_hi"], row[f"{s}_lo"]) for s in ("src", "dst")]
        if row["report"] and not row["src_packets_delta"] and not row["dst_packets_delta"]:
            return False
        if proto not in (f.TCP, f.UDP, f.ICMP, f.ICMPV6) or any(is_many(*end) for end in ends):
            return False
        if proto == f.ICMPV6 and row["icmp_type"] >= 130 and row["icmp_type"] != 137:
            return False
        if proto == f.TCP and row["src_port"] == row["dst_port"] == 0:
            return False
        return ends[0] not in ((0, 0), (0, 0xFFFF << 32))

    def turned(self, row: dict[str, int]) -> bool:
        src, dst = row["src_port"], row["dst_port"]
        if row["proto"] == f.TCP:
            opened = row["first_flags"] & (f.SYN | f.ACK) == f.SYN
            return not opened and row["first_flags"] != 0 and src < dst and (src < 1024 or dst >= 32768)
        if row["proto"] == f.UDP:
            return src < 1024 <= dst
        return row["icmp_type"] == (0 if row["proto"] == f.ICMP else 129)

    def attempt(self, row: dict[str, int]) -> bool:
        over = (row["src_flags"] | row["dst_flags"]) & (f.FIN | f.RST) or row["kind"] == f.END
        told = row["report"] == 0 or row["src_packets_delta"] or row["dst_packets_delta"]
        size = min(row["src_payload"], 1 << 40) + min(row["dst_payload"], 1 << 40)
        short = size <= self.reach.attempt_bytes and row["lasted"] <= self.reach.attempt_ns
        return bool(over and told and row["dst_payload"] and short and row["sampling"] <= 1)

    def kept(self, row: dict[str, int]) -> dict[str, int]:
        names = ("flow_id", "frame", "offset", "src_hi", "src_lo", "dst_hi", "dst_lo", "domain", "src_port",
                 "dst_port", "proto")  # fmt: skip
        return {f"first_{n}": row[n] for n in names} | {"first_time": row["first"]}

    def pair(self, row: dict[str, int], swap: bool) -> Record:
        lim, time, proto = self.reach, self.clock, row["proto"]
        icmp = proto in (f.ICMP, f.ICMPV6)
        one, other = ("dst", "src") if swap else ("src", "dst")
        a, b = (row["b"], row["a"]) if swap else (row["a"], row["b"])
        port, far = (0 if icmp else row[f"{other}_port"]), row[f"{one}_port"]
        pair, is_new = self.get(
            "pairs", (a, b, proto, port),
            src_hi=a[1], src_lo=a[2], dst_hi=b[1], dst_lo=b[2], src_domain=a[0], dst_domain=b[0], port=port,
            proto=proto, began=row["first"], window=time, day=time, hour=time // k.HOUR,
            starts=[0] * r.STARTS, sizes=[0] * r.STARTS, first_far_port=far, first_turned=int(swap),
            **self.kept(row),
        )  # fmt: skip
        if time - pair["window"] > lim.window:
            pair["window"] = time
            for name in ("now_flows", "now_sent", "now_back", "now_sent_bytes", "now_back_bytes"):
                pair[name] = 0
        if time - pair["day"] > k.DAY:
            pair["day"], pair["sent_bytes"], pair["back_bytes"] = time, 0, 0
        sent, back = row[f"{one}_packets_delta"], row[f"{other}_packets_delta"]
        sent_bytes, back_bytes = (min(row[f"{s}_bytes_delta"], 1 << 40) for s in (one, other))
        asks, says = (bits_of(row[f"{s}_head"]) for s in (one, other))
        answer = row["report"] == 0 if swap else row["answer"]
        show = False
        if row["report"] == 0:
            place = pair["flows"] % r.STARTS
            since = (clamp(row["first"]) - clamp(pair["began"])) // k.MILLISECOND
            pair["starts"][place] = min(max(since, 0), 0xFFFFFFFF)
            pair["sizes"][place] = min(sent_bytes, 0xFFFFFFFF)
            pair["flows"] += 1
            pair["now_flows"] += 1
            gap = time // k.HOUR - pair["hour"]
            pair["hours"] = 1 if not 0 <= gap < 24 else (pair["hours"] << gap | 1) & 0xFFFFFF
            pair["hour"] = time // k.HOUR
            n, now = pair["flows"], pair["now_flows"]
            show |= n >= lim.beacon_flows and n in MILESTONES
            show |= bool(pair["asks"] & r.RPC) and now >= lim.rpc_flows and leading(now) != leading(now - 1)
        if answer:
            pair["answered"] += 1
            show |= pair["answered"] == 1
        if proto == f.TCP and (asks | says) & (r.EXECUTABLE | r.SCRIPT | r.SHELL):
            control = self.tables["pairs"].get((a, b, f.TCP, 21))
            if control is not None and time - control["last"] <= r.TRANSFER_WITHIN:
                asks |= r.TRANSFER
        if asks & ~pair["asks"] or says & ~pair["says"]:
            pair["asks"] |= asks
            pair["says"] |= says
            show = True
        talked, bulk = pair["now_sent"] + pair["now_back"], pair["sent_bytes"]
        for name, amount in (
            ("now_sent", sent), ("now_back", back), ("now_sent_bytes", sent_bytes),
            ("now_back_bytes", back_bytes), ("sent_bytes", sent_bytes), ("back_bytes", back_bytes),
        ):  # fmt: skip
            pair[name] += amount
        talking = talked + sent + back
        if icmp or port == 53:
            show |= talking >= lim.talk_packets and leading(talking) != leading(talked)
        show |= pair["sent_bytes"] >= lim.bulk and leading(pair["sent_bytes"]) != leading(bulk)
        if proto == f.TCP and self.reach.watch[port] & r.CLEAR:
            show |= bulk < r.SAID <= pair["sent_bytes"]
        before = pair["held_last"] - pair["held_began"]
        first = clamp(row["first"])
        if pair["held_port"] == far and pair["flows"] > 1 and first - pair["held_last"] <= k.CUT:
            pair["held_last"] = max(pair["held_last"], first + row["lasted"])
        elif row["lasted"] > before or pair["flows"] <= 1:
            pair["held_port"], pair["held_began"], pair["held_last"] = far, first, first + row["lasted"]
        held = pair["held_last"] - pair["held_began"]
        show |= held >= lim.held and leading(held) != leading(before)
        if port == 502 and answer and not swap and row["src_payload"]:
            show |= self.modbus(row, pair)
        pair["last"] = time
        if is_new or show:
            pair["unheard"] = self.crowd(a, b)
        if show and self.matters(row, pair):
            self.show("pairs", pair)
        return pair

    def matters(self, row: dict[str, int], pair: Record) -> bool:
        """Whether what some detector asks of a pair, at the least, is so."""
        lim, port, tcp = self.reach, pair["port"], pair["proto"] == f.TCP
        named = any(
            pair["dst_hi"] & mask_hi == hi and pair["dst_lo"] & mask_lo == lo
            for hi, lo, mask_hi, mask_lo in lim.resolvers.tolist()
        )
        told, asks = int(lim.told[port]), pair["asks"]
        spoken_of = (
            lim.contacts
            or (asks | pair["says"]) & (r.SHELL | r.EXECUTABLE | r.SCRIPT | r.JSON_RPC)
            or told & r.ALWAYS
            or (tcp and told & r.OVER_TCP)
            or (told & r.NO_WEB and asks & r.HTTP_REQUEST)
            or (told & r.NAMED and named)
        )
        talk = pair["now_sent"] + pair["now_back"] >= lim.talk_packets
        counted = row["report"] == 0 and pair["flows"] in MILESTONES
        return bool(
            pair["sent_bytes"] >= lim.bulk
            or pair["held_last"] - pair["held_began"] >= lim.held
            or (talk and (port == 53 or pair["proto"] in (f.ICMP, f.ICMPV6)))
            or (counted and pair["flows"] >= lim.beacon_flows)
            or (asks & r.RPC and pair["now_flows"] >= lim.rpc_flows)
            or (port == 502 and (pair["functions"] or pair["writes"] or pair["errors"]))
            or (pair["answered"] and spoken_of)
        )

    def modbus(self, row: dict[str, int], pair: Record) -> bool:
        code, show = row["src_head"] & 255, False
        if code < 32:
            show = not pair["functions"] >> code & 1
            pair["functions"] |= 1 << code
        for name, counts in (
            ("writes", code in (5, 6, 15, 16, 22, 23)),
            ("errors", row["dst_head"] & 255 == code + 128),
        ):
            if counts:
                pair[name] += 1
                show |= leading(pair[name]) != leading(pair[name] - 1)
        return show

    def crowd(self, a: Any, b: Any) -> int:
        place, _ = self.get("places", b, crowd=[0] * r.CROWD)
        rank(place["crowd"], mix64(host_hash(a)))
        return place["crowd"].count(0)

    def spread(self, row: dict[str, int]) -> None:
        time, port, a = self.clock, row["dst_port"], row["a"]
        spread, _ = self.get(
            "spreads", (a, port), src_hi=a[1], src_lo=a[2], domain=a[0], port=port, proto=6,
            window=-f.FAR_FUTURE, reached=[0] * r.REGISTERS,
        )  # fmt: skip
        if time - spread["window"] > self.reach.spread_window:
            spread.update(
                window=time, flows=0, attempts=0, changes=0, base_hi=row["dst_hi"], base_lo=row["dst_lo"],
                spread_hi=0, spread_lo=0, reached=[0] * r.REGISTERS, **self.kept(row),
            )  # fmt: skip
        spread["attempts"] += row["attempt"]
        rose = False
        if row["answer"]:
            spread["flows"] += 1
            spread["spread_hi"] |= spread["base_hi"] ^ row["dst_hi"]
            spread["spread_lo"] |= spread["base_lo"] ^ row["dst_lo"]
        if row["dst_payload"]:
            rose = rank(spread["reached"], mix64(host_hash(row["b"])))
            spread["changes"] += rose
        spread["last"] = time
        changes, attempts = spread["changes"], spread["attempts"]
        guessed = row["attempt"] and row["watched"] & r.LOGIN
        if changes >= self.reach.gate and (
            (rose and leading(changes) != leading(changes - 1))
            or (guessed and leading(attempts) != leading(attempts - 1))
        ):
            self.show("spreads", spread)

    def service(self, row: dict[str, int]) -> None:
        time, port, b, lim = self.clock, row["dst_port"], row["b"], self.reach
        service, _ = self.get(
            "services", (b, port), hi=b[1], lo=b[2], domain=b[0], port=port, proto=6, began=time,
            window=-f.FAR_FUTURE, comers=[0] * r.REGISTERS, masters=[],
        )  # fmt: skip
        if time - service["window"] > lim.service_window:
            service.update(window=time, attempts=0, changes=0, comers=[0] * r.REGISTERS, **self.kept(row))
        service["newcomer"], rose = 0, False
        if row["attempt"] and row["watched"] & r.LOGIN:
            service["attempts"] += 1
            rose = rank(service["comers"], mix64(host_hash(row["a"])))
            service["changes"] += rose
        if row["answer"]:
            if row["watched"] & r.INDUSTRIAL and row["a"] not in service["masters"]:
                if len(service["masters"]) < r.KNOWN:
                    service["masters"].append(row["a"])
                    service["known"] = len(service["masters"])
                if time - service["began"] >= lim.learn and service["flows"] >= lim.learn_flows:
                    service["strangers"] += 1
                    service["newcomer"] = 1
            service["flows"] += 1
        service["last"] = time
        changes, attempts = service["changes"], service["attempts"]
        guessed = changes >= lim.gate and (
            (rose and leading(changes) != leading(changes - 1))
            or (row["attempt"] and leading(attempts) != leading(attempts - 1))
        )
        if guessed or service["newcomer"]:
            self.show("services", service)

    def edge(self, row: dict[str, int], unheard: int) -> None:
        port = row["dst_port"]
        way = {445: r.SHARE, 139: r.SHARE, 135: r.MAPPER}.get(port, 0)
        if port in (88, 389, 464, 3268, 636):
            way = r.DIRECTORY
        if not way and port >= 1024 and bits_of(row["src_head"]) == r.RPC:
            way = r.PROCEDURES
        if not way or not row["dst_packets"]:
            return
        a, b, time = row["a"], row["b"], self.clock
        edge, _ = self.get(
            "edges", (a, b), src_hi=a[1], src_lo=a[2], dst_hi=b[1], dst_lo=b[2], src_domain=a[0],
            dst_domain=b[0], began=row["first"], window=-f.FAR_FUTURE,
        )  # fmt: skip
        if time - edge["window"] > self.reach.edge_window:
            edge.update(window=time, ways=0, share_bytes=0, rpc_bytes=0, **self.kept(row))
        before = edge["ways"], leading(edge["share_bytes"]), leading(edge["rpc_bytes"])
        size = min(row["src_bytes_delta"], 1 << 40)
        edge["share_bytes"] += size if way == r.SHARE else 0
        edge["rpc_bytes"] += size if way == r.PROCEDURES else 0
        edge["ways"] |= way
        edge["ever"] |= way
        edge["last"] = time
        if edge["ways"] & r.PROCEDURES and before != (
            edge["ways"], leading(edge["share_bytes"]), leading(edge["rpc_bytes"]),
        ):  # fmt: skip
            edge["unheard"] = unheard
            self.show("edges", edge)

    def segment(self, row: dict[str, int]) -> None:
        ports = row["src_port"], row["dst_port"]
        if row["proto"] == f.UDP and ports in ((68, 67), (546, 547)):
            if row["src_packets_delta"] or row["report"] == 0:
                self.told(row, r.DHCP_REQUESTS, None, row["src_packets_delta"])
            if row["fresh"] and not is_many(row["dst_hi"], row["dst_lo"]):
                self.told(row, r.DHCP_SERVERS, row["b"], 0)
        elif row["report"] == 0:
            if row["proto"] == f.UDP and ports in ((67, 68), (547, 546)):
                self.told(row, r.DHCP_SERVERS, row["a"], 0)
            elif row["proto"] == f.ICMPV6 and row["icmp_type"] == 134:
                self.told(row, r.ROUTERS, row["a"], 0)

    def told(self, row: dict[str, int], kind: int, speaker: Any, packets: int) -> None:
        lim, time = self.reach, self.clock
        segment, _ = self.get(
            "segments", (row["domain"], kind), domain=row["domain"], kind=kind, began=time,
            window=-f.FAR_FUTURE, speakers=[],
        )  # fmt: skip
        if time - segment["window"] > lim.segment_window:
            if segment["packets"] < lim.burst and segment["now_strangers"] < lim.gate:
                segment.update(most=0, **self.kept(row))
            segment.update(window=time, packets=0, now_strangers=0)
        before = segment["most"]
        segment["packets"] += packets
        segment["most"] = max(before, segment["packets"])
        segment["newcomer"] = 0
        show = segment["most"] >= lim.burst and leading(segment["most"]) != leading(before)
        if kind != r.DHCP_REQUESTS and speaker not in segment["speakers"]:
            if len(segment["speakers"]) < r.KNOWN:
                segment["speakers"].append(speaker)
                segment["known"] = len(segment["speakers"])
            segment["strangers"] += 1
            segment["now_strangers"] += 1
            learnt = time - segment["began"] >= lim.learn and segment["flows"] >= lim.learn_flows
            segment["newcomer"] = int(learnt)
            n = segment["now_strangers"]
            show = show or learnt or (n >= lim.gate and leading(n) != leading(n - 1))
        segment["flows"] += 1
        segment["last"] = time
        if show:
            self.show("segments", segment)

    # --- events ---

    def observe_events(self, events: np.ndarray) -> dict[str, list[tuple[int, dict[str, Any]]]]:
        self.out = {name: [] for name in OUT}
        for self.n, raw in enumerate(events):
            row = {name: int(raw[name]) for name in events.dtype.names if name != "text"}
            self.clock = max(self.clock, min(row["time"], f.FAR_FUTURE))
            if 1 <= row["kind"] <= 4:
                self.resolve(row)
        return self.out

    def resolve(self, row: dict[str, int]) -> None:
        src, dst = (row["src_hi"], row["src_lo"]), (row["dst_hi"], row["dst_lo"])
        arp, mac = row["kind"] <= 2, row["src_mac"]
        unasked = False
        if mac and src not in ((0, 0), (0, 0xFFFF << 32)) and not is_many(*src):
            binding = self.binding(row, src, mac, arp)
            if row["kind"] == 2:
                to_one = row["dst_mac"] not in (0, 0xFFFFFFFFFFFF)
                if row["dst_mac"] == 0xFFFFFFFFFFFF:
                    to_one = dst not in ((0, 0), (0, 0xFFFF << 32)) and not is_many(*dst)
                unasked = to_one and src != dst and self.clock - binding["asked"] > 5 * 10**9
            if arp:
                self.card(row, src, mac, unasked)
        if row["kind"] in (1, 3) and src != dst:
            self.binding(row, dst, 0, arp)["asked"] = self.clock

    def kept_packet(self, row: dict[str, int]) -> dict[str, int]:
        names = ("frame", "offset", "time", "src_hi", "src_lo", "dst_hi", "dst_lo", "domain")
        return {f"first_{n}": row[n] for n in names}

    def binding(self, row: dict[str, int], place: tuple[int, int], mac: int, arp: bool) -> Record:
        time = self.clock
        binding, _ = self.get(
            "bindings", (row["domain"], *place), hi=place[0], lo=place[1], domain=row["domain"], arp=int(arp),
            asked=-f.FAR_FUTURE, flipped=-f.FAR_FUTURE,
        )  # fmt: skip
        binding["last"] = time
        if mac and binding["mac"] not in (0, mac):
            if time - binding["flipped"] > self.reach.card_window:
                binding.update(flips=0, began=row["time"], **self.kept_packet(row))
            binding.update(flips=binding["flips"] + 1, flipped=time, rival=binding["mac"], mac=mac)
            n = binding["flips"]
            if n >= 2 and leading(n) != leading(n - 1):
                self.show("bindings", binding)
        binding["mac"] = mac or binding["mac"]
        return binding

    def card(self, row: dict[str, int], place: tuple[int, int], mac: int, unasked: bool) -> None:
        card, _ = self.get(
            "cards", (row["domain"], mac), mac=mac, domain=row["domain"], window=-f.FAR_FUTURE, claimed=[]
        )
        if self.clock - card["window"] > self.reach.card_window:
            card.update(window=self.clock, claims=0, unasked=0, claimed=[], **self.kept_packet(row))
        before = leading(card["claims"]), leading(card["unasked"])
        if place not in card["claimed"]:
            if len(card["claimed"]) < r.CLAIMS:
                card["claimed"].append(place)
            card["claims"] += 1
        if unasked:
            card.update(
                unasked=card["unasked"] + 1, hi=place[0], lo=place[1], told_hi=row["dst_hi"],
                told_lo=row["dst_lo"],
            )  # fmt: skip
        card.update(arp=1, last=self.clock)
        seen = leading(card["claims"]), leading(card["unasked"])
        if row["flags"] & OTHER_SENDER or (card["claims"] >= 2 and card["unasked"] and seen != before):
            self.show("cards", card)
