"""DHCP for IPv4 (RFC 2131, RFC 2132) and IPv6 (RFC 8415): message, client, address, what servers hand out."""

from __future__ import annotations

import numpy as np

from citywall.kernels import MIX1, bare_kernel, helper, internal, load_be16, load_be32, load_be64, mix64

U8 = np.uint64

# citywall.batches, whose values kernels must freeze
_DHCP_MESSAGE = 28
_CUT = 1
_V4 = U8(0xFFFF_0000_0000)

#: Bytes before the options: the message of BOOTP, then a magic number.
_OPTIONS = 240
_MAGIC = 0x63825363
_CIADDR, _YIADDR, _GIADDR, _CHADDR = 12, 16, 24, 28
_PAD, _ROUTER, _SERVERS, _HOST, _REQUESTED, _TYPE, _END = 0, 3, 6, 12, 50, 53, 255
_NAME = 32  # bytes of a host's name
# of DHCPv6: what its messages correspond to, by their number
_SIX = np.array([0, 1, 2, 3, 8, 3, 3, 5, 7, 4, 0, 8, 0, 0], np.uint16)
_CLIENT6, _ADDRESSES6, _ADDRESS6, _SERVERS6, _NAME6 = 1, 3, 5, 23, 39
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8).copy()


@internal
def card_text(mac, raw, k):
    """A hardware address into a row's text, as `24:4b:fe:1c:48:a4`; how many bytes."""
    n = 0
    for j in range(6):
        byte = np.int64((mac >> U8(40 - 8 * j)) & U8(255))
        raw[k, n] = _HEX[byte >> 4]
        raw[k, n + 1] = _HEX[byte & 15]
        if j < 5:
            raw[k, n + 2] = 58
        n += 3
    return n - 1


@internal
def client_digest(mac):
    """What tells clients apart."""
    return mix64(mac ^ MIX1)


@internal
def stirred(h, buffer, at, end):
    """A digest with some more bytes (FNV-1a)."""
    for j in range(at, end):
        h = (h ^ U8(buffer[j])) * U8(0x100000001B3)
    return h


@internal
def leads(buffer, at, end, size):
    """A digest of 32 bits of addresses of `size` bytes that are handed out, in any order; 0 of none."""
    total = U8(0)
    while at + size <= end:
        total += mix64(stirred(MIX1, buffer, at, at + size))
        at += size
    return U8(0) if total == U8(0) else (mix64(total) >> U8(32)) | U8(1)


@helper
def host_name(buffer, at, end, raw, k, e):
    """A host's name behind what names its card, in lower case."""
    to = np.int64(e["name_size"])
    n = min(end - at, _NAME)
    for j in range(n):
        c = np.int64(buffer[at + j])
        c = c + 32 if 65 <= c <= 90 else c
        raw[k, to + j] = c if 33 <= c < 127 else 63
    e["rest_size"] = max(n, 0)


@internal
def sent_by_another(buffer, p, e):
    """Whether a client's message came in an Ethernet frame of another card, past no relay."""
    at, network = np.int64(p["offset"]), np.int64(p["network"])
    if e["src_mac"] == U8(0) or e["number"] != 0 or (e["src_lo"] & U8(0xFFFFFFFF)) != U8(0):
        return False
    tagged = network == 18 and load_be16(buffer, at + 12) == 0x8100
    if not tagged and (network != 14 or load_be16(buffer, at + 12) != 0x0800):
        return False
    return load_be64(buffer, at + 6) >> U8(16) != e["src_mac"]


@helper
def read_dhcp(buffer, at, end, raw, k, e):
    """Fill an event; whether the payload is a message of an Ethernet client."""
    e["size"] = end - at
    if end - at < _OPTIONS + 3 or load_be32(buffer, at + _OPTIONS - 4) != _MAGIC:
        return False
    ask = buffer[at]
    if (ask != 1 and ask != 2) or buffer[at + 1] != 1 or buffer[at + 2] != 6:
        return False
    kind = np.int64(0)
    wanted = np.int64(load_be32(buffer, at + (_CIADDR if ask == 1 else _YIADDR)))
    place = at + _OPTIONS
    routers = servers = U8(0)
    name = name_end = np.int64(0)
    while place < end:
        option = buffer[place]
        if option == _END:
            break
        if option == _PAD:
            place += 1
            continue
        if place + 2 > end or place + 2 + np.int64(buffer[place + 1]) > end:
            e["flags"] = _CUT
            break
        size = np.int64(buffer[place + 1])
        if option == _TYPE and size == 1:
            kind = np.int64(buffer[place + 2])
        elif option == _REQUESTED and size == 4 and ask == 1:
            wanted = np.int64(load_be32(buffer, place + 2))
        elif option == _HOST:
            name, name_end = place + 2, place + 2 + size
        elif option == _ROUTER and ask == 2:
            routers = leads(buffer, place + 2, place + 2 + size, 4)
        elif option == _SERVERS and ask == 2:
            servers = leads(buffer, place + 2, place + 2 + size, 4)
        place += 2 + size
    if kind == 0:
        return False
    mac = U8(0)
    for j in range(6):
        mac = (mac << U8(8)) | U8(buffer[at + _CHADDR + j])
    e["kind"] = _DHCP_MESSAGE
    e["type"] = kind
    if wanted != 0:
        e["answer_lo"] = _V4 | U8(wanted)
    if ask == 1:
        e["src_mac"] = mac
    else:
        e["dst_mac"] = mac
    e["name_size"] = card_text(mac, raw, k)
    e["digest"] = client_digest(mac)
    e["number"] = load_be32(buffer, at + _GIADDR)
    e["answers"] = (routers << U8(32)) | servers
    host_name(buffer, name, name_end, raw, k, e)
    return True


@helper
def six_client(buffer, at, end, raw, k, e):
    """Who asks: the card in a DUID (RFC 8415 §11), else the DUID itself."""
    size = end - at
    kind = np.int64(load_be16(buffer, at)) if size >= 4 else np.int64(0)
    card = at + 8 if kind == 1 else at + 4
    e["digest"] = mix64(stirred(MIX1, buffer, at, end))
    if (kind == 1 or kind == 3) and card + 6 == end and load_be16(buffer, at + 2) == 1:
        mac = (U8(load_be32(buffer, card)) << U8(16)) | U8(load_be16(buffer, card + 4))
        e["name_size"] = card_text(mac, raw, k)
        return mac
    n = min(size, 16)
    for j in range(n):
        raw[k, 2 * j] = _HEX[np.int64(buffer[at + j]) >> 4]
        raw[k, 2 * j + 1] = _HEX[np.int64(buffer[at + j]) & 15]
    e["name_size"] = 2 * n
    return U8(0)


@helper
def six_address(buffer, at, end, e):
    """The first address of an association, into the event."""
    for _ in range(8):
        if at + 4 > end:
            break
        size = np.int64(load_be16(buffer, at + 2))
        if load_be16(buffer, at) == _ADDRESS6 and size >= 24 and at + 20 <= end:
            e["answer_hi"] = load_be64(buffer, at + 4)
            e["answer_lo"] = load_be64(buffer, at + 12)
            break
        at += 4 + size


@helper
def read_dhcp6(buffer, at, end, raw, k, e):
    """Fill an event; whether the payload is a message between a client and a server (not of a relay)."""
    e["size"] = end - at
    kind = np.int64(buffer[at])
    if kind >= len(_SIX) or _SIX[kind] == 0:
        return False
    served = kind == 2 or kind == 7
    place = at + 4
    servers = U8(0)
    mac = U8(0)
    name = name_end = np.int64(0)
    known = False
    while place + 4 <= end:
        option, size = load_be16(buffer, place), np.int64(load_be16(buffer, place + 2))
        place += 4
        if place + size > end:
            e["flags"] = _CUT
            break
        if option == _CLIENT6 and size > 0 and not known:
            mac = six_client(buffer, place, place + size, raw, k, e)
            known = True
        elif option == _ADDRESSES6 and size > 12 and (e["answer_hi"] | e["answer_lo"]) == U8(0):
            six_address(buffer, place + 12, place + size, e)
        elif option == _SERVERS6 and served:
            servers = leads(buffer, place, place + size, 16)
        elif option == _NAME6 and size > 2:
            name = place + 2  # flags, then labels of which the first is the host's
            name_end = min(name + np.int64(buffer[place + 1]), place + size)
        place += size
    if not known:
        return False
    e["kind"] = _DHCP_MESSAGE
    e["type"] = _SIX[kind]
    if served:
        e["dst_mac"] = mac
    else:
        e["src_mac"] = mac
    e["answers"] = servers
    host_name(buffer, name, name_end, raw, k, e)
    return True


@bare_kernel
def client_digests(macs, out):
    """`client_digest` of each hardware address (u8[n]) into u8[n]."""
    for i in range(len(macs)):
        out[i] = client_digest(macs[i])
