"""The oracle of the decode: one record at a time, in plain Python, with nothing clever in it."""

from __future__ import annotations

from citywall.batches import ARP, ERROR, FRAGMENT, IP, NOT_IP, REASONS, TRANSPORT

V4, V6, ARP_TYPE, ETHERNET = 0x0800, 0x86DD, 0x0806, 0x6558
SHIMS = (0x8847, 0x8848, 0x8864, 0x894F, 0x88E7, 0x8903)
LABELS = SHIMS[:2]
#: What a tunnel carries and nobody can tell.
UNKNOWN = -2
VNI = 1 << 31
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
            kind = {0x21: V4, 0x57: V6, 0x281: 0x8847}.get(number(rest, 0, size), 0)
            at = size + 2 * framed
    elif link == 51:
        kind, at = 0x8864, 0
    elif link == 104:
        if len(data) < 4:
            raise Stop("link_header_truncated")
        kind, at = number(data, 2, 2), 4
    else:
        raise Stop("link_type_unknown")
    vlan = 0
    while kind in (0x8100, 0x88A8, 0x9100, 0x8926):
        if len(data) < at + (6 if kind == 0x8926 else 4):
            raise Stop("vlan_truncated", vlan)
        if kind == 0x8926:
            kind, at = number(data, at + 4, 2), at + 6
            continue
        vlan = (vlan * 4096 + number(data, at, 2) % 4096) % 2**24
        kind = number(data, at + 2, 2)
        at += 4
    if 0 <= kind < 0x600 and data[at : at + 6] == b"\xaa\xaa\x03\0\0\0" and len(data) >= at + 8:
        kind, at = number(data, at + 6, 2), at + 8
    if kind in SHIMS:
        at, kind, network = shim(data, at, kind)
        vlan = network or vlan
    if kind == -1:
        if not data:
            raise Stop("link_header_truncated")
        kind = {4: V4, 6: V6}.get(data[0] >> 4, 0)
        if not kind:
            raise Stop("ip_version_wrong")
    return at, kind, vlan


def behind_card(data: bytes, at: int) -> tuple[int, int]:
    """Past an Ethernet header and its VLAN tags: (ethertype, offset)."""
    kind, at = number(data, at + 12, 2), at + 14
    while kind in (0x8100, 0x88A8) and len(data) >= at + 4:
        kind, at = number(data, at + 2, 2), at + 4
    return kind, at


def shim(data: bytes, at: int, kind: int) -> tuple[int, int, int]:
    """Past labels, sessions, service paths and service instances, where they lead to something."""
    here, inner, network = at, kind, 0
    for _ in range(4):
        found = one_shim(data, here, inner)
        if found is None:
            break
        here, inner, own = found
        network = own or network
        if inner == ETHERNET:
            if len(data) < here + 14:
                break
            inner, here = behind_card(data, here)
        if inner in (V4, V6, ARP_TYPE):
            return here, inner, network
        if inner not in SHIMS:
            break
    return at, kind, 0


def one_shim(data: bytes, at: int, kind: int) -> tuple[int, int, int] | None:
    """(offset, ethertype, network) behind one of them."""
    if kind == 0x8864:
        if len(data) < at + 8:
            return None
        size = 1 if data[at + 6] & 1 else 2
        inner = {0x21: V4, 0x57: V6}.get(number(data, at + 6, size))
        return (at + 6 + size, inner, 0) if inner else None
    if kind == 0x894F:
        if len(data) < at + 8:
            return None
        size = data[at + 1] % 64 * 4
        if data[at] >> 6 or (data[at + 2] % 16, size == 24) not in ((1, True), (2, size == 24)) or size < 8:
            return None
        inner = {1: V4, 2: V6, 3: ETHERNET, 4: 0x894F, 5: 0x8847}.get(data[at + 3])
        return (at + size, inner, 0) if inner and len(data) > at + size else None
    if kind == 0x8903:
        return at + 2, ETHERNET, 0
    if kind == 0x88E7:
        return (at + 4, ETHERNET, VNI | number(data, at + 1, 3)) if len(data) >= at + 4 else None
    bottom = False
    while not bottom:
        if len(data) < at + 4:
            return None
        bottom, at = bool(data[at + 2] & 1), at + 4
    found = in_labels(data, at)
    return (*found, 0) if found else None


def in_labels(data: bytes, at: int) -> tuple[int, int] | None:
    """(offset, ethertype) behind labels: IP, or whatever pseudowire is sound."""
    if len(data) <= at:
        return None
    nibble = data[at] >> 4
    if nibble in (4, 6):
        kind = V4 if nibble == 4 else V6
        frame = sound_frame(data, at) and not sound_ip(data, at, kind, padded=False)
        return at, ETHERNET if frame else kind
    places = [at + 4, at] if nibble == 0 else [at]
    found = [(place, ETHERNET) for place in places if sound_frame(data, place)]
    for place in places:
        heads = [ppp(data, place) or (0, 0), hdlc(data, place)] if place <= len(data) else []
        found += [head for head in heads if sound_ip(data, *head, padded=False)]
    return found[0] if found else (at + 4, ETHERNET) if nibble == 0 else None


def sound_ip(data: bytes, at: int, kind: int, *, padded: bool) -> bool:
    """Whether an IP packet begins at `at`: by its checksum, or by its length."""
    if kind == V4 and len(data) >= at + 20 and data[at] >> 4 == 4:
        size = data[at] % 16 * 4
        header = data[at : at + size]
        if size < 20 or len(header) < size or number(header, 2, 2) < size:
            return False
        return sum(number(header, k, 2) for k in range(0, size, 2)) % 0xFFFF == 0
    if kind == V6 and len(data) >= at + 40 and data[at] >> 4 == 6:
        left = len(data) - at - 40 - number(data, at + 4, 2)
        return left >= 0 if padded else left == 0
    return False


def sound_frame(data: bytes, at: int) -> bool:
    """Whether an Ethernet frame begins at `at`, with IP, ARP or a PPPoE session in it."""
    if len(data) < at + 14:
        return False
    kind, here = behind_card(data, at)
    if kind == ARP_TYPE:
        return len(data) >= here + 28 and data[here : here + 6] == b"\0\x01\x08\0\x06\x04"
    if kind == 0x8864:
        return len(data) >= here + 8 and data[here : here + 2] == b"\x11\0"
    return sound_ip(data, here, kind, padded=True)


def hdlc(data: bytes, at: int) -> tuple[int, int]:
    if data[at : at + 2] not in (b"\x0f\0", b"\x8f\0") or len(data) < at + 4:
        return 0, 0
    return at + 4, number(data, at + 2, 2)


def ppp(data: bytes, at: int) -> tuple[int, int] | None:
    at += 2 if data[at : at + 2] == b"\xff\x03" else 0
    if len(data) < at + 2:
        return None
    size = 1 if data[at] & 1 else 2
    return at + size, {0x21: V4, 0x57: V6}.get(number(data, at, size), 0)


def in_gre(data: bytes, at: int) -> tuple[int, int] | None:
    """(offset, ethertype) of what is inside, ethertype 0 for nothing; None for a header that is wrong."""
    if len(data) < at + 4:
        return None
    word, kind = number(data, at, 2), number(data, at + 2, 2)
    here = at + 4
    flags = [word >> bit & 1 for bit in range(16)]
    if word % 8 == 1:
        if kind != 0x880B or not flags[13] or len(data) < at + 8:
            return None
        if not number(data, at + 4, 2):
            return 0, 0
        here = at + 8 + 4 * flags[12] + 4 * flags[7]
    elif word % 8 or flags[14]:
        return None
    else:
        here += 4 * (flags[15] + flags[13] + flags[12])
    if kind == 0x880B:
        return ppp(data, here)
    if kind == 0x88BE:
        return here + 8 * flags[12], 0x6558
    if kind == 0x22EB:
        if len(data) < here + 12:
            return None
        return here + 12 + 8 * (data[here + 11] & 1), 0x6558
    return here, kind


def whole_ip(data: bytes, at: int, kind: int, stop: int) -> bool:
    """Whether an IP packet begins at `at` and ends at `stop`, by its own length."""
    if kind == V4 and len(data) >= at + 20 and data[at] >> 4 == 4:
        return at + number(data, at + 2, 2) == stop
    return (
        kind == V6
        and len(data) >= at + 40
        and data[at] >> 4 == 6
        and at + 40 + number(data, at + 4, 2) == stop
    )


def whole_frame(data: bytes, at: int, stop: int) -> bool:
    """Whether an Ethernet frame with IP or ARP begins at `at` and ends at `stop`."""
    if len(data) < at + 14:
        return False
    kind, here = behind_card(data, at)
    if kind == ARP_TYPE:
        form = data[here : here + 6] == b"\0\x01\x08\0\x06\x04"
        return 28 <= stop - here <= 46 and len(data) >= here + 28 and form
    padded = range(here, stop) if stop - at == 60 else ()
    return any(whole_ip(data, here, kind, each) for each in (stop, *padded))


def in_session(data: bytes, at: int, stop: int) -> tuple[int, int]:
    """L2TPv3 behind the session's number: whatever length of cookie and sublayer leads to a whole packet."""
    for here in (at, at + 4, at + 8, at + 12):
        if whole_frame(data, here, stop):
            return here, ETHERNET
        found = ppp(data, here) if here <= len(data) else None
        if found and whole_ip(data, *found, stop):
            return found
        found = hdlc(data, here)
        if whole_ip(data, *found, stop):
            return found
    return 0, UNKNOWN


def in_l2tp(data: bytes, at: int, stop: int) -> tuple[int, int]:
    if len(data) < at + 8:
        return 0, 0
    bits = [number(data, at, 2) >> (15 - bit) & 1 for bit in range(16)]
    version = data[at + 1] % 16
    must_be_zero = bits[0], *bits[2:4], bits[5], *bits[8:12]
    if version == 3 and not any(bits[:14]):
        return in_session(data, at + 8, stop)
    if version != 2 or any(must_be_zero):
        return 0, 0
    here = at + 2
    if bits[1]:
        if at + number(data, here, 2) != stop:
            return 0, 0
        here += 2
    here += 4 + 4 * bits[4]
    if bits[6]:
        if len(data) < here + 2:
            return 0, 0
        here += 2 + number(data, here, 2)
    found = ppp(data, here) if here <= len(data) else None
    return found if found and whole_ip(data, *found, stop) else (0, 0)


def in_gtp(data: bytes, at: int, stop: int) -> tuple[int, int]:
    if (
        len(data) < at + 12
        or data[at] >> 3 != 6
        or data[at + 1] != 255
        or at + 8 + number(data, at + 2, 2) != stop
    ):
        return 0, 0
    here = at + 8
    if data[at] % 8:
        following = data[here + 3] if data[at] & 4 else 0
        here += 4
        for _ in range(16):
            if following:
                if len(data) < here + 4 or not data[here] or len(data) < here + 4 * data[here]:
                    return 0, 0
                here += 4 * data[here]
                following = data[here - 1]
        if following:
            return 0, 0
    if whole_frame(data, here, stop):
        return here, ETHERNET
    return next(((here, kind) for kind in (V4, V6) if whole_ip(data, here, kind, stop)), (0, UNKNOWN))


def in_udp(data: bytes, at: int, end: int, ports: tuple[int, int], vlan: int) -> tuple[int, int, int]:
    """(offset, ethertype, vlan) of what is inside a UDP tunnel; ethertype 0 for nothing."""
    nothing = 0, 0, vlan
    if len(data) < at + 8:
        return nothing
    vni = VNI | number(data, at + 4, 3)
    if ports[1] in (4789, 8472):
        return (at + 8, ETHERNET, vni) if data[at] == 8 else nothing
    if ports[1] == 4790:
        if data[at] & 0xF9 != 8 or data[at + 1] or data[at + 2]:
            return nothing
        inner = {1: V4, 2: V6, 3: ETHERNET, 4: 0x894F, 5: 0x8847}.get(data[at + 3])
        if not data[at] & 4:
            inner = None if data[at + 3] else ETHERNET
        return (at + 8, inner, vni) if inner else nothing
    if ports[1] == 6081:
        kind = number(data, at + 2, 2)
        if number(data, at, 2) & 0xC03F or kind not in (0x6558, V4, V6):
            return nothing
        return at + 8 + data[at] % 64 * 4, kind, vni
    if ports[1] == 2152:
        return *in_gtp(data, at, end), vlan
    if ports[1] == 1701 or (ports[0] == 1701 and ports[1] != 3544):
        return *in_l2tp(data, at, end), vlan
    if 3544 in ports:
        here = at
        if data[here : here + 2] == b"\0\1" and len(data) >= here + 4:
            here += 13 + data[here + 2] + data[here + 3]
        if data[here : here + 2] == b"\0\0" and len(data) >= here + 8:
            here += 8
        if whole_ip(data, here, V6, end):
            return here, V6, vlan
    return nothing


def tunnel(data: bytes, row: dict[str, int], wire: int, most: int = 5) -> dict[str, int]:
    """The row of the innermost sound packet of a decoded one, with at most so many around it."""
    sure = row["proto"] in (4, 41, 47, 115)
    if not row["version"] or row["marks"] or not (sure or (row["proto"], row["status"]) == (17, TRANSPORT)):
        return row
    if row["depth"] == most:
        return row
    end = row["payload_at"] + row["payload"]
    part = data[:end]
    at, kind, vlan = row["payload_at"], {4: V4, 41: V6}.get(row["proto"], 0), row["vlan"]
    if row["proto"] == 47:
        found = in_gre(part, at)
        if found is None:
            return row | {"reason": REASONS.index("tunnel_header_wrong")}
        at, kind = found
    elif row["proto"] == 115:
        if len(part) < at + 4:
            return row | {"reason": REASONS.index("tunnel_header_wrong")}
        at, kind = in_session(part, at + 4, end) if number(part, at, 4) else (0, 0)
    elif row["proto"] == 17:
        ports = row["ports"] >> 16, row["ports"] & 0xFFFF
        at, kind, vlan = in_udp(part, at, end, ports[::-1] if row["reversed"] else ports, vlan)
    if kind == ETHERNET:
        try:
            found_at, kind, own = link_layer(part[at:], 1) if at <= len(part) else (0, 0, 0)
        except Stop:
            found_at = kind = own = 0
        at += found_at
        if vlan == row["vlan"] or own & VNI:
            vlan = own or vlan
    elif kind in SHIMS and at <= len(part):
        at, kind, own = shim(part, at, kind)
        vlan = own or vlan
    if kind not in (V4, V6, ARP_TYPE):
        return row | {"unknown": not row["reason"] and kind in (UNKNOWN, *LABELS)}
    if row["depth"] == 4:
        return row | ({"reason": REASONS.index("tunnel_too_deep")} if sure else {})
    inner = dict.fromkeys(FIELDS, 0) | {"captured": len(data), "wire": wire, "vlan": vlan}
    wrong = row | ({"reason": REASONS.index("tunnel_inner_wrong")} if sure else {})
    try:
        if at > len(part):
            return wrong
        (arp if kind == ARP_TYPE else network)(data, inner, at, *((kind,) if kind != ARP_TYPE else ()))
    except Stop:
        return wrong
    if inner["status"] != ARP and (inner["status"] < IP or inner["network"] + inner["ip_bytes"] > end):
        return wrong
    return tunnel(data, inner | {"depth": row["depth"] + 1}, wire, most)


def decode(data: bytes, wire: int, link: int, most: int = 5) -> dict[str, int]:
    """Every field of PACKET but time, offset and hash, of a packet with at most so many around it."""
    row = counted(data, wire, link, most)
    return {name: row[name] for name in FIELDS}


def counted(data: bytes, wire: int, link: int, most: int = 5) -> dict[str, int]:
    """These, and `unknown` where it is counted that what a tunnel carries could not be told."""
    row = dict.fromkeys(FIELDS, 0)
    row["captured"], row["wire"] = len(data), max(wire, len(data))
    try:
        at, kind, row["vlan"] = link_layer(data, link)
        if kind in (V4, V6):
            network(data, row, at, kind)
        elif kind == 0x0806:
            arp(data, row, at)
        else:
            row["status"], row["payload_at"], row["unknown"] = NOT_IP, at, kind in LABELS
    except Stop as stop:
        row = dict.fromkeys(FIELDS, 0) | {k: row[k] for k in ("captured", "wire", "vlan", "network")}
        row["vlan"] = row["vlan"] or stop.vlan
        row["status"], row["reason"] = ERROR, REASONS.index(stop.reason)
    return tunnel(data, row, row["wire"], most)


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
    if left > 0 and data[at] >> 4 != version:
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
        row["network"] = at
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
