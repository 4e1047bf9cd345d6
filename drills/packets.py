"""Raw frames and capture files made byte by byte, for tests and hostile input.

Nothing here knows Scapy: what is written can therefore be checked against it. Frames are built from
the inside out (`ethernet(ipv4(...tcp(...)))`) with correct lengths and checksums; the `*_frame`
functions build a whole packet of either IP version in one call.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

ETHERNET = 1
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
_TYPE_IPV4, _TYPE_IPV6, _TYPE_ARP, _TYPE_VLAN, _TYPE_QINQ = 0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8
_SNAP_LENGTH = 262_144
#: Where frames go when the caller does not care.
SOURCE_MAC, TARGET_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"

Frame = tuple[int, bytes]


def write_pcap(
    path: Path,
    frames: Iterable[Frame],
    linktype: int = ETHERNET,
    nanosecond: bool = False,
    big_endian: bool = False,
    *,
    snap: int = _SNAP_LENGTH,
) -> int:
    """Write `frames` (time in ns since the epoch, bytes) as a classic pcap file; returns their number.

    Frames longer than `snap` are cut and keep their wire length. Without `nanosecond` times are rounded
    down to microseconds.
    """
    order = ">" if big_endian else "<"
    magic = 0xA1B23C4D if nanosecond else 0xA1B2C3D4
    unit = 1 if nanosecond else 1000
    record = struct.Struct(order + "IIII")
    count = 0
    with path.open("wb") as f:
        f.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, linktype))
        for time, data in frames:
            stored = data[:snap]
            seconds, rest = divmod(time, 1_000_000_000)
            f.write(record.pack(seconds, rest // unit, len(stored), len(data)))
            f.write(stored)
            count += 1
    return count


def write_pcapng(
    path: Path,
    frames: Iterable[Frame],
    linktype: int = ETHERNET,
    nanosecond: bool = False,
    big_endian: bool = False,
    *,
    snap: int = _SNAP_LENGTH,
) -> int:
    """Write `frames` as one pcapng section with one interface; returns their number.

    The section length is left unspecified (-1), times are in enhanced packet blocks with `if_tsresol`
    9 (`nanosecond`) or the default of 6.
    """
    order = ">" if big_endian else "<"
    options = b""
    if nanosecond:
        options = struct.pack(order + "HHB3x", 9, 1, 9) + struct.pack(order + "HH", 0, 0)
    unit = 1 if nanosecond else 1000
    count = 0
    with path.open("wb") as f:
        f.write(_block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)))
        f.write(_block(order, 1, struct.pack(order + "HHI", linktype, 0, snap) + options))
        for time, data in frames:
            stored, ticks = data[:snap], time // unit
            head = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFF_FFFF, len(stored), len(data))
            f.write(_block(order, 6, head + stored))
            count += 1
    return count


def _block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = len(body) + 12
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of `data`, for writing big-endian."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


def mac_bytes(mac: str) -> bytes:
    """`"aa:bb:cc:dd:ee:ff"` to six bytes."""
    return bytes.fromhex(mac.replace(":", ""))


def ethernet(
    payload: bytes,
    ethertype: int | None = None,
    src: str = SOURCE_MAC,
    dst: str = TARGET_MAC,
    vlans: Sequence[int] = (),
) -> bytes:
    """An Ethernet frame; `vlans` are tags from the outside in (two make QinQ, outer type 0x88a8).

    `ethertype` is told from the payload's version nibble when left out.
    """
    if ethertype is None:
        ethertype = _TYPE_IPV6 if payload[:1] and payload[0] >> 4 == 6 else _TYPE_IPV4
    tags = b""
    for i, vlan in enumerate(vlans):
        outer = len(vlans) > 1 and i == 0
        tags += struct.pack(">HH", _TYPE_QINQ if outer else _TYPE_VLAN, vlan)
    return mac_bytes(dst) + mac_bytes(src) + tags + struct.pack(">H", ethertype) + payload


def ipv4(
    src: str,
    dst: str,
    proto: int,
    payload: bytes,
    *,
    ttl: int = 64,
    ident: int = 0,
    fragment: int = 0x4000,
    options: bytes = b"",
) -> bytes:
    """An IPv4 packet (RFC 791); `fragment` is the flags and offset word, DF by default."""
    options += bytes(-len(options) % 4)
    words = 5 + len(options) // 4
    head = struct.pack(
        ">BBHHHBBH4s4s",
        0x40 | words, 0, words * 4 + len(payload), ident & 0xFFFF, fragment, ttl, proto, 0,
        ipaddress.IPv4Address(src).packed, ipaddress.IPv4Address(dst).packed,
    ) + options  # fmt: skip
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def ipv6(src: str, dst: str, next_header: int, payload: bytes, *, hops: int = 64, label: int = 0) -> bytes:
    """An IPv6 packet (RFC 8200); extension headers belong to `payload`."""
    head = struct.pack(">IHBB", 0x6000_0000 | label, len(payload), next_header, hops)
    return head + ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed + payload


def ip(src: str, dst: str, proto: int, payload: bytes) -> bytes:
    """An IP packet of the version that the addresses have."""
    if ":" in src:
        return ipv6(src, dst, proto, payload)
    return ipv4(src, dst, proto, payload)


def _pseudo(src: str, dst: str, proto: int, length: int) -> bytes:
    a, b = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    if len(a) == 4:
        return a + b + struct.pack(">BBH", 0, proto, length)
    return a + b + struct.pack(">IHBB", length, 0, 0, proto)


def tcp(
    src: str,
    dst: str,
    sport: int,
    dport: int,
    flags: int = SYN,
    *,
    payload: bytes = b"",
    seq: int = 0,
    ack: int = 0,
    window: int = 64240,
    options: bytes = b"",
) -> bytes:
    """A TCP segment (RFC 9293) with its checksum over the pseudo-header of `src` and `dst`."""
    options += bytes(-len(options) % 4)
    offset_flags = (5 + len(options) // 4) << 12 | flags
    head = struct.pack(">HHIIHHHH", sport, dport, seq, ack, offset_flags, window, 0, 0) + options
    total = checksum(_pseudo(src, dst, 6, len(head) + len(payload)) + head + payload)
    return head[:16] + struct.pack(">H", total) + head[18:] + payload


def udp(src: str, dst: str, sport: int, dport: int, payload: bytes = b"") -> bytes:
    """A UDP datagram (RFC 768)."""
    head = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0)
    total = checksum(_pseudo(src, dst, 17, 8 + len(payload)) + head + payload) or 0xFFFF
    return head[:6] + struct.pack(">H", total) + payload


def icmp(kind: int = 8, code: int = 0, rest: bytes = b"\0\1\0\1", payload: bytes = b"") -> bytes:
    """An ICMP message (RFC 792); an echo request by default."""
    body = rest + payload
    return struct.pack(">BBH", kind, code, checksum(struct.pack(">BBH", kind, code, 0) + body)) + body


def icmpv6(
    src: str, dst: str, kind: int = 128, code: int = 0, *, rest: bytes = b"\0\1\0\1", payload: bytes = b""
) -> bytes:
    """An ICMPv6 message (RFC 4443); an echo request by default."""
    body = rest + payload
    head = struct.pack(">BBH", kind, code, 0)
    total = checksum(_pseudo(src, dst, 58, 4 + len(body)) + head + body)
    return struct.pack(">BBH", kind, code, total) + body


def arp(
    operation: int,
    sender_mac: str,
    sender: str,
    target: str,
    target_mac: str = "00:00:00:00:00:00",
    *,
    vlans: Sequence[int] = (),
) -> bytes:
    """An Ethernet frame with ARP (RFC 826): 1 asks (to broadcast), 2 answers (to `target_mac`)."""
    body = struct.pack(">HHBBH", 1, _TYPE_IPV4, 6, 4, operation)
    body += mac_bytes(sender_mac) + ipaddress.IPv4Address(sender).packed
    body += mac_bytes(target_mac) + ipaddress.IPv4Address(target).packed
    to = "ff:ff:ff:ff:ff:ff" if operation == 1 else target_mac
    return ethernet(body, _TYPE_ARP, sender_mac, to, vlans)


def neighbour_solicit(mac: str, src: str, target: str, vlans: Sequence[int] = ()) -> bytes:
    """A frame with an ICMPv6 neighbour solicitation (RFC 4861 §4.3) to the solicited-node group."""
    low = ipaddress.IPv6Address(target).packed[13:]
    group = str(ipaddress.IPv6Address(ipaddress.IPv6Address("ff02::1:ff00:0").packed[:13] + low))
    option = b"\1\1" + mac_bytes(mac)
    body = icmpv6(src, group, 135, rest=bytes(4), payload=ipaddress.IPv6Address(target).packed + option)
    return ethernet(
        ipv6(src, group, 58, body, hops=255), src=mac, dst="33:33:ff:" + low.hex(":"), vlans=vlans
    )


def neighbour_advert(mac: str, src: str, dst: str, dst_mac: str, vlans: Sequence[int] = ()) -> bytes:
    """A frame with a solicited ICMPv6 neighbour advertisement (RFC 4861 §4.4) for `src` itself."""
    option = b"\2\1" + mac_bytes(mac)
    body = icmpv6(src, dst, 136, rest=b"\x60\0\0\0", payload=ipaddress.IPv6Address(src).packed + option)
    return ethernet(ipv6(src, dst, 58, body, hops=255), src=mac, dst=dst_mac, vlans=vlans)


def tcp_frame(
    src: str,
    dst: str,
    sport: int,
    dport: int,
    flags: int = SYN,
    *,
    payload: bytes = b"",
    vlans: Sequence[int] = (),
    seq: int = 0,
    ack: int = 0,
) -> bytes:
    """A whole Ethernet frame with one TCP segment, IPv4 or IPv6 by the addresses."""
    return ethernet(
        ip(src, dst, 6, tcp(src, dst, sport, dport, flags, payload=payload, seq=seq, ack=ack)), vlans=vlans
    )


def udp_frame(
    src: str, dst: str, sport: int, dport: int, payload: bytes = b"", *, vlans: Sequence[int] = ()
) -> bytes:
    """A whole Ethernet frame with one UDP datagram, IPv4 or IPv6 by the addresses."""
    return ethernet(ip(src, dst, 17, udp(src, dst, sport, dport, payload)), vlans=vlans)


def icmp_frame(
    src: str,
    dst: str,
    kind: int | None = None,
    code: int = 0,
    payload: bytes = b"",
    *,
    vlans: Sequence[int] = (),
) -> bytes:
    """A whole Ethernet frame with one ICMP or ICMPv6 message, an echo request by default."""
    if ":" in src:
        body = icmpv6(src, dst, 128 if kind is None else kind, code, payload=payload)
        return ethernet(ipv6(src, dst, 58, body), vlans=vlans)
    body = icmp(8 if kind is None else kind, code, payload=payload)
    return ethernet(ipv4(src, dst, 1, body), vlans=vlans)
