"""Scenes for detectors: FLOW and EVENT rows as the meter would report them, written as a story."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from citywall.addresses import to_words
from citywall.batches import (
    ACK,
    ARP_REPLY,
    ARP_REQUEST,
    DATAGRAM_ABANDONED,
    END,
    END_IDLE,
    END_LOGGED,
    EVENT,
    FIN,
    FLOW,
    FRAGMENT_OVERLAP,
    FRAGMENT_TINY,
    FRAGMENT_TOO_LARGE,
    ICMP,
    ICMPV6,
    ND_ADVERT,
    ND_SOLICIT,
    OPEN,
    PSH,
    RST,
    SYN,
    TCP,
    UDP,
    UPDATE,
)

SECOND = 1_000_000_000
T0 = 1_700_000_000 * SECOND
HALF = SECOND // 2
IDLE = 120 * SECOND

#: What a TCP flow's flags say at its end: (first, source's, target's, packets each way, payload each way).
TCP_FORMS = {
    "silent": (SYN, SYN, 0, 1, 0, 0, 0),
    "refused": (SYN, SYN, RST | ACK, 1, 1, 0, 0),
    "half_open": (SYN, SYN | RST, SYN | ACK, 2, 1, 0, 0),
    "unfinished": (SYN, SYN, SYN | ACK, 1, 1, 0, 0),
    "connect_only": (SYN, SYN | ACK | FIN, SYN | ACK | FIN, 4, 3, 0, 0),
    "talk": (SYN, SYN | ACK | PSH | FIN, SYN | ACK | PSH | FIN, 8, 7, 600, 4000),
    "login": (SYN, SYN | ACK | PSH | FIN, SYN | ACK | PSH | FIN, 10, 9, 1700, 1400),
    "one_sided": (SYN, SYN | ACK | PSH, 0, 6, 0, 500, 0),
    "null": (0, 0, 0, 1, 0, 0, 0),
    "xmas": (FIN | PSH | 32, FIN | PSH | 32, RST | ACK, 1, 1, 0, 0),
    "ack_probe": (ACK, ACK, RST, 1, 1, 0, 0),
    "syn_ack": (SYN | ACK, SYN | ACK, 0, 1, 0, 0, 0),
    "midstream": (ACK | PSH, ACK | PSH, ACK | PSH, 50, 60, 5000, 90000),
    "stray": (ACK, ACK, 0, 1, 0, 0, 0),
    "refusal": (RST | ACK, RST | ACK, 0, 1, 0, 0, 0),
}


def head(text: bytes) -> int:
    """First eight payload bytes as a batch holds them."""
    return int.from_bytes(text[:8].ljust(8, b"\0"), "big")


@dataclass
class Scene:
    """Collects flows and events; `reports()` and `events()` give them in order of time."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    resolution: list[dict[str, Any]] = field(default_factory=list)
    frame: int = 0

    def tcp(
        self,
        at: float,
        src: str,
        dst: str,
        dport: int,
        form: str = "talk",
        sport: int | None = None,
        lasts: float = 0.1,
        greets: bytes = b"",
        asks: bytes = b"",
        scale: float = 1.0,
        vlan: int = 0,
        slow: float = 0.0,
    ) -> Scene:
        """One TCP flow. `slow`: seconds until the target answers at all."""
        first, s, d, sp, dp, spay, dpay = TCP_FORMS[form]
        sp, dp = max(1, round(sp * scale)), max(1 if dp else 0, round(dp * scale))
        return self.flow(
            at,
            src,
            dst,
            TCP,
            sport,
            dport,
            sp,
            dp,
            int(spay * scale),
            int(dpay * scale),
            lasts,
            first=first,
            flags=(s, d),
            heads=(asks, greets),
            vlan=vlan,
            slow=slow,
        )

    def udp(
        self,
        at: float,
        src: str,
        dst: str,
        dport: int,
        sent: int = 1,
        back: int = 1,
        sport: int | None = None,
        lasts: float = 0.05,
        vlan: int = 0,
        size: int = 60,
    ) -> Scene:
        """One UDP flow of `sent` packets of `size` payload bytes and `back` packets of twice that."""
        sizes = sent * size, 2 * back * size
        return self.flow(at, src, dst, UDP, sport, dport, sent, back, *sizes, lasts, vlan=vlan)

    def ping(
        self,
        at: float,
        src: str,
        dst: str,
        sent: int = 1,
        back: int = 1,
        lasts: float = 0.01,
        kind: int | None = None,
        vlan: int = 0,
    ) -> Scene:
        """One ICMP flow, echo requests unless `kind` says otherwise."""
        six = ":" in dst
        kind = (128 if six else 8) if kind is None else kind
        return self.flow(
            at,
            src,
            dst,
            ICMPV6 if six else ICMP,
            0,
            0,
            sent,
            back,
            sent * 56,
            back * 56,
            lasts,
            icmp=kind,
            vlan=vlan,
        )

    def flow(
        self,
        at: float,
        src: str,
        dst: str,
        proto: int,
        sport: int | None,
        dport: int,
        sent: int,
        back: int,
        spay: int,
        dpay: int,
        lasts: float,
        *,
        first: int = 0,
        flags: tuple[int, int] = (0, 0),
        heads: tuple[bytes, bytes] = (b"", b""),
        icmp: int = 0,
        vlan: int = 0,
        slow: float = 0.0,
    ) -> Scene:
        """One flow as the meter reports it: OPEN at a tick, UPDATE each second, END when idle."""
        self.frame += 1
        began = T0 + round(at * SECOND)
        last = began + round(lasts * SECOND)
        opened = -(-(began + HALF) // HALF) * HALF
        src_hi, src_lo = to_words(src)
        dst_hi, dst_lo = to_words(dst)
        if sport is None:
            sport = 20000 + self.frame % 40000
        base = {
            "flow_id": self.frame * 0x9E3779B97F4A7C15 % (1 << 64),
            "frame": self.frame,
            "offset": 100 * self.frame,
            "src_hi": src_hi,
            "src_lo": src_lo,
            "dst_hi": dst_hi,
            "dst_lo": dst_lo,
            "first": began,
            "src_port": sport,
            "dst_port": dport,
            "proto": proto,
            "version": 6 if ":" in src else 4,
            "first_flags": first,
            "icmp_type": icmp,
            "domain": vlan,
            "vlan": vlan,
            "src_head": head(heads[0]),
            "dst_head": head(heads[1]),
        }
        times = [opened]
        while times[-1] < last:
            times.append(times[-1] + SECOND)
        sent_so_far = back_so_far = 0
        bytes_so_far = [0, 0]
        for n, time in enumerate([*times, max(last + IDLE, times[-1])]):
            over = time >= last
            share = 1.0 if over else (time - began) / max(last - began, 1)
            s, d = (sent if over else max(1, int(sent * share))), (back if over else int(back * share))
            sp, dp = int(spay * share), int(dpay * share)
            f_s, f_d = flags
            if not over:
                f_s, f_d = f_s & ~(FIN | RST), f_d & ~(FIN | RST)
            if time < began + round(slow * SECOND):
                d, dp, f_d, f_s = 0, 0, 0, first
            sizes = (s * 40 + sp, d * 40 + dp)
            end = n == len(times)
            self.rows.append(
                base
                | {
                    "time": time,
                    "last": min(last, time),
                    "report": n,
                    "kind": END if end else UPDATE if n else OPEN,
                    "reason": END_IDLE if end else 0,
                    "src_packets": s,
                    "dst_packets": d,
                    "src_bytes": sizes[0],
                    "dst_bytes": sizes[1],
                    "src_payload": sp,
                    "dst_payload": dp,
                    "src_flags": f_s,
                    "dst_flags": f_d,
                    "src_packets_delta": s - sent_so_far,
                    "dst_packets_delta": d - back_so_far,
                    "src_bytes_delta": sizes[0] - bytes_so_far[0],
                    "dst_bytes_delta": sizes[1] - bytes_so_far[1],
                }
            )
            sent_so_far, back_so_far, bytes_so_far = s, d, [sizes[0], sizes[1]]
        return self

    def logged(self) -> Scene:
        """The same flows as a flow log tells them: one END row a flow, at its start."""
        ends = [r for r in self.rows if r["kind"] == END]
        told = []
        for row in ends:
            deltas = {
                f"{side}_{what}_delta": row[f"{side}_{what}"]
                for side in ("src", "dst")
                for what in ("packets", "bytes")
            }
            told.append(
                row
                | deltas
                | {
                    "time": row["first"],
                    "report": 0,
                    "reason": END_LOGGED,
                    "frame": -1,
                    "offset": -1,
                    "src_head": 0,
                    "dst_head": 0,
                }
            )
        return Scene(told, self.resolution, self.frame)

    def arp(
        self,
        at: float,
        src: str,
        dst: str,
        *,
        answered: bool = False,
        mac: int = 0x02AA00000001,
        vlan: int = 0,
    ) -> Scene:
        """An ARP request (a neighbour solicitation for IPv6), and its answer."""
        six = ":" in dst
        self._event(at, src, dst, ND_SOLICIT if six else ARP_REQUEST, mac, 0, vlan)
        if answered:
            self._event(at + 0.0002, dst, src, ND_ADVERT if six else ARP_REPLY, 0x02BB00000001, mac, vlan)
        return self

    def _event(
        self, at: float, src: str, dst: str, kind: int, src_mac: int, dst_mac: int, vlan: int, **more: int
    ) -> None:
        self.frame += 1
        src_hi, src_lo = to_words(src)
        dst_hi, dst_lo = to_words(dst)
        self.resolution.append(
            {
                "time": T0 + round(at * SECOND),
                "src_hi": src_hi,
                "src_lo": src_lo,
                "dst_hi": dst_hi,
                "dst_lo": dst_lo,
                "src_mac": src_mac,
                "dst_mac": dst_mac,
                "offset": 100 * self.frame,
                "frame": self.frame,
                "domain": vlan,
                "vlan": vlan,
                "kind": kind,
                **more,
            }
        )

    def fragment(self, at: float, src: str, dst: str, kind: int, vlan: int = 0) -> Scene:
        """A fragment of which something is told."""
        self._event(at, src, dst, kind, 0, 0, vlan)
        return self

    def reports(self) -> np.ndarray:
        """FLOW rows in order of (time, flow_id, report)."""
        rows = sorted(self.rows, key=lambda r: (r["time"], r["flow_id"], r["report"]))
        return _array(rows, FLOW)

    def events(self) -> np.ndarray:
        """EVENT rows in order of time."""
        return _array(sorted(self.resolution, key=lambda r: r["time"]), EVENT)


def _array(rows: list[dict[str, Any]], dtype: np.dtype) -> np.ndarray:
    array = np.zeros(len(rows), dtype)
    for i, row in enumerate(rows):
        for name, value in row.items():
            array[name][i] = value
    return array


def address(i: int, six: bool = False, net: int = 0) -> str:
    """The i-th address of a documentation network (or of 10.<net>/16)."""
    return f"2001:db8:{net:x}::{i + 1:x}" if six else f"10.{net}.{i >> 8 & 255}.{i & 255}"


# --- scenes by name: hostile ones with what must be found, benign ones with nothing -----------------------


def horizontal(six: bool = False) -> Scene:
    """300 hosts asked for SSH, every fourth of them answers."""
    scene = Scene()
    for i in range(300):
        scene.tcp(
            i * 0.05, address(9, six, 1), address(i, six, 2), 22, "half_open" if i % 4 == 0 else "silent"
        )
    return scene


def vertical(six: bool = False) -> Scene:
    """500 ports of one host, nearly all refused."""
    scene = Scene()
    for i in range(500):
        scene.tcp(
            i * 0.02,
            address(9, six, 1),
            address(7, six, 2),
            1 + i * 37 % 60000,
            "half_open" if i % 50 == 0 else "refused",
            sport=40000,
        )
    return scene


def icmp_sweep(six: bool = False) -> Scene:
    """40 hosts pinged, a third silent."""
    scene = Scene()
    for i in range(40):
        scene.ping(i * 0.05, address(9, six, 1), address(i, six, 2), 1, 0 if i % 3 == 0 else 1)
    return scene


def arp_sweep(six: bool = False) -> Scene:
    """A /24 asked for by ARP (neighbour solicitation); six hosts are there."""
    scene = Scene()
    for i in range(1, 255):
        scene.arp(i * 0.01, address(9, six, 1), address(i + 20, six, 1), answered=i % 40 == 0)
    return scene


def syn_flood(six: bool = False) -> Scene:
    """2,000 SYN a second from as many sources to one port."""
    scene = Scene()
    for i in range(4000):
        scene.tcp(i * 0.0005, address(i * 7919 % 65000, six, 100 + i % 40), address(7, six, 2), 443, "silent")
    return scene


def udp_reflection(six: bool = False) -> Scene:
    """Answers of 300 name servers nobody asked."""
    scene = Scene()
    for i in range(900):
        scene.udp(i * 0.001, address(i % 300, six, 30), address(7, six, 2), 40000 + i % 9, 3, 0, sport=53)
    return scene


def tcp_reflection(six: bool = False) -> Scene:
    """SYN-ACK of 500 web servers nobody asked."""
    scene = Scene()
    for i in range(1000):
        scene.tcp(
            i * 0.001,
            address(i % 500, six, 30),
            address(7, six, 2),
            1024 + i * 31 % 60000,
            "syn_ack",
            sport=80,
        )
    return scene


def ping_flood(six: bool = False) -> Scene:
    """One flow of 30,000 pings in three seconds."""
    return Scene().ping(0.2, address(9, six, 1), address(7, six, 2), 30000, 0, lasts=3.0)


def ssh_guessing(six: bool = False) -> Scene:
    """60 log-in attempts on SSH at an odd port, and one that stays."""
    scene = Scene()
    for i in range(60):
        scene.tcp(
            i * 1.5,
            address(9, six, 1),
            address(7, six, 2),
            902,
            "login",
            lasts=1.0,
            greets=b"SSH-2.0-O",
            asks=b"SSH-2.0-P",
        )
    return scene.tcp(
        95,
        address(9, six, 1),
        address(7, six, 2),
        902,
        "login",
        lasts=80.0,
        greets=b"SSH-2.0-O",
        asks=b"SSH-2.0-P",
        scale=12,
    )


def overlapping(six: bool = False) -> Scene:
    """A few datagrams of one sender, each with a fragment that says otherwise."""
    scene = Scene()
    for i in range(4):
        scene.fragment(i * 0.5, address(7, six, 1), address(8, six, 2), FRAGMENT_OVERLAP)
    return scene


def tiny(six: bool = False) -> Scene:
    """A scan that hides its flags behind fragments of eight bytes."""
    scene = Scene()
    for i in range(6):
        scene.fragment(i * 0.2, address(7, six, 1), address(9, six, 2), FRAGMENT_TINY)
    return scene


def oversized(six: bool = False) -> Scene:
    """The ping of death."""
    return Scene().fragment(0, address(7, six, 1), address(8, six, 2), FRAGMENT_TOO_LARGE)


def fragment_flood(six: bool = False) -> Scene:
    """First fragments from ever other senders, nothing of the rest."""
    scene = Scene()
    for i in range(900):
        scene.fragment(i * 0.01, address(i, six, 40), address(8, six, 2), DATAGRAM_ABANDONED)
    return scene


HOSTILE = {
    ("evasion", "overlap"): overlapping,
    ("evasion", "tiny_fragments"): tiny,
    ("evasion", "oversized_datagram"): oversized,
    ("evasion", "fragment_flood"): fragment_flood,
    ("scan", "horizontal"): horizontal,
    ("scan", "vertical"): vertical,
    ("scan", "icmp_sweep"): icmp_sweep,
    ("flood", "syn_flood"): syn_flood,
    ("flood", "udp_reflection"): udp_reflection,
    ("flood", "tcp_reflection"): tcp_reflection,
    ("flood", "icmp_flood"): ping_flood,
    ("bruteforce", "guessing"): ssh_guessing,
}


def browsing(six: bool = False) -> Scene:
    """Ten parallel connections at a time to many servers; now and then one is down."""
    scene = Scene()
    for i in range(400):
        scene.tcp(
            i // 10 * 1.0,
            address(5, six, 1),
            address(i % 150, six, 40),
            443,
            "silent" if i % 50 == 49 else "talk",
        )
        scene.udp(i // 10 * 1.0 + 0.01, address(5, six, 1), address(1, six, 1), 53, size=35)
    return scene


def lossy(six: bool = False) -> Scene:
    """A call of large datagrams over a bad line: eight a second stay incomplete."""
    scene = Scene()
    for i in range(800):
        scene.fragment(i * 0.125, address(5, six, 1), address(6, six, 40), DATAGRAM_ABANDONED)
    return scene


def traceroute(six: bool = False) -> Scene:
    """UDP and ICMP traceroute: many ports of one host without an answer, many routers that speak up."""
    scene = Scene()
    for i in range(90):
        scene.udp(i * 0.05, address(5, six, 1), address(7, six, 9), 33434 + i, 1, 0)
    for hop in range(25):
        scene.ping(5 + hop * 0.1, address(hop, six, 50), address(5, six, 1), 3, 0, kind=3 if six else 11)
    return scene.ping(5, address(5, six, 1), address(7, six, 9), 75, 3, lasts=4)


def peer_to_peer(six: bool = False) -> Scene:
    """Hundreds of peers, each on a port of its own, half of them gone."""
    scene = Scene()
    for i in range(400):
        dport = 1025 + i * 7919 % 60000
        src, dst = address(5, six, 1), address(i, six, 60)
        if i % 3 == 0:
            scene.tcp(i * 0.2, src, dst, dport, "silent" if i % 2 else "talk")
        else:
            scene.udp(i * 0.2, src, dst, dport, 2, i % 2, sport=6881)
    return scene


def monitoring(six: bool = False) -> Scene:
    """120 servers polled each minute by ping, TCP connect and SNMP; all are there but two."""
    scene = Scene()
    for minute in range(5):
        for i in range(120):
            at, dst = minute * 60 + i * 0.1, address(i, six, 70)
            down = i in (40, 90)
            scene.ping(at, address(5, six, 1), dst, 3, 0 if down else 3)
            scene.tcp(at + 0.02, address(5, six, 1), dst, 443, "silent" if down else "talk")
            scene.udp(at + 0.04, address(5, six, 1), dst, 161, 4, 0 if down else 4)
    return scene


def busy_server(six: bool = False) -> Scene:
    """400 connections a second, all finished; a download, a call and an SNMP walk beside them."""
    scene = Scene()
    for i in range(1600):
        scene.tcp(i * 0.0025, address(i % 600, six, 80), address(7, six, 2), 443, "talk")
    scene.flow(
        0,
        address(5, six, 1),
        address(8, six, 2),
        TCP,
        None,
        443,
        40000,
        90000,
        2000,
        120_000_000,
        6.0,
        first=SYN,
        flags=(SYN | ACK | PSH, SYN | ACK | PSH),
    )
    scene.udp(0, address(6, six, 1), address(9, six, 2), 3478, 300, 280, lasts=6.0)
    scene.udp(1, address(6, six, 1), address(10, six, 2), 161, 200, 200, lasts=0.086)
    return scene.udp(2, address(11, six, 2), address(6, six, 1), 5004, 2400, 0, lasts=2.0)


def web_polling(six: bool = False) -> Scene:
    """A client that asks a web service and a TLS service again and again, alike each time."""
    scene = Scene()
    for i in range(200):
        scene.tcp(
            i * 0.5,
            address(5, six, 1),
            address(7, six, 2),
            8080,
            "talk",
            asks=b"GET / HT",
            greets=b"HTTP/1.1",
        )
        scene.tcp(i * 0.5 + 0.1, address(5, six, 1), address(7, six, 2), 443, "login", asks=b"\x16\x03\x01")
    return scene


def administration(six: bool = False) -> Scene:
    """A person who opens a few SSH sessions, and checks by SSH once a minute."""
    scene = Scene()
    for i in range(4):
        scene.tcp(
            i * 40,
            address(5, six, 1),
            address(7, six, 2),
            22,
            "login",
            lasts=300,
            greets=b"SSH-2.0-",
            scale=30,
        )
    for i in range(20):
        scene.tcp(
            i * 60,
            address(6, six, 1),
            address(7, six, 2),
            22,
            "login",
            lasts=1.0,
            greets=b"SSH-2.0-",
            scale=2,
        )
    return scene


BENIGN = {
    f.__name__: f
    for f in (browsing, lossy, traceroute, peer_to_peer, monitoring, busy_server, web_polling, administration)
}
