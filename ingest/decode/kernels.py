"""Packet decode: record headers, link layers, IPv4, IPv6 and the transports, in one pass over a block.

A record is `buffer[start : start + captured]`. Every load below is checked against `captured`, whatever
the headers claim; lengths from headers only ever feed arithmetic. Rows are `citywall.batches.PACKET`.

How far a record was read is its `status`, what stopped it its `reason`:

* ERROR: the flow key is unknown (link, IP or extension header broken), so it belongs to no flow;
* IP with a reason: the IP header is whole but the ports are not there (by the IP length or by the
  capture), so it counts to its host pair's flow with ports 0, as nfstream counts it;
* TRANSPORT with a reason: ports (or ICMP type) are known, the rest of that header is cut or wrong.

What travels in a tunnel is decoded to the packet inside: its row is that of the inner packet, but for offset,
captured and wire bytes, which are the record's. Where there is no sound packet inside, the row is the outer
one's, with a reason where its protocol can hold nothing but a tunnel.
"""

from __future__ import annotations

import numpy as np

from citywall.batches import (
    ARP,
    ARP_REPLY,
    ARP_REQUEST,
    ERROR,
    FRAGMENT,
    FRAGMENTED,
    IP,
    ND_ADVERT,
    ND_SOLICIT,
    NOT_IP,
    OTHER_SENDER,
    REASONS,
    REBUILT,
    TRANSPORT,
)
from citywall.domains import VNI as _VNI
from citywall.kernels import (
    MIX1,
    MIX2,
    MIX3,
    U8,
    bare_kernel,
    helper,
    internal,
    load_be16,
    load_be32,
    load_be64,
    load_le16,
    load_le32,
    load_le64,
    mix64,
    prefetch,
)

NONE = REASONS.index("none")
LINK_HEADER_TRUNCATED = REASONS.index("link_header_truncated")
LINK_TYPE_UNKNOWN = REASONS.index("link_type_unknown")
VLAN_TRUNCATED = REASONS.index("vlan_truncated")
IP_VERSION_WRONG = REASONS.index("ip_version_wrong")
IPV4_HEADER_TRUNCATED = REASONS.index("ipv4_header_truncated")
IPV4_HEADER_LENGTH_WRONG = REASONS.index("ipv4_header_length_wrong")
IPV4_TOTAL_LENGTH_WRONG = REASONS.index("ipv4_total_length_wrong")
IPV6_HEADER_TRUNCATED = REASONS.index("ipv6_header_truncated")
IPV6_EXTENSION_TRUNCATED = REASONS.index("ipv6_extension_truncated")
IPV6_EXTENSION_CHAIN_TOO_LONG = REASONS.index("ipv6_extension_chain_too_long")
TCP_HEADER_TRUNCATED = REASONS.index("tcp_header_truncated")
TCP_HEADER_LENGTH_WRONG = REASONS.index("tcp_header_length_wrong")
UDP_HEADER_TRUNCATED = REASONS.index("udp_header_truncated")
ICMP_HEADER_TRUNCATED = REASONS.index("icmp_header_truncated")
SCTP_HEADER_TRUNCATED = REASONS.index("sctp_header_truncated")
ARP_TRUNCATED = REASONS.index("arp_truncated")
ARP_UNKNOWN_FORM = REASONS.index("arp_unknown_form")
INTERFACE_UNKNOWN = REASONS.index("interface_unknown")
TUNNEL_HEADER_WRONG = REASONS.index("tunnel_header_wrong")
TUNNEL_INNER_WRONG = REASONS.index("tunnel_inner_wrong")
TUNNEL_TOO_DEEP = REASONS.index("tunnel_too_deep")
#: Counted only: the row is sound, and what it carries is a tunnel's, but nothing that is known for sure.
TUNNEL_INNER_UNKNOWN = REASONS.index("tunnel_inner_unknown")

#: One pcapng interface as the kernels need it (see `ingest.decode.blocks.Interface`).
INTERFACE = np.dtype(
    [
        ("defined", "i8"),  # offset of its description block: packets before it do not know it
        ("offset", "i8"),  # nanoseconds added to every time
        ("multiply", "u8"), ("divide", "u8"),  # ticks to nanoseconds, for decimal resolutions
        ("shift", "i4"),  # ticks a second are 2**shift; 0 for decimal resolutions
        ("link", "i4"), ("snap", "u4"),
    ],
    align=True,
)  # fmt: skip

# What `packet_block` says a pcapng block is.
NO_PACKET, PACKET_BLOCK, PACKET_BLOCK_SHORT = 0, 1, 2

# How much of a datagram a packet is.
WHOLE, LATER, FIRST = 0, 1, 2

# Pseudo-ethertype of link types without a protocol field: the IP version nibble decides.
_BY_VERSION = -1
# Pseudo-ethertype of what a tunnel carries that cannot be told.
_UNKNOWN = -2
_MAX_EXTENSIONS = 16
#: Headers between the link and IP (labels, sessions, service paths, service instances) that are read.
_MAX_SHIMS = 4
#: Extension headers of GTP-U that are read.
_MAX_GTP = 16
#: IP headers around one another that are read.
MAX_DEPTH = 5
#: Added to a reason by `_decode_ip`: the packet may hold another.
_CARRIER = 1 << 8
_IPIP, _IPV6, _GRE, _L2TP_IP = 4, 41, 47, 115
_VXLAN, _VXLAN_OLD, _VXLAN_GPE, _GENEVE, _TEREDO, _GTP, _L2TP = 4789, 8472, 4790, 6081, 3544, 2152, 1701
#: All of these ports lie between.
_LEAST_PORT, _MOST_PORT = 1701, 8472
_ETHERNET, _MPLS, _MPLS_MANY, _PPPOE, _NSH, _SERVICE = 0x6558, 0x8847, 0x8848, 0x8864, 0x894F, 0x88E7
#: The tag of a bridge port extension (802.1Qbh drafts, "VN-Tag"), and Cisco's DCE (FabricPath).
_PORT_TAG, _FABRIC = 0x8926, 0x8903
# Bytes asked for ahead of where decoding is, and cache lines a step: every line once, payloads too, since
# where headers will be is not known yet. Steps of one line end unpredictably; a record is not far enough.
_FAR = 2048
_LINES = 8
_V4_MAPPED = U8(0xFFFF_0000_0000)
# Times stay below 2**62 ns (the year 2116), so that adding an interface's offset cannot overflow.
_TIME_MASK = U8((1 << 62) - 1)
_NANOSECONDS = U8(1_000_000_000)


@internal
def word16(buffer, at, big):
    """16 bits in the file's byte order, as i8."""
    if big:
        return np.int64(load_be16(buffer, at))
    return np.int64(load_le16(buffer, at))


@internal
def word32(buffer, at, big):
    """32 bits in the file's byte order, as i8."""
    if big:
        return np.int64(load_be32(buffer, at))
    return np.int64(load_le32(buffer, at))


@internal
def digest_step(digest, at, first, second):
    """Add a record header at offset `at` to a block's digest: a sum, so that runs can be walked apart."""
    term = ((first + U8(at)) * MIX2) ^ second
    return digest + (term ^ (term >> U8(32))) * (term | U8(1))  # not linear: changes must not cancel out


@internal
def block_digest(buffer, at, kind, digest):
    """`digest_step` over the header words of a pcapng packet block."""
    first = load_le64(buffer, at)
    if kind == 3:
        return digest_step(digest, at, first, U8(load_le32(buffer, at + 8)))
    words = (load_le64(buffer, at + 8) * MIX1) ^ load_le64(buffer, at + 16)
    return digest_step(digest, at, first, (words * MIX1) ^ U8(load_le32(buffer, at + 24)))


@internal
def packet_block(buffer, at, kind, length, big, interfaces, known):
    """Header of the pcapng block at `at`, whose `length` bytes lie in `buffer`.

    Returns (NO_PACKET | PACKET_BLOCK | PACKET_BLOCK_SHORT, interface or -1, time ns, offset of the data,
    captured length clipped to the block, bytes on the wire, 1 where it had to be clipped).
    Enhanced, simple and obsolete packet blocks: draft-ietf-opsawg-pcapng §4.3, §4.4, appendix A.
    """
    if kind != 6 and kind != 3 and kind != 2:
        return NO_PACKET, np.int64(-1), np.int64(0), np.int64(0), np.int64(0), np.int64(0), 0
    interface = np.int64(0)
    ticks = U8(0)
    if kind == 3:
        if length < 16:
            return PACKET_BLOCK_SHORT, np.int64(-1), np.int64(0), np.int64(0), np.int64(0), np.int64(0), 0
        data = at + 12
        wire = word32(buffer, at + 8, big)
        captured = wire
        room = length - 16
    else:
        if length < 32:
            return PACKET_BLOCK_SHORT, np.int64(-1), np.int64(0), np.int64(0), np.int64(0), np.int64(0), 0
        data = at + 28
        interface = word32(buffer, at + 8, big) if kind == 6 else word16(buffer, at + 8, big)
        ticks = (U8(word32(buffer, at + 12, big)) << U8(32)) | U8(word32(buffer, at + 16, big))
        captured = word32(buffer, at + 20, big)
        wire = word32(buffer, at + 24, big)
        room = length - 32
    if interface >= known or interfaces[interface]["defined"] > at:
        interface = np.int64(-1)
    clipped = 0
    time = np.int64(0)
    if interface >= 0:
        row = interfaces[interface]
        if kind == 3:
            snap = np.int64(row["snap"])
            if snap != 0 and captured > snap:
                captured = snap
        else:
            time = ticks_to_time(ticks, row)
    if captured > room:
        captured = room
        clipped = 1
    return PACKET_BLOCK, interface, time, data, captured, wire, clipped


@internal
def ticks_to_time(ticks, row):
    """Pcapng timestamp to nanoseconds since the epoch, by the interface's resolution and offset."""
    shift = np.int64(row["shift"])
    if shift == 0:
        value = ticks * row["multiply"]
        if row["divide"] != U8(1):
            value = value // row["divide"]
    else:
        seconds = U8(0)
        fraction = ticks
        if shift < 64:
            seconds = ticks >> U8(shift)
            fraction = ticks & ((U8(1) << U8(shift)) - U8(1))
        if shift > 34:  # the product below has 64 bits
            drop = shift - 34
            fraction = fraction >> U8(drop) if drop < 64 else U8(0)
            shift = np.int64(34)
        value = seconds * _NANOSECONDS + ((fraction * _NANOSECONDS) >> U8(shift))
    return np.int64(value & _TIME_MASK) + row["offset"]


@internal
def _is_label(kind):
    """Whether an ethertype is that of MPLS."""
    return kind == _MPLS or kind == _MPLS_MANY


@internal
def _is_shim(kind):
    """Whether an ethertype is that of a header before IP that `_shim` passes over."""
    return _is_label(kind) or kind == _PPPOE or kind == _NSH or kind == _SERVICE or kind == _FABRIC


@internal
def _tagged(buffer, start, captured, at):
    """Past an Ethernet header at `start + at` and its VLAN tags: (offset, ethertype or 0 where it is cut)."""
    if captured < at + 14:
        return at, np.int64(0)
    kind = np.int64(load_be16(buffer, start + at + 12))
    at += 14
    while (kind == 0x8100 or kind == 0x88A8) and captured >= at + 4:
        kind = np.int64(load_be16(buffer, start + at + 2))
        at += 4
    return at, kind


@internal
def _ppp(buffer, start, end, at):
    """Past a PPP header, address and control or not (RFC 1661, 1662): (offset, ethertype or 0, reason)."""
    none = np.int64(0)
    if end >= at + 2 and buffer[start + at] == 0xFF and buffer[start + at + 1] == 3:
        at += 2
    if end < at + 2:
        return at, none, TUNNEL_HEADER_WRONG
    protocol = np.int64(buffer[start + at])
    if protocol & 1:  # compressed to one byte
        at += 1
    else:
        protocol = protocol << 8 | np.int64(buffer[start + at + 1])
        at += 2
    if protocol == 0x21:
        return at, np.int64(0x0800), NONE
    if protocol == 0x57:
        return at, np.int64(0x86DD), NONE
    return at, none, NONE  # PPP's own talk


@internal
def _hdlc(buffer, start, end, at):
    """Past a header of Cisco's HDLC, unicast or broadcast (RFC 4349, RFC 4618): (offset, ethertype or 0)."""
    if end < at + 4 or buffer[start + at] & 0x7F != 0x0F or buffer[start + at + 1] != 0:
        return at, np.int64(0)
    return at + 4, np.int64(load_be16(buffer, start + at + 2))


@internal
def _sound(buffer, start, end, at, kind, padded):
    """Whether an IP packet of ethertype `kind` begins at `start + at`.

    IPv4: a whole header whose checksum is right. IPv6: a packet that fills what there is up to `end`, or
    lies within it where it may be `padded`.
    """
    if kind == 0x0800 and end >= at + 20:
        first = np.int64(buffer[start + at])
        header = (first & 15) * 4
        total = np.int64(load_be16(buffer, start + at + 2))
        if first >> 4 != 4 or header < 20 or end < at + header or total < header:
            return False
        summed = np.int64(0)
        for k in range(0, header, 2):
            summed += np.int64(load_be16(buffer, start + at + k))
        summed = (summed >> 16) + (summed & 0xFFFF)
        return (summed >> 16) + (summed & 0xFFFF) == 0xFFFF
    if kind == 0x86DD and end >= at + 40 and buffer[start + at] >> 4 == 6:
        stop = at + 40 + np.int64(load_be16(buffer, start + at + 4))
        return stop == end or (padded and stop < end)
    return False


@internal
def _sound_frame(buffer, start, end, at):
    """Whether an Ethernet frame with IP, ARP of IPv4 or a PPPoE session begins at `start + at`."""
    here, kind = _tagged(buffer, start, end, at)
    if kind == 0x0806:
        return end >= here + 28 and load_be64(buffer, start + here) >> U8(16) == U8(0x0001_0800_0604)
    if kind == _PPPOE:
        return end >= here + 8 and load_be16(buffer, start + here) == 0x1100
    return _sound(buffer, start, end, here, kind, True)


@internal
def _in_labels(buffer, start, end, here):
    """What stands behind MPLS labels: (offset, ethertype, Ethernet's, or 0).

    IP says so itself (RFC 4928). Nothing says whether a pseudowire has a control word (RFC 4385), nor of
    which kind it is: it is taken for what is sound in it, Ethernet (RFC 4448), else PPP or HDLC (RFC 4618),
    with the word first. What only begins with a control word is tried as Ethernet.
    """
    none = np.int64(0)
    if end < here + 1:
        return here, none
    nibble = buffer[start + here] >> 4
    if nibble == 4 or nibble == 6:
        kind = np.int64(0x0800 if nibble == 4 else 0x86DD)
        if not _sound(buffer, start, end, here, kind, False) and _sound_frame(buffer, start, end, here):
            return here, np.int64(_ETHERNET)
        return here, kind
    first = np.int64(4 if nibble == 0 else 0)
    for word in range(first, -4, -4):
        if _sound_frame(buffer, start, end, here + word):
            return here + word, np.int64(_ETHERNET)
    for word in range(first, -4, -4):
        if here + word <= end:
            found, kind, _ = _ppp(buffer, start, end, here + word)
            if kind != 0 and _sound(buffer, start, end, found, kind, False):
                return found, kind
            found, kind = _hdlc(buffer, start, end, here + word)
            if _sound(buffer, start, end, found, kind, False):
                return found, kind
    if nibble == 0:
        return here + 4, np.int64(_ETHERNET)
    return here, none


@internal
def _next_protocol(number):
    """The ethertype of what follows, as NSH (RFC 8300 §2.2) and VXLAN-GPE number it; 0 for others."""
    if number == 1:
        return np.int64(0x0800)
    if number == 2:
        return np.int64(0x86DD)
    if number == 3:
        return np.int64(_ETHERNET)
    if number == 4:
        return np.int64(_NSH)
    if number == 5:
        return np.int64(_MPLS)
    return np.int64(0)


@internal
def _service_path(buffer, start, captured, at):
    """Past a network service header (RFC 8300): (offset, ethertype of what follows, 0 where it is wrong)."""
    none = np.int64(0)
    if captured < at + 8:
        return at, none
    word = np.int64(load_be16(buffer, start + at))
    size = (word & 0x3F) * 4
    form = np.int64(buffer[start + at + 2]) & 15
    following = np.int64(buffer[start + at + 3])
    if word >> 14 != 0 or not ((form == 1 and size == 24) or (form == 2 and size >= 8)):
        return at, none
    if captured <= at + size:
        return at, none
    return at + size, _next_protocol(following)


@internal
def _shim(buffer, start, captured, at, kind):
    """Past what stands between the link and IP: (offset, ethertype, network or 0).

    MPLS labels (RFC 3032) and pseudowires, PPPoE sessions (RFC 2516), network service headers (RFC 8300), the
    tag of a service instance (802.1ah), whose number is the network, Cisco's DCE. Unchanged where neither IP
    nor Ethernet with IP is behind it.
    """
    here = at
    inner = kind
    network = np.int64(0)
    none = np.int64(0)
    for _ in range(_MAX_SHIMS):
        if inner == _PPPOE:
            if captured < here + 8:
                return at, kind, none
            here += 6
            protocol = np.int64(buffer[start + here])
            if protocol & 1:  # compressed to one byte
                here += 1
            else:
                protocol = protocol << 8 | np.int64(buffer[start + here + 1])
                here += 2
            if protocol == 0x21:
                inner = np.int64(0x0800)
            elif protocol == 0x57:
                inner = np.int64(0x86DD)
            else:
                return at, kind, none
        elif inner == _NSH:
            here, inner = _service_path(buffer, start, captured, here)
        elif inner == _SERVICE:
            if captured < here + 4:
                return at, kind, none
            network = np.int64(_VNI) | (np.int64(load_be32(buffer, start + here)) & 0xFFFFFF)
            here += 4
            inner = np.int64(_ETHERNET)
        elif inner == _FABRIC:
            here += 2
            inner = np.int64(_ETHERNET)
        else:
            bottom = False
            while not bottom:
                if captured < here + 4:
                    return at, kind, none
                bottom = buffer[start + here + 2] & 1 != 0
                here += 4
            here, inner = _in_labels(buffer, start, captured, here)
        if inner == _ETHERNET:
            here, inner = _tagged(buffer, start, captured, here)
        if inner == 0x0800 or inner == 0x86DD or inner == 0x0806:
            return here, inner, network
        if not _is_shim(inner):
            break
    return at, kind, none


@internal
def _link_layer(buffer, start, captured, link):
    """Returns (offset of the network header from `start`, ethertype, vlan, reason)."""
    at = np.int64(0)
    kind = np.int64(0)
    vlan = np.int64(0)
    if link == 1:  # Ethernet
        if captured < 14:
            return at, kind, vlan, LINK_HEADER_TRUNCATED
        kind = np.int64(load_be16(buffer, start + 12))
        at = np.int64(14)
        if kind == 0x0800 or kind == 0x86DD:
            return at, kind, vlan, NONE
    elif link == 12 or link == 14 or link == 101:  # raw IP
        kind = np.int64(_BY_VERSION)
    elif link == 228:
        kind = np.int64(0x0800)
    elif link == 229:
        kind = np.int64(0x86DD)
    elif link == 0 or link == 108:  # BSD loopback: address family, of the capturing host's byte order
        if captured < 4:
            return at, kind, vlan, LINK_HEADER_TRUNCATED
        family = np.int64(load_be32(buffer, start))
        if family > 0xFFFF:
            family = np.int64(load_le32(buffer, start))
        if family == 2:
            kind = np.int64(0x0800)
        elif family == 10 or family == 23 or family == 24 or family == 28 or family == 30:
            kind = np.int64(0x86DD)
        at = np.int64(4)
    elif link == 113:  # Linux cooked
        if captured < 16:
            return at, kind, vlan, LINK_HEADER_TRUNCATED
        kind = np.int64(load_be16(buffer, start + 14))
        at = np.int64(16)
    elif link == 276:  # Linux cooked, version 2
        if captured < 20:
            return at, kind, vlan, LINK_HEADER_TRUNCATED
        kind = np.int64(load_be16(buffer, start))
        at = np.int64(20)
    elif link == 9 or link == 50:  # PPP, RFC 1661 and 1662; Cisco HDLC where its address byte says so
        if captured >= 2 and buffer[start] == 0xFF and buffer[start + 1] == 3:
            at = np.int64(2)
        if captured < at + 2:
            return at, kind, vlan, LINK_HEADER_TRUNCATED
        first = np.int64(buffer[start + at])
        if at == 0 and (first == 0x0F or first == 0x8F) and buffer[start + 1] == 0:
            if captured < 4:
                return at, kind, vlan, LINK_HEADER_TRUNCATED
            kind = np.int64(load_be16(buffer, start + 2))
            at = np.int64(4)
        else:
            if first & 1:  # protocol field compressed to one byte
                at += 1
            else:
                first = first << 8 | np.int64(buffer[start + at + 1])
                at += 2
            if first == 0x21:
                kind = np.int64(0x0800)
            elif first == 0x57:
                kind = np.int64(0x86DD)
            elif first == 0x281:
                kind = np.int64(_MPLS)
    elif link == 51:  # PPP over Ethernet, without the Ethernet
        kind = np.int64(_PPPOE)
    elif link == 104:  # Cisco HDLC
        if captured < 4:
            return at, kind, vlan, LINK_HEADER_TRUNCATED
        kind = np.int64(load_be16(buffer, start + 2))
        at = np.int64(4)
    else:
        return at, kind, vlan, LINK_TYPE_UNKNOWN
    while kind == 0x8100 or kind == 0x88A8 or kind == 0x9100 or kind == _PORT_TAG:
        if captured < at + (6 if kind == _PORT_TAG else 4):
            return at, kind, vlan, VLAN_TRUNCATED
        if kind == _PORT_TAG:
            kind = np.int64(load_be16(buffer, start + at + 4))
            at += 6
            continue
        vlan = (vlan << 12 | (np.int64(load_be16(buffer, start + at)) & 0xFFF)) & 0xFFFFFF
        kind = np.int64(load_be16(buffer, start + at + 2))
        at += 4
    if (
        0 <= kind < 0x600
        and captured >= at + 8
        and load_be32(buffer, start + at) == 0xAAAA0300
        and load_be16(buffer, start + at + 4) == 0
    ):  # 802.3 with LLC and SNAP, RFC 1042
        kind = np.int64(load_be16(buffer, start + at + 6))
        at += 8
    if kind != 0x0800 and kind != 0x86DD and _is_shim(kind):
        at, kind, network = _shim(buffer, start, captured, at, kind)
        if network != 0:
            vlan = network
    if kind == _BY_VERSION:
        if captured < 1:
            return at, kind, vlan, LINK_HEADER_TRUNCATED
        version = np.int64(buffer[start]) >> 4
        if version == 4:
            kind = np.int64(0x0800)
        elif version == 6:
            kind = np.int64(0x86DD)
        else:
            return at, kind, vlan, IP_VERSION_WRONG
    return at, kind, vlan, NONE


@internal
def _arp(buffer, at, left):
    """Reason an ARP message at `at` with `left` bytes cannot be used (RFC 826, Ethernet and IPv4 only)."""
    if left < 8:
        return ARP_TRUNCATED
    hardware = load_be16(buffer, at)
    if (
        (hardware != 1 and hardware != 6)
        or load_be16(buffer, at + 2) != 0x0800
        or load_be16(buffer, at + 4) != 0x0604
    ):
        return ARP_UNKNOWN_FORM
    return ARP_TRUNCATED if left < 28 else NONE


@internal
def _extensions(buffer, start, captured, at, ip_end, proto):
    """Walk IPv6 extension headers (RFC 8200 §4, 4302, 6275, 7401, 5533).

    Returns (offset of what follows, its protocol, WHOLE | LATER | FIRST, reason). A first fragment whose
    chain goes on in the next one shows no more than a later one does.
    """
    fragment = WHOLE
    behind = at
    kind = proto
    for _ in range(_MAX_EXTENSIONS):
        if proto == 44:
            size = np.int64(8)
        elif proto == 0 or proto == 43 or proto == 60 or proto == 135 or proto == 139 or proto == 140:
            size = np.int64(-8)
        elif proto == 51:
            size = np.int64(-4)
        else:
            return at, proto, fragment, NONE
        if at + 8 > captured or at + 8 > ip_end:
            if fragment == FIRST:
                return behind, kind, LATER, NONE
            return at, proto, fragment, IPV6_EXTENSION_TRUNCATED
        if size == -8:
            size = (np.int64(buffer[start + at + 1]) + 1) * 8
        elif size == -4:
            size = (np.int64(buffer[start + at + 1]) + 2) * 4
        elif fragment == WHOLE:
            word = load_be16(buffer, start + at + 2)
            if word & 0xFFF8:
                fragment = LATER
            elif word & 1:
                fragment = FIRST
                behind = at + 8
                kind = np.int64(buffer[start + at])
        proto = np.int64(buffer[start + at])
        at += size
        if at > ip_end:
            if fragment == FIRST:
                return behind, kind, LATER, NONE
            return at, proto, fragment, IPV6_EXTENSION_TRUNCATED
        if fragment == LATER:
            return at, proto, fragment, NONE
    if fragment == FIRST:
        return behind, kind, LATER, NONE
    return at, proto, fragment, IPV6_EXTENSION_CHAIN_TOO_LONG


@internal
def _empty(r, start, captured, wire, time, status, reason, vlan, at):
    """Fill a row that has no flow key."""
    r["a_hi"] = U8(0)
    r["a_lo"] = U8(0)
    r["b_hi"] = U8(0)
    r["b_lo"] = U8(0)
    r["hash"] = U8(0)
    r["time"] = time
    r["offset"] = start
    r["ports"] = 0
    r["vlan"] = vlan
    r["captured"] = captured
    r["wire"] = wire
    r["ip_bytes"] = 0
    r["payload_at"] = at
    r["payload"] = 0
    r["proto"] = 0
    r["version"] = 0
    r["flags"] = 0
    r["reversed"] = 0
    r["icmp_type"] = 0
    r["icmp_code"] = 0
    r["status"] = status
    r["reason"] = reason
    r["network"] = 0
    r["marks"] = 0
    r["depth"] = 0


@internal
def _decode_ip(buffer, start, captured, wire, time, at, kind, vlan, r):
    """Decode from the network header at `start + at` into row `r`; returns what it counts as.

    That is the row's reason, or TUNNEL_INNER_UNKNOWN where it has none. With _CARRIER added where there may
    be a packet inside. `kind` is the ethertype.
    """
    carrier = 0
    fragment = WHOLE
    if kind == 0x0800:
        left = captured - at
        if left < 20:
            if left >= 1 and buffer[start + at] >> 4 != 4:
                _empty(r, start, captured, wire, time, ERROR, IP_VERSION_WRONG, vlan, 0)
                return IP_VERSION_WRONG
            _empty(r, start, captured, wire, time, ERROR, IPV4_HEADER_TRUNCATED, vlan, 0)
            return IPV4_HEADER_TRUNCATED
        q = start + at
        first = load_be64(buffer, q)  # version, header length, total length, fragment offset
        second = load_be64(buffer, q + 8)  # protocol, source
        header = np.int64((first >> U8(54)) & U8(0x3C))
        ip_bytes = np.int64((first >> U8(32)) & U8(0xFFFF))
        if ip_bytes == 0:  # segmentation offload: the sending host captured before the length was known
            ip_bytes = wire - at
        reason = NONE
        if first >> U8(60) != U8(4):
            reason = IP_VERSION_WRONG
        elif header < 20:
            reason = IPV4_HEADER_LENGTH_WRONG
        elif header > left:
            reason = IPV4_HEADER_TRUNCATED
        elif ip_bytes < header:
            reason = IPV4_TOTAL_LENGTH_WRONG
        if reason != NONE:
            _empty(r, start, captured, wire, time, ERROR, reason, vlan, 0)
            return reason
        version = 4
        if first & U8(0x3FFF):
            fragment = LATER if first & U8(0x1FFF) else FIRST
        proto = np.int64((second >> U8(48)) & U8(0xFF))
        src_hi = U8(0)
        dst_hi = U8(0)
        src_lo = _V4_MAPPED | (second & U8(0xFFFF_FFFF))
        dst_lo = _V4_MAPPED | U8(load_be32(buffer, q + 16))
        transport = at + header
        ip_end = at + ip_bytes
    elif kind == 0x86DD:
        left = captured - at
        if left < 40:
            if left >= 1 and buffer[start + at] >> 4 != 6:
                _empty(r, start, captured, wire, time, ERROR, IP_VERSION_WRONG, vlan, 0)
                return IP_VERSION_WRONG
            _empty(r, start, captured, wire, time, ERROR, IPV6_HEADER_TRUNCATED, vlan, 0)
            return IPV6_HEADER_TRUNCATED
        q = start + at
        first = load_be64(buffer, q)
        if first >> U8(60) != U8(6):
            _empty(r, start, captured, wire, time, ERROR, IP_VERSION_WRONG, vlan, 0)
            return IP_VERSION_WRONG
        version = 6
        ip_bytes = np.int64((first >> U8(16)) & U8(0xFFFF)) + 40
        if ip_bytes == 40 and wire - at > 40 + 0xFFFF:  # jumbogram, RFC 2675
            ip_bytes = wire - at
        src_hi = load_be64(buffer, q + 8)
        src_lo = load_be64(buffer, q + 16)
        dst_hi = load_be64(buffer, q + 24)
        dst_lo = load_be64(buffer, q + 32)
        ip_end = at + ip_bytes
        proto = np.int64((first >> U8(8)) & U8(0xFF))
        transport = at + 40
        if proto != 6 and proto != 17 and proto != 58:
            transport, proto, fragment, reason = _extensions(
                buffer, start, captured, transport, ip_end, proto
            )
            if reason != NONE:
                _empty(r, start, captured, wire, time, ERROR, reason, vlan, 0)
                r["network"] = at  # whoever asks what is wrong with it looks from there on
                return reason
    elif kind == 0x0806:
        reason = _arp(buffer, start + at, captured - at)
        status = ARP if reason == NONE else ERROR
        _empty(r, start, captured, wire, time, status, reason, vlan, at)
        return reason
    else:
        _empty(r, start, captured, wire, time, NOT_IP, NONE, vlan, at)
        return TUNNEL_INNER_UNKNOWN if _is_label(kind) else NONE

    status = FRAGMENT if fragment == LATER else IP
    reason = NONE
    flags = np.int64(0)
    icmp_type = np.int64(0)
    icmp_code = np.int64(0)
    ports = np.int64(0)  # source << 16 | destination
    payload_at = transport
    if fragment != LATER:
        q = start + transport
        left = captured - transport
        length = ip_end - transport
        if proto == 6:
            if length < 20 or left < 20:
                reason = TCP_HEADER_TRUNCATED
            if (length >= 20 or (fragment == FIRST and length >= 4)) and left >= 4:
                status = TRANSPORT
                ports = np.int64(load_be32(buffer, q))
                payload_at = transport + 20
                if left >= 14 and length >= 14:
                    word = np.int64(load_be16(buffer, q + 12))
                    flags = word & 0xFF
                    header = (word >> 12) * 4
                    payload_at = transport + header
                    if header < 20 or header > length:
                        payload_at = transport + 20
                        reason = TCP_HEADER_LENGTH_WRONG
        elif proto == 17:
            if length < 8 or left < 8:
                reason = UDP_HEADER_TRUNCATED
            if length >= 8 and left >= 4:
                status = TRANSPORT
                ports = np.int64(load_be32(buffer, q))
                payload_at = transport + 8
                if _may_carry(ports) and fragment == WHOLE:
                    carrier = _CARRIER
        elif (proto == 1 and version == 4) or (proto == 58 and version == 6):
            least = 8 if proto == 1 else 4
            if length < least or left < least:
                reason = ICMP_HEADER_TRUNCATED
            if length >= 2 and left >= 2:
                status = TRANSPORT
                word = np.int64(load_be16(buffer, q))
                icmp_type = word >> 8
                icmp_code = word & 0xFF
                payload_at = transport + 8
        elif proto == 132:
            if length < 12 or left < 12:
                reason = SCTP_HEADER_TRUNCATED
            if length >= 12 and left >= 4:
                status = TRANSPORT
                ports = np.int64(load_be32(buffer, q))
                payload_at = transport + 12
        elif _is_carrier(proto) and fragment == WHOLE:
            carrier = _CARRIER
    payload = ip_end - payload_at
    if payload < 0:
        payload = np.int64(0)

    # Without branches: which end is the lower is a coin toss, and a wrong guess costs 6 ns.
    swap = U8(src_hi > dst_hi) | (
        U8(src_hi == dst_hi)
        & (U8(src_lo > dst_lo) | (U8(src_lo == dst_lo) & U8(ports >> 16 > ports & 0xFFFF)))
    )
    mask = U8(0) - swap
    mixed_hi = (src_hi ^ dst_hi) & mask
    mixed_lo = (src_lo ^ dst_lo) & mask
    a_hi = src_hi ^ mixed_hi
    b_hi = dst_hi ^ mixed_hi
    a_lo = src_lo ^ mixed_lo
    b_lo = dst_lo ^ mixed_lo
    turn = np.int64(swap) << 4
    ports = (ports >> turn | ports << turn) & 0xFFFF_FFFF
    r["a_hi"] = a_hi
    r["a_lo"] = a_lo
    r["b_hi"] = b_hi
    r["b_lo"] = b_lo
    r["hash"] = flow_hash(a_hi, a_lo, b_hi, b_lo, ports, proto, vlan)
    r["time"] = time
    r["offset"] = start
    r["ports"] = ports
    r["vlan"] = vlan
    r["captured"] = captured
    r["wire"] = wire
    r["ip_bytes"] = ip_bytes
    r["payload_at"] = payload_at
    r["payload"] = payload
    r["proto"] = proto
    r["version"] = version
    r["flags"] = flags
    r["reversed"] = swap
    r["icmp_type"] = icmp_type
    r["icmp_code"] = icmp_code
    r["status"] = status
    r["reason"] = reason
    r["network"] = at
    r["marks"] = FRAGMENTED if fragment != WHOLE else 0
    r["depth"] = 0
    return reason + carrier


@internal
def _is_carrier(proto):
    """Whether an IP protocol holds nothing but tunnels."""
    return proto == _GRE or proto == _IPIP or proto == _IPV6 or proto == _L2TP_IP


@internal
def _may_carry(ports):
    """Whether UDP ports (source << 16 | destination) are those of a tunnel."""
    to = ports & 0xFFFF
    by = ports >> 16
    if (to < _LEAST_PORT or to > _MOST_PORT) and (by < _LEAST_PORT or by > _MOST_PORT):
        return False  # what is plain pays for this alone
    return (
        to == _VXLAN or to == _GENEVE or to == _VXLAN_OLD or to == _VXLAN_GPE or to == _GTP
        or to == _TEREDO or by == _TEREDO or to == _L2TP or by == _L2TP
    )  # fmt: skip


@internal
def _in_gre(buffer, start, end, at):
    """What a GRE header at `start + at` holds: (offset, ethertype, reason). `end` bounds what may be read.

    RFC 1701, 2784, 2890; PPTP's (RFC 2637); ERSPAN of all types. Ethertype 0 where nothing is inside.
    """
    none = np.int64(0)
    if end < at + 4:
        return none, none, TUNNEL_HEADER_WRONG
    word = np.int64(load_be16(buffer, start + at))
    kind = np.int64(load_be16(buffer, start + at + 2))
    here = at + 4
    if word & 7 == 1:  # PPTP: key and payload length, sequence and acknowledgement numbers
        if kind != 0x880B or word & 0x2000 == 0 or end < at + 8:
            return none, none, TUNNEL_HEADER_WRONG
        here = at + 8 + 4 * (word >> 12 & 1) + 4 * (word >> 7 & 1)
        if load_be16(buffer, start + at + 4) == 0:
            return none, none, NONE  # acknowledges only
    elif word & 7 != 0 or word & 0x4000:  # source routes lead elsewhere (deprecated by RFC 2784)
        return none, none, TUNNEL_HEADER_WRONG
    else:
        here += 4 * (word >> 15) + 4 * (word >> 13 & 1) + 4 * (word >> 12 & 1)
    if kind == 0x880B:
        return _ppp(buffer, start, end, here)
    if kind == 0x88BE:
        if word & 0x1000:  # type II; without sequence number it is type I, which has no header
            here += 8
        kind = np.int64(_ETHERNET)
    elif kind == 0x22EB:
        if end < here + 12:
            return none, none, TUNNEL_HEADER_WRONG
        here += 20 if buffer[start + here + 11] & 1 else 12
        kind = np.int64(_ETHERNET)
    return here, kind, NONE


@internal
def _fills(buffer, start, end, here, kind, left):
    """Whether an IP header of ethertype `kind` at `start + here` is of a packet of `left` bytes."""
    if kind == 0x0800 and end >= here + 20 and buffer[start + here] >> 4 == 4:
        return np.int64(load_be16(buffer, start + here + 2)) == left
    if kind == 0x86DD and end >= here + 40 and buffer[start + here] >> 4 == 6:
        return np.int64(load_be16(buffer, start + here + 4)) + 40 == left
    return False


@internal
def _fills_frame(buffer, start, end, here, stop):
    """Whether there is an Ethernet frame with IP or ARP between `start + here` and `stop`, padded or not."""
    at, kind = _tagged(buffer, start, end, here)
    left = stop - at
    if kind == 0x0806:
        return (
            left >= 28
            and left <= 46
            and end >= at + 28
            and load_be64(buffer, start + at) >> U8(16) == U8(0x0001_0800_0604)
        )
    if _fills(buffer, start, end, at, kind, left):
        return True
    # Sixty bytes are the least that an Ethernet frame has.
    size = np.int64(0)
    if kind == 0x0800 and end >= at + 20:
        size = np.int64(load_be16(buffer, start + at + 2))
    elif kind == 0x86DD and end >= at + 40:
        size = np.int64(load_be16(buffer, start + at + 4)) + 40
    return stop - here == 60 and size < left and _fills(buffer, start, end, at, kind, size)


@internal
def _in_session(buffer, start, end, at, stop):
    """What follows the session's number of L2TPv3 (RFC 3931): (offset, ethertype or _UNKNOWN).

    Only the two ends know how long the cookie is (0, 4 or 8 bytes), whether four bytes of sublayer follow,
    and what is carried: it is taken for what fills the packet to its end, Ethernet (RFC 4719), PPP or HDLC
    (RFC 4349).
    """
    none = np.int64(0)
    for behind in range(0, 16, 4):
        here = at + behind
        if here > end:
            break
        if _fills_frame(buffer, start, end, here, stop):
            return here, np.int64(_ETHERNET)
        found, kind, reason = _ppp(buffer, start, end, here)
        if reason == NONE and _fills(buffer, start, end, found, kind, stop - found):
            return found, kind
        found, kind = _hdlc(buffer, start, end, here)
        if _fills(buffer, start, end, found, kind, stop - found):
            return found, kind
    return none, np.int64(_UNKNOWN)


@internal
def _in_l2tp(buffer, start, end, at, length):
    """What a message of L2TP over UDP holds (RFC 2661 §3.1, RFC 3931 §4.1.2): (offset, ethertype or none)."""
    none = np.int64(0)
    stop = at + length
    if end < at + 8:
        return none, none
    word = np.int64(load_be16(buffer, start + at))
    if word == 3:  # version 3, data
        return _in_session(buffer, start, end, at + 8, stop)
    if word & 0xB4FF != 2:  # version 2, data, bits that must be zero
        return none, none
    here = at + 2
    if word & 0x4000:
        if np.int64(load_be16(buffer, start + here)) != length:
            return none, none
        here += 2
    here += 4
    if word & 0x0800:
        here += 4
    if word & 0x0200:
        if end < here + 2:
            return none, none
        here += 2 + np.int64(load_be16(buffer, start + here))
    if here > end:
        return none, none
    here, kind, reason = _ppp(buffer, start, end, here)
    if reason == NONE and _fills(buffer, start, end, here, kind, stop - here):
        return here, kind
    return none, none


@internal
def _in_gtp(buffer, start, end, at, length):
    """What a user packet of GTP (3GPP TS 29.281 §5) holds: (offset, ethertype; 0 where it is none).

    Nothing in it tells the kind of its session (3GPP TS 23.501 §5.6.10): what does not fill it as IP or as an
    Ethernet frame does is _UNKNOWN.
    """
    none = np.int64(0)
    if end < at + 12:
        return none, none
    first = np.int64(buffer[start + at])
    if first & 0xF8 != 0x30 or buffer[start + at + 1] != 255:  # version 1, not GTP'; G-PDU
        return none, none
    if np.int64(load_be16(buffer, start + at + 2)) + 8 != length:
        return none, none
    here = at + 8
    if first & 7:
        following = np.int64(buffer[start + here + 3]) if first & 4 else none
        here += 4
        for _ in range(_MAX_GTP):
            if following == 0:
                break
            if end < here + 4:
                return none, none
            size = np.int64(buffer[start + here]) * 4
            if size == 0 or end < here + size:
                return none, none
            here += size
            following = np.int64(buffer[start + here - 1])
        if following != 0:
            return none, none
    for kind in (0x0800, 0x86DD):
        if _fills(buffer, start, end, here, kind, at + length - here):
            return here, np.int64(kind)
    if _fills_frame(buffer, start, end, here, at + length):
        return here, np.int64(_ETHERNET)
    return none, np.int64(_UNKNOWN)


@internal
def _in_teredo(buffer, start, end, at, length):
    """What a message of Teredo (RFC 4380 §5.1.1) holds: (offset, ethertype or 0)."""
    none = np.int64(0)
    here = at
    if end >= here + 4 and load_be16(buffer, start + here) == 1:  # authentication
        here += 13 + np.int64(buffer[start + here + 2]) + np.int64(buffer[start + here + 3])
    if end >= here + 8 and load_be16(buffer, start + here) == 0:  # origin
        here += 8
    if here <= end and _fills(buffer, start, end, here, 0x86DD, at + length - here):
        return here, np.int64(0x86DD)
    return none, none


@internal
def _in_vxlan_gpe(buffer, start, at):
    """What VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe §3) holds; 8 bytes are there: (offset, ethertype or 0)."""
    none = np.int64(0)
    first = np.int64(buffer[start + at])
    if first & 0xF9 != 0x08 or load_be16(buffer, start + at + 1) != 0:  # version 0, a network, not OAM
        return none, none
    here = at + 8
    following = np.int64(buffer[start + at + 3])
    if first & 4 == 0:
        return here, np.int64(_ETHERNET) if following == 0 else none
    return here, _next_protocol(following)


@internal
def _in_udp(buffer, start, end, at, length, ports, vlan):
    """The same of UDP ports of tunnels with `length` bytes of payload: (offset, ethertype, vlan).

    VXLAN (RFC 7348), VXLAN-GPE, GENEVE (RFC 8926), GTP-U, L2TP, Teredo. Ethertype 0 where it holds no tunnel.
    """
    none = np.int64(0)
    to = ports & 0xFFFF
    if end < at + 8:
        return none, none, vlan
    if to == _VXLAN or to == _VXLAN_OLD or to == _VXLAN_GPE or to == _GENEVE:
        vni = np.int64(_VNI) | np.int64(load_be32(buffer, start + at + 4)) >> 8
        if to == _VXLAN_GPE:
            here, kind = _in_vxlan_gpe(buffer, start, at)
            return here, kind, vni
        if to == _GENEVE:
            first = np.int64(load_be16(buffer, start + at))
            if first & 0xC03F:  # version, and bits that must be zero
                return none, none, vlan
            kind = np.int64(load_be16(buffer, start + at + 2))
            if kind != _ETHERNET and kind != 0x0800 and kind != 0x86DD:
                return none, none, vlan
            return at + 8 + (first >> 8 & 0x3F) * 4, kind, vni
        if buffer[start + at] == 0x08:
            return at + 8, np.int64(_ETHERNET), vni
        return none, none, vlan
    if to == _GTP:
        here, kind = _in_gtp(buffer, start, end, at, length)
    elif to == _L2TP or (ports >> 16 == _L2TP and to != _TEREDO):
        here, kind = _in_l2tp(buffer, start, end, at, length)
    else:
        here, kind = _in_teredo(buffer, start, end, at, length)
    return here, kind, vlan


@helper
def _descend(buffer, start, captured, wire, time, at, kind, vlan, r, most):
    """Decode what is inside of the packet that row `r` is, tunnel by tunnel; returns what it counts as.

    `at`, `kind` and `vlan` are those with which `r` was decoded. It ends at a packet with `most` around it.
    """
    depth = 0
    while depth < most:
        # What the packet at hand says of its inside.
        payload_at = np.int64(r["payload_at"])
        end = payload_at + np.int64(r["payload"])
        bound = min(captured, end)
        reason = NONE
        inner = np.int64(0)
        here = np.int64(0)
        tag = vlan
        proto = r["proto"]
        if proto == _IPIP:
            here, inner = payload_at, np.int64(0x0800)
        elif proto == _IPV6:
            here, inner = payload_at, np.int64(0x86DD)
        elif proto == _GRE:
            here, inner, reason = _in_gre(buffer, start, bound, payload_at)
        elif proto == _L2TP_IP:
            if bound < payload_at + 4:
                reason = TUNNEL_HEADER_WRONG
            elif load_be32(buffer, start + payload_at) != 0:  # else it is about control
                here, inner = _in_session(buffer, start, bound, payload_at + 4, end)
        else:
            turn = np.int64(r["reversed"]) << 4
            ports = np.int64(r["ports"])
            ports = (ports >> turn | ports << turn) & 0xFFFF_FFFF
            here, inner, tag = _in_udp(buffer, start, bound, payload_at, end - payload_at, ports, vlan)
        if inner == _ETHERNET:
            if here <= bound:
                found, inner, own, wrong = _link_layer(buffer, start + here, bound - here, np.int64(1))
                here += found
                if wrong != NONE:
                    inner = np.int64(0)
                elif own & _VNI != 0 or (tag == vlan and own != 0):
                    tag = own
            else:
                inner = np.int64(0)
        elif _is_shim(inner) and here <= bound:
            here, inner, own = _shim(buffer, start, bound, here, inner)
            if own != 0:
                tag = own
        sure = proto != 17  # UDP on such a port may be anything
        if inner != 0x0800 and inner != 0x86DD and inner != 0x0806:
            if sure:
                r["reason"] = reason
            if r["reason"] == NONE and (inner == _UNKNOWN or _is_label(inner)):
                return np.int64(TUNNEL_INNER_UNKNOWN)
            return np.int64(r["reason"])
        if depth + 1 >= MAX_DEPTH:
            if sure:
                r["reason"] = TUNNEL_TOO_DEEP
                return TUNNEL_TOO_DEEP
            return np.int64(r["reason"])
        if here > bound:
            reason = TUNNEL_INNER_WRONG
        else:
            got = _decode_ip(buffer, start, captured, wire, time, here, inner, tag, r)
            inside = r["status"] == ARP or (
                r["status"] >= IP and np.int64(r["network"]) + np.int64(r["ip_bytes"]) <= end
            )
            if inside:
                depth += 1
                r["depth"] = depth
                at, kind, vlan = here, inner, tag
                if got < _CARRIER:
                    return got
                continue
            reason = TUNNEL_INNER_WRONG
            got = _decode_ip(buffer, start, captured, wire, time, at, kind, vlan, r)
            r["depth"] = depth
        if sure:
            r["reason"] = reason
            return reason
        return np.int64(r["reason"])
    return np.int64(r["reason"])


@internal
def decode_network(buffer, start, captured, wire, time, at, kind, vlan, r):
    """Decode from the network header at `start + at` into row `r`; returns what it counts as.

    `kind` is the ethertype. `wire` is at least `captured`.
    """
    reason = _decode_ip(buffer, start, captured, wire, time, at, kind, vlan, r)
    if reason >= _CARRIER:
        reason = _descend(buffer, start, captured, wire, time, at, kind, vlan, r, MAX_DEPTH)
    return reason


@internal
def flow_hash(a_hi, a_lo, b_hi, b_lo, ports, proto, vlan):
    """The hash of a flow key whose endpoints are in order: PACKET.hash."""
    # The two ends side by side, so that their multiplications overlap.
    a = (a_hi ^ MIX1) * MIX2
    b = (b_hi ^ MIX2) * MIX3
    a = (a ^ (a >> U8(32)) ^ a_lo) * MIX3
    b = (b ^ (b >> U8(32)) ^ b_lo) * MIX1
    h = a ^ (b >> U8(32)) ^ (b << U8(32)) ^ (U8(ports) | U8(proto) << U8(32) | U8(vlan) << U8(40))
    return mix64(h)


@internal
def decode_record(buffer, start, captured, wire, time, link, r):
    """Decode one record into row `r`; returns what it counts as."""
    if wire < captured:
        wire = captured
    at, kind, vlan, reason = _link_layer(buffer, start, captured, link)
    if reason != NONE:
        _empty(r, start, captured, wire, time, ERROR, reason, vlan, 0)
        return reason
    return decode_network(buffer, start, captured, wire, time, at, kind, vlan, r)


@internal
def fetch(buffer, fetched, at):
    """Ask for what lies behind `at`, unless that was `fetched`; up to where it is now."""
    fetched = max(fetched, at)
    while fetched < at + _FAR:
        for i in range(_LINES):
            prefetch(buffer, fetched + 64 * i)
        fetched += 64 * _LINES
    return fetched


@bare_kernel
def decode_pcap(buffer, at, end, digest, big, multiply, link, out, reasons):
    """Decode pcap records of `buffer[at:end]` (u1) until `out` (PACKET[n]) is full or the range ends.

    `multiply` turns a record's fraction into ns, `link` is the link type, `reasons` (i8[len(REASONS)])
    counts rows by what they count as. Stops before a record that does not fit in the range. Returns (rows,
    offset after the last of them, digest). draft-ietf-opsawg-pcap §5.
    """
    n = 0
    fetched = at
    limit = len(out)
    while n < limit and at + 16 <= end:
        captured = word32(buffer, at + 8, big)
        start = at + 16
        after = start + captured
        if after > end:
            break
        fetched = fetch(buffer, fetched, after)
        digest = digest_step(digest, at, load_le64(buffer, at), load_le64(buffer, at + 8))
        time = word32(buffer, at, big) * 1_000_000_000 + word32(buffer, at + 4, big) * multiply
        reason = decode_record(buffer, start, captured, word32(buffer, at + 12, big), time, link, out[n])
        if reason != NONE:
            reasons[reason] += 1
        n += 1
        at = after
    return n, at, digest


@bare_kernel
def decode_pcapng(buffer, at, end, digest, big, interfaces, known, out, links, reasons):
    """Decode the packet blocks of `buffer[at:end]`, all of one section, as `decode_pcap` does.

    `interfaces` is INTERFACE[m] of which the first `known` are in use. `links` (i4[n]) takes each row's
    link type. Blocks that hold no packet are passed over. Stops before a block that is not well formed.
    """
    n = 0
    fetched = at
    limit = len(out)
    while n < limit and at + 12 <= end:
        kind = word32(buffer, at, big)
        length = word32(buffer, at + 4, big)
        after = at + length
        if length < 12 or after > end:
            break
        fetched = fetch(buffer, fetched, after)
        found, interface, time, start, captured, wire, _ = packet_block(
            buffer, at, kind, length, big, interfaces, known
        )
        if found == PACKET_BLOCK:
            digest = block_digest(buffer, at, kind, digest)
            r = out[n]
            if interface < 0:
                if wire < captured:
                    wire = captured
                _empty(r, start, captured, wire, time, ERROR, INTERFACE_UNKNOWN, 0, 0)
                reason = INTERFACE_UNKNOWN
            else:
                link = np.int64(interfaces[interface]["link"])
                links[n] = link
                reason = decode_record(buffer, start, captured, wire, time, link, r)
            if reason != NONE:
                reasons[reason] += 1
            n += 1
        at = after
    return n, at, digest


@bare_kernel
def decode_located(buffer, rows, located, kinds, vlans, out, reasons):
    """Decode again rows (i8[k], indices into `out`) whose network header someone else has found.

    `located` (i8[k]) is its offset from the record's start, `kinds` (i8[k]) its ethertype, `vlans` (i8[k])
    the vlan. Used for link types only Scapy knows.
    """
    for i in range(len(rows)):
        r = out[rows[i]]
        start = np.int64(r["offset"])
        captured = np.int64(r["captured"])
        wire = np.int64(r["wire"])
        time = np.int64(r["time"])
        reasons[np.int64(r["reason"])] -= 1
        at = located[i]
        if at < 0 or at > captured:
            _empty(r, start, captured, wire, time, NOT_IP, NONE, 0, 0)
            continue
        reason = decode_network(buffer, start, captured, wire, time, at, kinds[i], vlans[i], r)
        if reason != NONE:
            reasons[reason] += 1


@internal
def _around(buffer, p, at, kind, vlan, out, n):
    """Packets around `p` go into `out` from row `n` on, the innermost first; how many, 0 where it has others.

    `at`, `kind` and `vlan` are of the outermost network header.
    """
    start = np.int64(p["offset"])
    captured = np.int64(p["captured"])
    wire = np.int64(p["wire"])
    time = np.int64(p["time"])
    depth = np.int64(p["depth"])
    r = out[n]
    decode_network(buffer, start, captured, wire, time, at, kind, vlan, r)
    if r["depth"] != depth or r["network"] != p["network"] or r["payload_at"] != p["payload_at"]:
        return np.int64(0)
    for k in range(depth):
        r = out[n + k]
        _decode_ip(buffer, start, captured, wire, time, at, kind, vlan, r)
        _descend(buffer, start, captured, wire, time, at, kind, vlan, r, depth - 1 - k)
        if r["proto"] != 17:
            r["payload_at"] = r["payload_at"] + r["payload"]
            r["payload"] = 0
    return depth


@bare_kernel
def decode_layers(buffer, packets, vlans, links, rebuilt, out, of):
    """Rows of `packets` (PACKET[n]), each with the packets around it behind it, the innermost first.

    `of` (i8[m]) takes the row that each is of; returns m, at most n and the sum of depths: `out` has room for
    them. Read again are those whose link type is among `links` (i8) or, where `rebuilt`, datagrams that were
    put together, whose outermost packet is on the VLAN in `vlans` (i8[n]). Only UDP has payload in such a
    row: what another carrier holds is the packet inside.
    """
    n = 0
    for i in range(len(packets)):
        p = packets[i]
        out[n] = p
        of[n] = i
        n += 1
        if p["depth"] == 0 or (p["marks"] & REBUILT != 0) != rebuilt:
            continue
        start = np.int64(p["offset"])
        captured = np.int64(p["captured"])
        more = np.int64(0)
        if rebuilt:
            kind = np.int64(0x0800 if buffer[start] >> 4 == 4 else 0x86DD)
            more = _around(buffer, p, np.int64(0), kind, vlans[i], out, n)
        else:
            for link in links:
                at, kind, vlan, reason = _link_layer(buffer, start, captured, link)
                if reason == NONE:
                    more = _around(buffer, p, at, kind, vlan, out, n)
                    if more != 0:
                        break
        for k in range(more):
            of[n + k] = i
            if rebuilt:
                out[n + k]["marks"] = out[n + k]["marks"] | REBUILT
        n += more
    return n


@bare_kernel
def find_link_rows(packets, found):
    """Rows of `packets` (PACKET[n]) that may be address resolution go into `found` (i8[n]); how many."""
    n = 0
    for i in range(len(packets)):
        p = packets[i]
        if p["status"] == ARP or (
            p["proto"] == 58
            and (p["icmp_type"] == 135 or p["icmp_type"] == 136)
            and p["status"] == TRANSPORT
            and p["reason"] == NONE
        ):
            found[n] = i
            n += 1
    return n


@internal
def _mac(buffer, at):
    """48 bits, big endian."""
    return U8(load_be16(buffer, at)) << U8(32) | U8(load_be32(buffer, at + 2))


@internal
def _domain(vlan, vlan_keys, vlan_domains, by_vlan):
    """`citywall.domains.Domains.of_vlan` on its arrays (keys sorted)."""
    low = 0
    high = len(vlan_keys)
    while low < high:
        middle = (low + high) >> 1
        if vlan_keys[middle] < vlan:
            low = middle + 1
        else:
            high = middle
    if low < len(vlan_keys) and vlan_keys[low] == vlan:
        return np.int64(vlan_domains[low])
    return np.int64(vlan) if by_vlan else np.int64(0)


@internal
def _framed_by(buffer, start, at):
    """The card that sent the Ethernet frame around the ARP message at `start + at`; 0 where there is none."""
    kind = np.int64(load_be16(buffer, start + 12))
    if at == 14 and kind == 0x0806:
        return _mac(buffer, start + 6)
    if at == 18 and (kind == 0x8100 or kind == 0x88A8) and load_be16(buffer, start + 16) == 0x0806:
        return _mac(buffer, start + 6)
    return U8(0)


@bare_kernel
def link_events(buffer, packets, found, first_frame, vlan_keys, vlan_domains, by_vlan, out):
    """EVENT rows of address resolution: ARP (RFC 826) and neighbour discovery (RFC 4861).

    `found` (i8[k]) are rows of `packets` as `find_link_rows` gives them; row i of `packets` is frame
    `first_frame + i`. `out` is EVENT[k]. Returns rows written: messages that neither ask nor answer, or
    whose target was not captured, give none. A discovery's src_mac is its link-layer address option.
    """
    n = 0
    for k in range(len(found)):
        i = found[k]
        p = packets[i]
        start = np.int64(p["offset"])
        captured = np.int64(p["captured"])
        at = np.int64(p["payload_at"])
        src_mac = U8(0)
        dst_mac = U8(0)
        sender = U8(0)
        flags = 0
        if p["status"] == ARP:
            if at + 28 > captured:
                continue
            q = start + at
            operation = load_be16(buffer, q + 6)
            if operation != 1 and operation != 2:
                continue
            kind = ARP_REQUEST if operation == 1 else ARP_REPLY
            src_mac = _mac(buffer, q + 8)
            dst_mac = _mac(buffer, q + 18)
            src_hi = U8(0)
            dst_hi = U8(0)
            src_lo = _V4_MAPPED | U8(load_be32(buffer, q + 14))
            dst_lo = _V4_MAPPED | U8(load_be32(buffer, q + 24))
            sender = _framed_by(buffer, start, at)
            if sender != U8(0) and sender != src_mac:
                flags = OTHER_SENDER
        else:
            length = np.int64(p["payload"])
            if length < 16 or at + 16 > captured:
                continue
            q = start + at
            if p["reversed"] == 1:
                src_hi, src_lo, dst_hi, dst_lo = p["b_hi"], p["b_lo"], p["a_hi"], p["a_lo"]
            else:
                src_hi, src_lo, dst_hi, dst_lo = p["a_hi"], p["a_lo"], p["b_hi"], p["b_lo"]
            if p["icmp_type"] == 135:
                kind = ND_SOLICIT
                wanted = 1
                dst_hi = load_be64(buffer, q)
                dst_lo = load_be64(buffer, q + 8)
            else:
                kind = ND_ADVERT
                wanted = 2
                src_hi = load_be64(buffer, q)
                src_lo = load_be64(buffer, q + 8)
            end = min(captured, at + length)
            option = at + 16
            while option + 8 <= end:
                size = np.int64(buffer[start + option + 1]) * 8
                if size == 0:
                    break
                if buffer[start + option] == wanted:
                    src_mac = _mac(buffer, start + option + 2)
                    break
                option += size
        e = out[n]
        e["time"] = p["time"]
        e["src_hi"] = src_hi
        e["src_lo"] = src_lo
        e["dst_hi"] = dst_hi
        e["dst_lo"] = dst_lo
        e["src_mac"] = src_mac
        e["dst_mac"] = dst_mac
        e["flags"] = flags
        e["answers"] = sender if flags != 0 else U8(0)
        e["offset"] = start
        e["frame"] = first_frame + i
        e["domain"] = _domain(p["vlan"], vlan_keys, vlan_domains, by_vlan)
        e["vlan"] = p["vlan"]
        e["kind"] = kind
        n += 1
    return n
