"""Frames made from Scapy's: each kind is built once by Scapy, then its fields are set in the bytes.

Building every packet from layers costs Scapy about a millisecond. Here a template of each kind gives the
layout; addresses, ports, numbers, lengths and checksums are written into a copy in microseconds.
Payloads with a structure (DNS, NTP, SNMP) are Scapy's as well, and kept by their contents.
"""

from __future__ import annotations

import ipaddress
import struct
from functools import cached_property, lru_cache
from typing import Any

from drills.packets import mac_bytes

_ETHER = 14
_SYN = 2


@lru_cache(maxsize=1 << 16)
def packed(address: str) -> bytes:
    """An address as 4 or 16 bytes."""
    return ipaddress.ip_address(address).packed


@lru_cache(maxsize=1 << 12)
def packed_mac(mac: str) -> bytes:
    """A MAC as 6 bytes."""
    return mac_bytes(mac)


def ones_sum(data: bytes | bytearray) -> int:
    """The one's complement sum of `data` as 16-bit words (RFC 1071), which is the value modulo 0xffff."""
    return int.from_bytes(data if len(data) % 2 == 0 else data + b"\0", "big") % 0xFFFF


def complement(total: int) -> int:
    """The checksum field for a sum (a sum of zero stands for 0xffff: no packet is all zeros)."""
    return 0xFFFF - (total % 0xFFFF or 0xFFFF)


class Side:
    """One end of a conversation: packed address and MAC."""

    __slots__ = ("address", "ip", "mac", "total")

    def __init__(self, address: str, mac: str) -> None:
        self.address = address
        self.ip = packed(address)
        self.mac = packed_mac(mac)
        self.total = ones_sum(self.ip)

    @property
    def version(self) -> int:
        """4 or 6."""
        return 4 if len(self.ip) == 4 else 6


class Forge:
    """Makes frames. Scapy is loaded on first use."""

    def __init__(self) -> None:
        self._ident = 0
        self._bodies: dict[tuple[Any, ...], bytes] = {}

    @cached_property
    def scapy(self) -> Any:
        """Scapy's names."""
        from scapy import packet
        from scapy.layers import dns, inet, inet6, l2, ntp, snmp

        names: dict[str, Any] = {}
        for module in (packet, l2, inet, inet6, dns, ntp, snmp):
            names.update(vars(module))
        return type("Scapy", (), names)

    @cached_property
    def _templates(self) -> dict[tuple[int, str], bytes]:
        s = self.scapy
        options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]
        above = {
            "tcp": s.TCP(sport=1, dport=1),
            "syn": s.TCP(sport=1, dport=1, flags="S", options=options),
            "udp": s.UDP(sport=1, dport=1),
        }
        made = {}
        for version in (4, 6):
            below = (
                s.IP(src="192.0.2.1", dst="192.0.2.2", flags="DF")
                if version == 4
                else s.IPv6(src="2001:db8::1", dst="2001:db8::2")
            )
            for name, layer in above.items():
                made[version, name] = bytes(s.Ether(src="0:0:0:0:0:0", dst="0:0:0:0:0:0") / below / layer)
            echo = s.ICMP() if version == 4 else s.ICMPv6EchoRequest()
            made[version, "icmp"] = bytes(s.Ether(src="0:0:0:0:0:0", dst="0:0:0:0:0:0") / below / echo)[
                : _ETHER + (20 if version == 4 else 40)
            ]
        return made

    def _envelope(self, kind: str, src: Side, dst: Side, length: int, ttl: int) -> tuple[bytearray, int]:
        """A copy of a template with Ethernet and IP filled in for `length` bytes of transport.

        Also gives the sum of the pseudo-header.
        """
        version = src.version
        frame = bytearray(self._templates[version, kind])
        frame[0:6] = dst.mac
        frame[6:12] = src.mac
        if version == 4:
            self._ident = self._ident + 1 & 0xFFFF
            struct.pack_into(">HH", frame, _ETHER + 2, 20 + length, self._ident)
            frame[_ETHER + 8] = ttl
            struct.pack_into(">H", frame, _ETHER + 10, 0)
            frame[_ETHER + 12 : _ETHER + 20] = src.ip + dst.ip
            total = complement(ones_sum(frame[_ETHER : _ETHER + 20]))
            struct.pack_into(">H", frame, _ETHER + 10, total)
            proto = frame[_ETHER + 9]
        else:
            struct.pack_into(">H", frame, _ETHER + 4, length)
            frame[_ETHER + 7] = ttl
            frame[_ETHER + 8 : _ETHER + 40] = src.ip + dst.ip
            proto = frame[_ETHER + 6]
        return frame, src.total + dst.total + proto + length

    def tcp(
        self, src: Side, dst: Side, ports: tuple[int, int], flags: int, *,
        seq: int = 0, ack: int = 0, payload: bytes = b"", ttl: int = 64,
    ) -> bytes:  # fmt: skip
        """A TCP segment; a SYN gets the usual options."""
        kind = "syn" if flags & _SYN else "tcp"
        at = _ETHER + (20 if src.version == 4 else 40)
        head = len(self._templates[src.version, kind]) - at
        frame, total = self._envelope(kind, src, dst, head + len(payload), ttl)
        struct.pack_into(">HHII", frame, at, *ports, seq & 0xFFFF_FFFF, ack & 0xFFFF_FFFF)
        frame[at + 13] = flags
        struct.pack_into(">HH", frame, at + 14, 64240 if flags & _SYN else 502, 0)
        total += ones_sum(frame[at:]) + ones_sum(payload)
        struct.pack_into(">H", frame, at + 16, complement(total))
        return bytes(frame) + payload

    def udp(self, src: Side, dst: Side, ports: tuple[int, int], payload: bytes, ttl: int = 64) -> bytes:
        """A UDP datagram."""
        at = _ETHER + (20 if src.version == 4 else 40)
        frame, total = self._envelope("udp", src, dst, 8 + len(payload), ttl)
        struct.pack_into(">HHHH", frame, at, *ports, 8 + len(payload), 0)
        total += ones_sum(frame[at:]) + ones_sum(payload)
        struct.pack_into(">H", frame, at + 6, complement(total) or 0xFFFF)
        return bytes(frame) + payload

    def icmp(
        self, src: Side, dst: Side, kind: int, code: int = 0, *,
        rest: bytes = bytes(4), payload: bytes = b"", ttl: int = 64,
    ) -> bytes:  # fmt: skip
        """An ICMP or ICMPv6 message by the version of the addresses."""
        body = rest + payload
        frame, pseudo = self._envelope("icmp", src, dst, 4 + len(body), ttl)
        head = struct.pack(">BBH", kind, code, 0)
        total = ones_sum(head) + ones_sum(body) + (pseudo if src.version == 6 else 0)
        return bytes(frame) + struct.pack(">BBH", kind, code, complement(total)) + body

    def arp(self, operation: int, src: Side, dst: Side) -> bytes:
        """An ARP request for `dst` (to everybody) or a reply to it, built by Scapy."""
        s, ask = self.scapy, operation == 1
        target = "00:00:00:00:00:00" if ask else dst.mac.hex(":")
        layer = s.ARP(op=operation, hwsrc=src.mac.hex(":"), psrc=src.address, hwdst=target, pdst=dst.address)
        to = "ff:ff:ff:ff:ff:ff" if ask else target
        return bytes(s.Ether(src=src.mac.hex(":"), dst=to) / layer)

    def solicit(self, src: Side, target: str) -> bytes:
        """A neighbour solicitation for `target`, built by Scapy."""
        s, low = self.scapy, packed(target)[13:]
        group = str(ipaddress.IPv6Address(packed("ff02::1:ff00:0")[:13] + low))
        return bytes(
            s.Ether(src=src.mac.hex(":"), dst="33:33:ff:" + low.hex(":"))
            / s.IPv6(src=src.address, dst=group, hlim=255)
            / s.ICMPv6ND_NS(tgt=target)
            / s.ICMPv6NDOptSrcLLAddr(lladdr=src.mac.hex(":"))
        )

    def advertise(self, src: Side, dst: Side) -> bytes:
        """A solicited neighbour advertisement of `src` to `dst`, built by Scapy."""
        s = self.scapy
        return bytes(
            s.Ether(src=src.mac.hex(":"), dst=dst.mac.hex(":"))
            / s.IPv6(src=src.address, dst=dst.address, hlim=255)
            / s.ICMPv6ND_NA(tgt=src.address, R=0, S=1, O=1)
            / s.ICMPv6NDOptDstLLAddr(lladdr=src.mac.hex(":"))
        )

    def dns(self, number: int, name: str, answer: str = "") -> bytes:
        """A DNS question for `name`, or its answer with one address."""
        kind = "AAAA" if ":" in answer else "A"
        key = ("dns", name, answer)
        if key not in self._bodies:
            s = self.scapy
            question = s.DNSQR(qname=name, qtype=kind)
            if answer:
                record = s.DNSRR(rrname=name, type=kind, ttl=300, rdata=answer)
                message = s.DNS(id=0, qr=1, rd=1, ra=1, qd=question, an=record)
            else:
                message = s.DNS(id=0, rd=1, qd=question)
            self._bodies[key] = bytes(message)
        return struct.pack(">H", number & 0xFFFF) + self._bodies[key][2:]

    def no_such_name(self, number: int, name: str) -> bytes:
        """The answer that `name` does not exist."""
        key = ("nxdomain", name)
        if key not in self._bodies:
            s = self.scapy
            self._bodies[key] = bytes(s.DNS(id=0, qr=1, rd=1, ra=1, rcode=3, qd=s.DNSQR(qname=name)))
        return struct.pack(">H", number & 0xFFFF) + self._bodies[key][2:]

    def ntp(self, mode: int) -> bytes:
        """An NTP message of a client (3) or server (4), times zero."""
        key = ("ntp", mode)
        if key not in self._bodies:
            zero = {"ref": 0, "orig": 0, "recv": 0, "sent": 0}
            stratum = 2 if mode == 4 else 0
            self._bodies[key] = bytes(self.scapy.NTPHeader(version=4, mode=mode, stratum=stratum, **zero))
        return self._bodies[key]

    def snmp(self, answer: bool) -> bytes:
        """An SNMP get of sysUpTime, or its answer."""
        key = ("snmp", answer)
        if key not in self._bodies:
            s = self.scapy
            kind = s.SNMPresponse if answer else s.SNMPget
            variable = s.SNMPvarbind(oid="1.3.6.1.2.1.1.3.0")
            self._bodies[key] = bytes(
                s.SNMP(version=1, community="public", PDU=kind(id=7, varbindlist=[variable]))
            )
        return self._bodies[key]
