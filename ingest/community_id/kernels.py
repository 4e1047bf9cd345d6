"""Community ID v1 as a kernel: SHA-1 of one block a flow, and base64.

SHA-1 (FIPS 180-4) is computed in 64-bit words masked to 32, since Numba widens 32-bit sums anyway.
"""

from __future__ import annotations

import numpy as np

from citywall.batches import ICMP, ICMPV6, SCTP, TCP, UDP
from citywall.kernels import U8, internal, kernel

LENGTH = 30  # "1:" and 28 characters
WORD = U8(0xFFFFFFFF)
SIXTY_THREE = U8(63)

BASE64 = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", np.uint8)


def _counterparts(pairs):
    """By ICMP type the type that answers it, or -1 for messages that go one way."""
    table = np.full(256, -1, np.int16)
    for one, other in pairs:
        table[one] = other
        table[other] = one
    return table


# echo, router advertisement and solicitation, timestamp, information, address mask
ICMP_PAIRS = _counterparts(((8, 0), (9, 10), (13, 14), (15, 16), (17, 18)))
# echo, listener query and report, router and neighbour discovery, who-are-you, home agent discovery
ICMPV6_PAIRS = _counterparts(((128, 129), (130, 131), (133, 134), (135, 136), (139, 140), (144, 145)))


@internal
def rotate(x, n):
    """Rotate a 32-bit word left by n."""
    return ((x << U8(n)) | (x >> U8(32 - n))) & WORD


@internal
def round_of(a, b, c, d, e, f, k, word):
    """One round: the five working words after it."""
    return (rotate(a, 5) + f + e + k + word) & WORD, a, rotate(b, 30), c, d


@internal
def sha1_block(words, state):
    """SHA-1 of one padded block: words u64[80], the first 16 the message; digest in state u64[0:5]."""
    for t in range(16, 80):
        words[t] = rotate(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1)
    a = U8(0x67452301)
    b = U8(0xEFCDAB89)
    c = U8(0x98BADCFE)
    d = U8(0x10325476)
    e = U8(0xC3D2E1F0)
    for t in range(20):
        f = d ^ (b & (c ^ d))
        a, b, c, d, e = round_of(a, b, c, d, e, f, U8(0x5A827999), words[t])
    for t in range(20, 40):
        a, b, c, d, e = round_of(a, b, c, d, e, b ^ c ^ d, U8(0x6ED9EBA1), words[t])
    for t in range(40, 60):
        f = (b & c) | (d & (b | c))
        a, b, c, d, e = round_of(a, b, c, d, e, f, U8(0x8F1BBCDC), words[t])
    for t in range(60, 80):
        a, b, c, d, e = round_of(a, b, c, d, e, b ^ c ^ d, U8(0xCA62C1D6), words[t])
    state[0] = (a + U8(0x67452301)) & WORD
    state[1] = (b + U8(0xEFCDAB89)) & WORD
    state[2] = (c + U8(0x98BADCFE)) & WORD
    state[3] = (d + U8(0x10325476)) & WORD
    state[4] = (e + U8(0xC3D2E1F0)) & WORD


@internal
def put(message, at, value, size):
    """Write `size` bytes of a u64, big endian; returns what follows."""
    for i in range(size):
        message[at + i] = np.uint8((value >> U8(8 * (size - 1 - i))) & U8(0xFF))
    return at + size


@internal
def put_address(message, at, hi, lo, v4):
    """Write an address in network order: 4 bytes or 16."""
    if v4:
        return put(message, at, lo & WORD, 4)
    return put(message, put(message, at, hi, 8), lo, 8)


@kernel
def community_ids(flows, seed, out):
    """Write the ids of flows FLOW[n] into out u1[n, LENGTH] as ASCII."""
    message = np.zeros(64, np.uint8)
    words = np.zeros(80, np.uint64)
    state = np.zeros(6, np.uint64)
    for i in range(flows.size):
        r = flows[i]
        proto = r["proto"]
        s_hi = r["src_hi"]
        s_lo = r["src_lo"]
        d_hi = r["dst_hi"]
        d_lo = r["dst_lo"]
        sport = np.int64(r["src_port"])
        dport = np.int64(r["dst_port"])
        one_way = False
        if proto == ICMP or proto == ICMPV6:
            sport = np.int64(r["icmp_type"])
            dport = np.int64(ICMP_PAIRS[sport]) if proto == ICMP else np.int64(ICMPV6_PAIRS[sport])
            if dport < 0:
                one_way = True
                dport = np.int64(r["icmp_code"])
        with_ports = proto == TCP or proto == UDP or proto == SCTP or proto == ICMP or proto == ICMPV6
        source_later = s_hi > d_hi or (s_hi == d_hi and s_lo > d_lo)
        if s_hi == d_hi and s_lo == d_lo:
            source_later = with_ports and sport > dport
        if source_later and not one_way:
            s_hi, s_lo, d_hi, d_lo = d_hi, d_lo, s_hi, s_lo
            sport, dport = dport, sport
        v4 = r["version"] != 6 and (
            s_hi == U8(0) and d_hi == U8(0) and s_lo >> U8(32) == U8(0xFFFF) and d_lo >> U8(32) == U8(0xFFFF)
        )
        message[:] = 0
        at = put(message, 0, U8(seed), 2)
        at = put_address(message, at, s_hi, s_lo, v4)
        at = put_address(message, at, d_hi, d_lo, v4)
        message[at] = proto
        at += 2
        if with_ports:
            at = put(message, at, U8(sport), 2)
            at = put(message, at, U8(dport), 2)
        message[at] = 0x80
        put(message, 56, U8(8 * at), 8)
        for t in range(16):
            word = U8(0)
            for b in range(4):
                word = (word << U8(8)) | U8(message[4 * t + b])
            words[t] = word
        sha1_block(words, state)
        # 20 bytes are six and two thirds groups of three: state[5] is the zero that pads the last.
        out[i, 0] = 49  # "1"
        out[i, 1] = 58  # ":"
        for c in range(27):
            bit = 6 * c
            pair = (state[bit >> 5] << U8(32)) | state[(bit >> 5) + 1] if bit < 160 else U8(0)
            out[i, 2 + c] = BASE64[np.int64((pair >> U8(58 - (bit & 31))) & SIXTY_THREE)]
        out[i, 29] = 61  # "="
