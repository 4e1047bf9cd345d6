"""DHCP for IPv4 (RFC 2131, RFC 2132): message type, client, and the address that is asked for or given."""

from __future__ import annotations

import numpy as np

from citywall.kernels import MIX1, bare_kernel, helper, internal, load_be32, mix64

U8 = np.uint64

# citywall.batches, whose values kernels must freeze
_DHCP_MESSAGE = 28
_CUT = 1
_V4 = U8(0xFFFF_0000_0000)

#: Bytes before the options: the message of BOOTP, then a magic number.
_OPTIONS = 240
_MAGIC = 0x63825363
_CIADDR, _YIADDR, _CHADDR = 12, 16, 28
_PAD, _REQUESTED, _TYPE, _END = 0, 50, 53, 255
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
    return True


@bare_kernel
def client_digests(macs, out):
    """`client_digest` of each hardware address (u8[n]) into u8[n]."""
    for i in range(len(macs)):
        out[i] = client_digest(macs[i])
