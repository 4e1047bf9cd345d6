"""The oracle of the decode: one record at a time, in plain Python, with nothing clever in it."""

from __future__ import annotations

from citywall.batches import ARP, ERROR, FRAGMENT, IP, NOT_IP, REASONS, TRANSPORT

V4, V6 = 0x0800, 0x86DD
FIELDS = (
    "a_hi", "a_lo", "b_hi", "b_lo", "ports", "vlan", "captured", "wire", "ip_bytes", "payload_at", "payload",
    "proto", "version", "flags", "reversed", "icmp_type", "icmp_code", "status", "reason", "network", "marks",
    "depth",
)  # fmt: skip


class Stop(Exception):
    def __init__(self, reason: str, vlan: int = 0) -> None:
        self.reason, self.vlan = reason, vlan


def number(data: bytes, at: int, size: int) -> int:
    assert 0 <= at <= len(data) - size, "the oracle itself must stay inside the record"
    return int.from_bytes(data[at : at + size], "big")


def link_layer(data: bytes, link: int) -> tuple[int, int, int]:
    kind = 0
    needed = {1: 14, 0: 4, 108: 4, 113: 16, 276: 20}.get(link, 0)
    if len(data) < needed:
        raise Stop("link_header_truncated")
    at = needed
    if link == 1:
        kind = number(data, 12, 2)
    elif link in (12, 14, 101):
        kind = -1
    elif link in (228, 229):
        kind = V4 if link == 228 else V6
    elif link in (0, 108):
        family = number(data, 0, 4)
        if family > 0xFFFF:
            family = int.from_bytes(data[:4], "little")
        kind = {2: V4, 10: V6, 23: V6, 24: V6, 28: V6, 30: V6}.get(family, 0)
    elif link == 113:
        kind = number(data, 14, 2)
    elif link == 276:
        kind = number(data, 0, 2)
    elif link in (9, 50):
        framed = data[:2] == b"\xff\x03"
        rest = data[2:] if framed else data
        if len(rest) < 2:
            raise Stop("link_header_truncated")
        if not framed and rest[:2] in (b"\x0f\0", b"\x8f\0"):
            if len(rest) < 4:
                raise Stop("link_header_truncated")
            kind, at = number(rest, 2, 2), 4
        else:
            size = 1 if rest[0] & 1 else 2
            kind = {0x21: V4, 0x57: V6}.get(number(rest, 0, size), 0)
            at = size + 2 * framed
    else:
        raise Stop("link_type_unknown")
    vlan = 0
    while kind in (0x8100, 0x88A8, 0x9100):
        if len(data) < at + 4:
            raise Stop("vlan_truncated", vlan)
        vlan = (vlan * 4096 + number(data, at, 2) % 4096) % 2**24
        kind = number(data, at + 2, 2)
        at += 4
    if 0 <= kind < 0x600 and data[at : at + 6] == b"\xaa\xaa\x03\0\0\0" and len(data) >= at + 8:
        kind, at = number(data, at + 6, 2), at + 8
    if kind == -1:
        if not data:
            raise Stop("link_header_truncated")
        kind = {4: V4, 6: V6}.get(data[0] >> 4, 0)
        if not kind:
            raise Stop("ip_version_wrong")
    return at, kind, vlan


def decode(data: bytes, wire: int, link: int) -> dict[str, int]:
    """Every field of PACKET but time, offset and hash."""
    row = dict.fromkeys(FIELDS, 0)
    row["captured"], row["wire"] = len(data), max(wire, len(data))
    try:
        at, kind, row["vlan"] = link_layer(data, link)
        if kind in (V4, V6):
            network(data, row, at, kind)
        elif kind == 0x0806:
            arp(data, row, at)
        else:
            row["status"], row["payload_at"] = NOT_IP, at
    except Stop as stop:
        row = dict.fromkeys(FIELDS, 0) | {k: row[k] for k in ("captured", "wire", "vlan")}
        row["vlan"] = row["vlan"] or stop.vlan
        row["status"], row["reason"] = ERROR, REASONS.index(stop.reason)
    return row


def arp(data: bytes, row: dict[str, int], at: int) -> None:
    row["payload_at"] = at
    message, name = data[at:], "none"
    if len(message) < 8:
        name = "arp_truncated"
    elif message[:6] not in (b"\0\x01\x08\0\x06\x04", b"\0\x06\x08\0\x06\x04"):
        name = "arp_unknown_form"
    elif len(message) < 28:
        name = "arp_truncated"
    row["status"], row["reason"] = (ARP if name == "none" else ERROR), REASONS.index(name)


def network(data: bytes, row: dict[str, int], at: int, kind: int) -> None:
    version = 4 if kind == V4 else 6
    left = len(data) - at
    if left and data[at] >> 4 != version:
        raise Stop("ip_version_wrong")
    if left < (20 if version == 4 else 40):
        raise Stop(f"ipv{version}_header_truncated")
    fragment = False
    if version == 4:
        header, ip_bytes = data[at] % 16 * 4, number(data, at + 2, 2) or row["wire"] - at
        if header < 20:
            raise Stop("ipv4_header_length_wrong")
        if header > left:
            raise Stop("ipv4_header_truncated")
        if ip_bytes < header:
            raise Stop("ipv4_total_length_wrong")
        fragment = number(data, at + 6, 2) % 0x2000 != 0
        row["marks"] = int(number(data, at + 6, 2) % 0x4000 != 0)
        proto = data[at + 9]
        src, dst = (0xFFFF_0000_0000 | number(data, at + o, 4) for o in (12, 16))
        transport = at + header
    else:
        ip_bytes = number(data, at + 4, 2) + 40
        if ip_bytes == 40 and row["wire"] - at > 65575:
            ip_bytes = row["wire"] - at
        src, dst = number(data, at + 8, 16), number(data, at + 24, 16)
        transport, proto, fragment = extensions(row, data, at + 40, data[at + 6], at + ip_bytes)
    ip_end = at + ip_bytes
    row["network"] = at
    row["version"], row["proto"], row["ip_bytes"] = version, proto, ip_bytes
    row["status"] = FRAGMENT if fragment else IP
    row["payload_at"] = transport
    sport = dport = 0
    if not fragment:
        sport, dport = transport_header(data, row, transport, ip_end - transport)
    row["payload"] = max(0, ip_end - row["payload_at"])
    ends = [(src, sport), (dst, dport)]
    row["reversed"] = int(ends[0] > ends[1])
    (a, a_port), (b, b_port) = sorted(ends)
    row["a_hi"], row["a_lo"], row["b_hi"], row["b_lo"] = a >> 64, a % 2**64, b >> 64, b % 2**64
    row["ports"] = a_port << 16 | b_port


def extensions(row: dict[str, int], data: bytes, at: int, proto: int, ip_end: int) -> tuple[int, int, bool]:
    first: tuple[int, int, bool] | None = (
        None  # what a first fragment shows where its chain goes on elsewhere
    )

    def stop(reason: str) -> tuple[int, int, bool]:
        if first:
            return first
        raise Stop(reason)

    for _ in range(16):
        if proto not in (0, 43, 44, 51, 60, 135, 139, 140):
            return at, proto, False
        if at + 8 > min(len(data), ip_end):
            return stop("ipv6_extension_truncated")
        size = {44: 8, 51: (data[at + 1] + 2) * 4}.get(proto, (data[at + 1] + 1) * 8)
        later = False
        if proto == 44 and first is None and number(data, at + 2, 2) & 0xFFF9:
            row["marks"] = 1
            later = number(data, at + 2, 2) >> 3 != 0
            first = None if later else (at + 8, data[at], True)
        proto = data[at]
        at += size
        if at > ip_end:
            return stop("ipv6_extension_truncated")
        if later:
            return at, proto, True
    return stop("ipv6_extension_chain_too_long")


def transport_header(data: bytes, row: dict[str, int], at: int, length: int) -> tuple[int, int]:
    proto, left = row["proto"], len(data) - at
    ported = {6: ("tcp", 20), 17: ("udp", 8), 132: ("sctp", 12)}
    if proto in ported:
        name, size = ported[proto]
        if length < size or left < size:
            row["reason"] = REASONS.index(f"{name}_header_truncated")
        first = proto == 6 and row["marks"] == 1  # the rest of the header is in the next fragment
        if min(length, left) < 4 or (length < size and not first):
            return 0, 0
        row["status"], row["payload_at"] = TRANSPORT, at + size
        if proto == 6 and min(left, length) >= 14:
            row["flags"] = data[at + 13]
            header = (data[at + 12] >> 4) * 4
            if 20 <= header <= length:
                row["payload_at"] = at + header
            else:
                row["reason"] = REASONS.index("tcp_header_length_wrong")
        return number(data, at, 2), number(data, at + 2, 2)
    if (proto, row["version"]) in ((1, 4), (58, 6)):
        if min(length, left) < (8 if proto == 1 else 4):
            row["reason"] = REASONS.index("icmp_header_truncated")
        if min(length, left) >= 2:
            row["status"], row["payload_at"] = TRANSPORT, at + 8
            row["icmp_type"], row["icmp_code"] = data[at], data[at + 1]
    return 0, 0
