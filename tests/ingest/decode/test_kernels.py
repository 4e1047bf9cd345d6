"""The decode kernels against a plain oracle and against Scapy, on sound and hostile records."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import FRAGMENT, IP, PACKET, REASONS, TRANSPORT
from ingest.decode import kernels

ROOT = Path(__file__).resolve().parents[3]
LINKS = (0, 1, 9, 12, 14, 50, 51, 101, 104, 108, 113, 228, 229, 276, 147)
T0 = 1_700_000_000 * 10**9
UNKNOWN = REASONS.index("tunnel_inner_unknown")


# Records grown from a grammar: mostly right, sometimes wrong in one place, sometimes cut.


def transport(rng: random.Random, proto: int, v6: bool) -> bytes:
    data = rng.randbytes(rng.choice([0, 0, 3, 30]))
    if proto == 6:
        offset = rng.choice([5, 5, 5, 8, 4, 15])
        return rng.randbytes(12) + bytes([offset << 4, rng.randrange(256)]) + rng.randbytes(6) + data
    if proto in (4, 17, 41, 47, 115) and rng.random() < 0.8:
        return tunnel(rng, proto)
    return rng.randbytes({17: 8, 132: 12}.get(proto, 8)) + data


def frame(rng: random.Random, kind: int | None = None, data: bytes = b"") -> bytes:
    """An Ethernet frame, of a packet or any."""
    if kind is None:
        kind, data = network(rng)
    tag = struct.pack(">HH", 0x8100, rng.randrange(4096)) if rng.random() < 0.2 else b""
    return rng.randbytes(12) + tag + struct.pack(">H", kind) + data


def shims(rng: random.Random, kind: int, data: bytes, more: int = 2) -> tuple[int, bytes]:
    """Labels, a PPPoE session, a service path or a service instance before an IP packet."""
    which = rng.random()
    if which < 0.2:
        return 0x88E7, rng.randbytes(4) + frame(rng, kind, data)
    if which < 0.25:
        return 0x8903, rng.randbytes(2) + frame(rng, kind, data)
    if which < 0.4:
        form = rng.choice([1, 1, 1, 2, 2, 0, 15, 3])
        size = rng.choice([6, 6, 2, 2, 4, 1, 63])
        following = {0x0800: 1, 0x86DD: 2}.get(kind, rng.choice([0, 3, 99]))
        if following == 3 or rng.random() < 0.2:
            following, data = 3, frame(rng, kind, data)
        elif more and rng.random() < 0.3:
            kind, data = shims(rng, kind, data, more - 1)
            following = {0x894F: 4, 0x8847: 5}.get(kind, following)
        head = bytes([rng.choice([0, 0, 0, 0, 0x40]), size, form, following]) + b"\0\0\7\xff"
        return 0x894F, head + bytes(max(0, size * 4 - 8) if size < 63 else 5) + data
    if which < 0.7:
        protocol = {0x0800: b"\0\x21", 0x86DD: rng.choice([b"\0\x57", b"\x57"])}.get(kind, b"\xc0\x21")
        return 0x8864, b"\x11\0\0\1" + struct.pack(">H", len(data) + 2) + protocol + data
    labels = b"\0\1\0\x40" * rng.choice([0, 1, 3]) + b"\0\1\1\x40"
    return 0x8847, labels + (pseudowire(rng, kind, data) if rng.random() < 0.6 else data)


def pseudowire(rng: random.Random, kind: int, data: bytes) -> bytes:
    """Ethernet, PPP or HDLC, with a control word or without, with addresses that look like other things."""
    if kind == 0x0800:
        data = summed(data) if rng.random() < 0.8 else data
    word = rng.choice([b"", b"", bytes(4), bytes(4), b"\0\x2c\0\7", b"\x10\0\0\x21"])
    if rng.random() < 0.6:
        first = bytes([rng.choice([0, 0x0F, 0x10, 0x45, 0x60, 0x8F, 0xFF, rng.randrange(256)])])
        cards = first + rng.randbytes(11)
        tag = struct.pack(">HH", rng.choice([0x8100, 0x88A8]), 9) if rng.random() < 0.2 else b""
        if kind != 0x0806 and rng.random() < 0.2:
            kind, data = 0x8864, b"\x11\0\0\1\0\x20" + rng.choice([b"\0\x21", b"\x57"]) + data
        return word + cards + tag + struct.pack(">H", kind) + data + bytes(rng.choice([0, 0, 6]))
    head = cisco(rng, kind) if rng.random() < 0.5 else point_to_point(rng, kind)
    return word + head + data


def summed(data: bytes) -> bytes:
    """An IPv4 header with its checksum."""
    size = data[0] % 16 * 4
    if size < 12 or len(data) < size:
        return data
    head = data[:10] + bytes(2) + data[12:size]
    total = sum(struct.unpack(f">{size // 2}H", head)) % 0xFFFF
    return head[:10] + struct.pack(">H", 0xFFFF - total) + head[12:] + data[size:]


def cisco(rng: random.Random, kind: int) -> bytes:
    """The header of Cisco's HDLC."""
    return rng.choice([b"\x0f\0", b"\x0f\0", b"\x8f\0", b"\x0f\1"]) + struct.pack(">H", kind)


def tunnel(rng: random.Random, proto: int) -> bytes:
    """What such a protocol holds: mostly as it should be."""
    kind, inner = network(rng)
    if proto == 47:
        kind = rng.choice([kind, kind, 0x6558, 0x88BE, 0x22EB, 0x880B, 0x8847])
        word = rng.choice([0, 0, 0, 0x1000, 0x2000, 0xB000, 0x4000, 1, 2, 0x2001, 0x3081])
        if kind == 0x880B:
            word = rng.choice([word, 0x2001, 0x3081])
        optional = bytes(4 * (word >> 12 & 0xB).bit_count())
        if word & 7 == 1:
            optional = struct.pack(">HH", rng.choice([0, len(inner)]), 7) + bytes(4 * (word >> 12 & 1))
            optional += bytes(4 * (word >> 7 & 1))
        inner = {
            0x6558: lambda: frame(rng),
            0x88BE: lambda: bytes(8 if word & 0x1000 else 0) + frame(rng),
            0x22EB: lambda: rng.choice([bytes(12), bytes(11) + b"\1" + bytes(8)]) + frame(rng),
            0x880B: lambda: rng.choice([b"\xff\x03\0\x21", b"\x21", b"\0\x57", b"\xc0\x21"]) + inner,
            0x8847: lambda: shims(rng, kind, inner)[1],
        }.get(kind, lambda: inner)()
        return struct.pack(">HH", word, kind) + optional + inner
    if proto == 115:
        return session(rng, kind, inner, rng.choice([b"\0\0\0\7"] * 4 + [bytes(4), b"\0"]))
    if proto != 17:
        return inner
    port = rng.choice([4789, 8472, 6081, 3544, 4790, 2152, 1701])
    if port == 3544:
        before = rng.choice([b"", b"", bytes(8), b"\0\1\1\2" + bytes(12), b"\0\1\0\0" + bytes(17)])
        data = before + inner
    elif port == 6081:
        options = rng.choice([0, 0, 2])
        kind = rng.choice([kind, 0x6558])
        data = struct.pack(">BBHI", options, rng.choice([0, 0, 0x80, 1]), kind, 5000 << 8) + bytes(
            4 * options
        )
        data += frame(rng) if kind == 0x6558 else inner
    elif port == 4790:
        following = rng.choice([{0x0800: 1, 0x86DD: 2}.get(kind, 0), 3, 4, 5])
        if following >= 4:
            kind, inner = shims(rng, kind, inner)
            following = {0x894F: 4, 0x8847: 5, 0x88E7: 3}.get(kind, 7)
        first = rng.choice([0x0C, 0x0C, 0x0C, 0x08, 0x0D, 0x04, 0x1C])
        following = rng.choice([0, following]) if first == 8 else following
        data = bytes([first, 0, rng.choice([0, 0, 0, 1]), following]) + struct.pack(">I", 77 << 8)
        data += frame(rng) if following in (0, 3) else inner
    elif port == 2152:
        if rng.random() < 0.3:
            inner = frame(rng, kind, inner)
            inner += bytes(rng.choice([0, 0, max(0, 60 - len(inner))]))
        data = user_packet(rng, inner)
    elif port == 1701:
        data = session_over_udp(rng, kind, inner)
    else:
        data = struct.pack(">II", rng.choice([8 << 24] * 5 + [0]), rng.randrange(1 << 32)) + frame(rng)
    ends = [rng.randrange(1024, 65536), port]
    if port in (3544, 1701) and rng.random() < 0.5:
        ends.reverse()
    return struct.pack(">HHHH", *ends, 8 + len(data), 0) + data


def session(rng: random.Random, kind: int, inner: bytes, number: bytes) -> bytes:
    """What L2TPv3 has from a session's number on."""
    padding = bytes(max(0, 60 - 14 - len(inner))) if rng.random() < 0.3 else b""
    cards = rng.randbytes(12) + struct.pack(">H", kind)
    heads = cards, cards + b"\x81\0", point_to_point(rng, kind), cisco(rng, kind)
    what = rng.choice([cards + inner + padding, *(head + inner for head in heads)])
    return number + rng.randbytes(rng.choice([0, 4, 8, 12, 16])) + what


def point_to_point(rng: random.Random, kind: int) -> bytes:
    protocol = {0x0800: rng.choice([b"\0\x21", b"\x21"]), 0x86DD: rng.choice([b"\0\x57", b"\x57"])}
    return rng.choice([b"", b"\xff\x03"]) + protocol.get(kind, b"\xc0\x21")


def session_over_udp(rng: random.Random, kind: int, inner: bytes) -> bytes:
    """A message of L2TP, of either version."""
    if rng.random() < 0.4:
        return rng.choice([b"\0\3\0\0"] * 3 + [b"\x80\3\0\0"]) + session(rng, kind, inner, b"\0\0\0\7")
    word = rng.choice([2, 0x4002, 0x4002, 0x0802, 0x4A02, 0x0202, 0x4102, 0xC802, 0x4012, 0x4001])
    behind = bytes(4) + bytes(4 if word & 0x0800 else 0)
    if word & 0x0200:
        offset = rng.choice([0, 3, 3, 60000])
        behind += struct.pack(">H", offset) + bytes(offset % 1000)
    behind += point_to_point(rng, kind) + inner
    if word & 0x4000:
        behind = struct.pack(">H", len(behind) + 4 + rng.choice([0, 0, 0, 0, 1])) + behind
    return struct.pack(">H", word) + behind


def user_packet(rng: random.Random, inner: bytes) -> bytes:
    """A message of GTP-U."""
    first = rng.choice([0x30, 0x30, 0x32, 0x34, 0x34, 0x37, 0x38, 0x20])
    more = b""
    if first & 7:
        extensions = [
            bytes([n]) + bytes(4 * n - 2) for n in rng.choices([1, 1, 2, 5], k=rng.choice([1, 1, 3, 17]))
        ]
        kinds = [0x85] * len(extensions) + [0]
        if rng.random() < 0.1:
            extensions[-1] = b"\0\0\0"
        if not first & 4 or rng.random() < 0.3:
            extensions, kinds = [], [rng.choice([0, 0x85]) if not first & 4 else 0]
        more = b"\0\7\0" + b"".join(bytes([k]) + e for k, e in zip(kinds, extensions, strict=False))
        more += bytes([kinds[-1]])
    length = len(more) + len(inner) + rng.choice([0, 0, 0, 0, 0, 1])
    return bytes([first, rng.choice([255] * 6 + [1])]) + struct.pack(">HI", length, 7) + more + inner


def network(rng: random.Random) -> tuple[int, bytes]:
    kind = rng.choice([0x0800, 0x0800, 0x86DD, 0x86DD, 0x0806, rng.randrange(65536)])
    proto = rng.choice([6, 6, 6, 17, 17, 1, 58, 132, 50, 59, 4, 41, 47, 115, rng.randrange(256)])
    if kind == 0x0806:
        form = rng.choice([b"\0\x01\x08\0\x06\x04", b"\0\x06\x08\0\x06\x04", rng.randbytes(6)])
        return kind, form + rng.randbytes(22)
    if kind == 0x0800:
        options = rng.choice([b"", b"", b"\1" * 8])
        body = transport(rng, proto, False)
        total = 20 + len(options) + len(body)
        total = rng.choice([total, total, total, 0, total - 10, 10, 60000]) & 0xFFFF
        first = rng.choice([4, 4, 4, 4, 4, rng.randrange(16)]) << 4 | rng.choice(
            [5 + len(options) // 4] * 5 + [3]
        )
        offset = rng.choice([0, 0, 0, 0x2000, 0x4000, 0x2003, 7])
        ends = rng.choice([rng.randbytes(8), b"\x0a\0\0\1" * 2])
        head = struct.pack(">BBHHHBBH", first, 0, total, 1, offset, 64, proto, 0) + ends
        return kind, head + options + body
    chain, following = b"", proto
    for _ in range(rng.choice([0, 0, 1, 2, 3, 18])):
        each = rng.choice([0, 43, 44, 51, 60, 135, 139, 140])
        size = rng.choice([0, 0, 1, 3])
        if each == 44:
            chain = (
                bytes([following, 0]) + rng.choice([b"\0\0", b"\0\1", b"\0\x08"]) + rng.randbytes(4) + chain
            )
        elif each == 51:
            chain = bytes([following, size + 1]) + rng.randbytes(size * 4 + 10) + chain
        else:
            chain = bytes([following, size]) + rng.randbytes(size * 8 + 6) + chain
        following = each
    body = chain + transport(rng, proto, True)
    length = rng.choice([len(body)] * 4 + [0, 5, 60000, max(0, len(body) - 9)])
    head = struct.pack(">IHBB", rng.choice([6, 6, 6, 6, 5]) << 28, length, following, 64)
    return kind, head + rng.choice(
        [rng.randbytes(32), b"\x20\1" + b"\0" * 14 + b"\x20\1" + b"\0" * 14]
    ) + body


def record(rng: random.Random) -> tuple[int, bytes, int]:
    """(link type, captured bytes, bytes on the wire)."""
    link = rng.choice(LINKS + (1,) * 8)
    kind, data = network(rng)
    tags = b""
    if link == 51 or (link in (1, 104, 113, 276) and rng.random() < 0.1):
        kind, data = shims(rng, kind, data)
    if link in (1, 113, 276):
        for _ in range(rng.choice([0, 0, 0, 1, 2, 3])):
            tags += struct.pack(">HH", kind, rng.randrange(65536))
            kind = rng.choice([0x8100, 0x88A8, 0x9100])
        tags = b"".join(tags[i : i + 4] for i in range(len(tags) - 4, -1, -4))
        tags = b"".join(tags[i + 2 : i + 4] + tags[i : i + 2] for i in range(0, len(tags), 4))
    if link == 1 and not tags and rng.random() < 0.1:
        data, kind = b"\xaa\xaa\x03\0\0\0" + struct.pack(">H", kind) + data, rng.choice([0x40, 1500])
    if link in (1, 113, 276) and rng.random() < 0.1:
        tags, kind = rng.randbytes(4) + struct.pack(">H", kind) + tags, 0x8926
    packed = struct.pack(">H", kind)
    family = rng.choice([2, 10, 23, 24, 28, 30, 7])
    head = {
        1: rng.randbytes(12) + packed + tags,
        113: rng.randbytes(14) + packed + tags,
        276: packed + rng.randbytes(18) + tags,
        0: struct.pack(rng.choice("<>") + "I", family),
        108: struct.pack(">I", family),
        9: rng.choice([b"\0\x21", b"\x21", b"\xff\x03\0\x57", b"\xff\x03\x57", b"\xc0\x21"]),
        104: b"\x0f\0" + packed,
        50: rng.choice([b"\xff\x03\0\x21", b"\x02\x81", b"\x0f\0" + packed, b"\x8f\0" + packed]),
    }.get(link, b"")
    whole = head + data + rng.choice([b"", b"", b"\0" * 20])
    cut = rng.choice([len(whole)] * 3 + [rng.randrange(len(whole) + 1)])
    wire = rng.choice([len(whole)] * 4 + [0, 70_000, 2**32 - 1])
    return link, whole[:cut], wire


def carried(rng: random.Random) -> tuple[int, bytes, int]:
    """Pseudowires behind labels, and what L2TPv3 and GTP-U carry, in carriers that are sound."""
    kind, inner = network(rng)
    if rng.random() < 0.5:
        link, whole = 1, rng.randbytes(12) + b"\x88\x47\0\1\1\x40" + pseudowire(rng, kind, inner)
    else:
        if rng.random() < 0.5:
            proto, data = 115, session(rng, kind, inner, b"\0\0\0\7")
        else:
            framed = rng.random() < 0.7
            frames = frame(rng, kind, inner)
            data = user_packet(rng, frames + bytes(max(0, 60 - len(frames))) if framed else inner)
            proto, data = 17, struct.pack(">HHHH", 2152, 2152, 8 + len(data), 0) + data
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(data), 1, 0, 64, proto, 0)
        link, whole = 101, head + b"\x0a\0\0\1\x0a\0\0\2" + data
    cut = rng.choice([len(whole)] * 4 + [rng.randrange(len(whole) + 1)])
    return link, whole[:cut], len(whole)


def run(records, writing_module) -> np.ndarray:
    """Decode (link, data, wire) records through pcapng, an interface a link type."""
    return counted(records, writing_module)[0]


def counted(records, writing_module) -> tuple[np.ndarray, int]:
    """The same, and how many carry what cannot be told, which no row says."""
    w = writing_module
    raw = b"".join(w.enhanced(w.Record(T0, d, wire), LINKS.index(link)) for link, d, wire in records)
    buffer = np.frombuffer(raw, np.uint8)
    table = np.zeros(len(LINKS), kernels.INTERFACE)
    table["link"], table["multiply"], table["divide"] = LINKS, 1000, 1
    out = np.empty(len(records), PACKET)
    links, reasons = np.zeros(len(records), np.int32), np.zeros(len(REASONS), np.int64)
    n, at, _ = kernels.decode_pcapng(
        buffer, 0, len(raw), np.uint64(0), False, table, len(LINKS), out, links, reasons
    )
    assert (n, at) == (len(records), len(raw))
    assert links.tolist() == [r[0] for r in records]
    told, unknown = np.bincount(out["reason"], minlength=len(REASONS)), int(reasons[UNKNOWN])
    reasons[UNKNOWN] = 0
    assert reasons[1:].tolist() == told[1:].tolist()
    return out, unknown


def compare(records, writing_module, plain_module) -> np.ndarray:
    out, unknown = counted(records, writing_module)
    for (link, data, wire), row in zip(records, out, strict=True):
        expected = plain_module.counted(data, wire, link)
        unknown -= expected.pop("unknown", 0)
        assert {name: int(row[name]) for name in plain_module.FIELDS} == expected, (link, data.hex(), wire)
        assert int(row["time"]) == T0
    assert unknown == 0
    return out


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**48))
def test_grown_records_decode_as_the_oracle_says(writing, plain, seed):
    rng = random.Random(seed)
    records = [record(rng) for _ in range(100)]
    compare(records, writing, plain)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**48))
def test_what_is_carried_decodes_as_the_oracle_says(writing, plain, seed):
    rng = random.Random(seed)
    compare([carried(rng) for _ in range(100)], writing, plain)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=120), link=st.sampled_from(LINKS), wire=st.integers(0, 2**32 - 1))
def test_any_bytes_decode_as_the_oracle_says(writing, plain, data, link, wire):
    records = [(link, data, wire)]
    compare(records, writing, plain)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**48))
def test_mutated_records_decode_as_the_oracle_says(writing, plain, seed):
    rng = random.Random(seed)
    records = []
    for _ in range(60):
        link, data, wire = record(rng)
        data = bytearray(data)
        for _ in range(rng.randrange(3) if data else 0):
            data[rng.randrange(len(data))] = rng.choice([0, 255, rng.randrange(256)])
        records.append((link, bytes(data), wire))
    compare(records, writing, plain)


def test_every_reason_is_reached(writing):
    rng = random.Random(1)
    out = run([record(rng) for _ in range(6000)], writing)
    missing = set(REASONS) - {REASONS[r] for r in np.unique(out["reason"])}
    # Of the file, not of a packet; see below; counted only.
    assert missing == {"interface_unknown", "tunnel_too_deep", "tunnel_inner_unknown"}


def test_tunnels_within_tunnels_end(writing, plain):
    inner = struct.pack(">HHHH", 1, 2, 8, 0)
    packets = []
    for depth in range(8):
        proto = 4 if depth else 17
        ends = b"\x0a\0\0" + bytes([depth]) + b"\x0a\1\0\1"
        inner = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(inner), 0, 0, 64, proto, 0) + ends + inner
        packets.append((101, inner, len(inner)))
    out = compare(packets, writing, plain)
    assert out["depth"].tolist() == [0, 1, 2, 3, 4, 4, 4, 4]
    assert [REASONS[r] for r in out["reason"]] == ["none"] * 5 + ["tunnel_too_deep"] * 3
    assert set(out["ports"][:5].tolist()) == {1 << 16 | 2}


#: Said, so that Scapy does not ask the network of whoever tests for them.
CARDS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**48))
def test_tunnels_are_read_as_scapy_builds_them(writing, seed):
    """Whatever the order of the tunnels, the row is that of the innermost packet, and of its network."""
    from scapy.all import GRE, IP, UDP, Dot1Q, Ether, IPv6
    from scapy.contrib.geneve import GENEVE
    from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
    from scapy.contrib.mpls import MPLS, EoMCW
    from scapy.contrib.nsh import NSH
    from scapy.layers.l2tp import L2TP
    from scapy.layers.ppp import HDLC, PPP, PPPoE
    from scapy.layers.vxlan import VXLAN

    rng = random.Random(seed)

    def ip(n):
        return IP(src=f"10.{n}.0.1", dst=f"10.{n}.0.2") if rng.random() < 0.5 else IPv6(
            src=f"fd00:{n}::1", dst=f"fd00:{n}::2"
        )  # fmt: skip

    def around(packet, n):
        """One tunnel more; (packet, VNI of what is inside or None)."""
        vni = rng.randrange(1, 1 << 24)
        which = rng.randrange(16)
        if which == 0:
            return ip(n) / packet, None
        if which == 1:
            return ip(n) / GRE(key_present=rng.randrange(2), seqnum_present=rng.randrange(2)) / packet, None
        if which == 2:
            return ip(n) / GRE(proto=0x6558) / Ether(**CARDS) / packet, None
        if which == 3:
            return ip(n) / GRE(proto=0x88BE, seqnum_present=1) / (bytes.fromhex("1000000000000000")) / (
                Ether(**CARDS) / packet
            ), None  # fmt: skip
        if which == 4:
            return ip(n) / UDP(dport=4789, chksum=0) / VXLAN(vni=vni, flags=8) / Ether(**CARDS) / packet, vni
        if which == 5:
            return ip(n) / UDP(dport=6081) / GENEVE(vni=vni, proto=0x6558) / Ether(**CARDS) / packet, vni
        if which == 6:
            return ip(n) / GRE(proto=0x8847) / MPLS(label=99, s=1) / packet, None
        version = 6 if packet.name == "IPv6" else 4
        if which == 7:
            following = 2 if version == 6 else 1
            head = VXLAN(vni=vni, flags=0x0C, NextProtocol=following)
            return ip(n) / UDP(dport=4790, chksum=0) / head / packet, vni
        if which == 8:
            head = VXLAN(vni=vni, flags=0x0C, NextProtocol=4) / NSH(mdtype=1, nextproto=3)
            return ip(n) / UDP(dport=4790, chksum=0) / head / Ether(**CARDS) / packet, vni
        if which == 9:
            return ip(n) / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=7, gtp_type=255) / packet, None
        if which == 10:
            head = GTP_U_Header(teid=7, gtp_type=255, E=1, next_ex=0x85) / GTPPDUSessionContainer(QFI=9)
            return ip(n) / UDP(sport=2152, dport=2152) / head / packet, None
        point = PPP() if rng.random() < 0.5 else HDLC() / PPP()
        if which == 11:
            return ip(n) / UDP(sport=1701, dport=1701) / L2TP(
                hdr=rng.choice(["length", "length+sequence"])
            ) / point / packet, None
        carrier = ip(n)
        carrier[0].fields["nh" if carrier.name == "IPv6" else "proto"] = 115
        cookie = rng.randbytes(rng.choice([0, 4, 8])) + bytes(rng.choice([0, 4]))
        if which == 12:
            return carrier / (b"\0\0\0\7" + cookie + bytes(Ether(**CARDS) / packet)), None
        if which == 13:
            cisco = struct.pack(">BBH", 0x0F, 0, 0x86DD if version == 6 else 0x0800)
            return carrier / (b"\0\0\0\7" + cookie + cisco + bytes(packet)), None
        if which == 14:
            head = GTP_U_Header(teid=7, gtp_type=255)
            if rng.random() < 0.5:
                head = GTP_U_Header(teid=7, gtp_type=255, E=1, next_ex=0x85) / GTPPDUSessionContainer(QFI=9)
            return ip(n) / UDP(sport=2152, dport=2152) / head / Ether(**CARDS) / packet, None
        return carrier / (b"\0\0\0\7" + cookie + bytes(point / packet)), None

    inner = ip(0) / UDP(sport=1111, dport=2222) / b"data"
    depth, vlan, packet = rng.randrange(1, 5), 0, inner
    known = False
    for n in range(1, depth + 1):
        packet, vni = around(packet, n)
        if vni is not None and not known:  # the innermost network counts
            vlan, known = 1 << 31 | vni, True
    tag = rng.randrange(1, 4095) if rng.random() < 0.3 else 0
    link = rng.randrange(8)
    head = Ether(**CARDS) / Dot1Q(vlan=tag) if tag else Ether(**CARDS)
    if link == 0:
        whole = head / packet
    elif link == 1:
        whole = head / MPLS(label=17, s=0) / MPLS(label=18, s=1) / packet
    elif link == 2:
        whole = head / NSH(mdtype=rng.choice([1, 2]), nextproto=2 if packet.name == "IPv6" else 1) / packet
    elif link == 3:
        service = rng.randrange(1, 1 << 24)
        tag = (1 << 31) | service
        last = head.lastlayer()
        last.type = 0x88E7
        whole = head / (struct.pack(">I", service) + bytes(Ether(**CARDS) / packet))
    elif link == 4:
        word = EoMCW(seq=rng.randrange(65536)) / Ether(**CARDS) if rng.random() < 0.5 else Ether(**CARDS)
        whole = head / MPLS(label=17, s=1) / word / packet
    elif link == 5:
        word = bytes(4) if rng.random() < 0.5 else b""
        whole = head / MPLS(label=17, s=1) / (word + bytes((HDLC() / PPP() if tag else PPP()) / packet))
    elif link == 6:
        word = bytes(4) if rng.random() < 0.5 else b""
        kind = 0x86DD if packet.name == "IPv6" else 0x0800
        whole = head / MPLS(label=17, s=1) / (word + struct.pack(">BBH", 0x8F, 0, kind) + bytes(packet))
    else:
        whole = head / PPPoE() / PPP() / packet
    raw = bytes(whole)
    (row,) = run([(1, raw, len(raw))], writing)
    assert row["reason"] == 0, whole.summary()
    assert (row["status"], row["depth"], row["proto"]) == (TRANSPORT, depth, 17), whole.summary()
    assert {int(row["ports"]) >> 16, int(row["ports"]) & 0xFFFF} == {1111, 2222}
    assert int(row["vlan"]) == (vlan or tag)
    assert raw[row["payload_at"] :][:4] == b"data"
    assert int(row["ip_bytes"]) == len(bytes(inner))
    other = bytes(inner)
    (plain_row,) = run([(101, other, len(other))], writing)
    assert [int(row[n]) for n in ("a_hi", "a_lo", "b_hi", "b_lo")] == [
        int(plain_row[n]) for n in ("a_hi", "a_lo", "b_hi", "b_lo")
    ]


def test_the_hash_is_of_the_key_and_the_same_both_ways(writing):
    rng = random.Random(2)
    seen: dict[int, tuple] = {}
    for _ in range(300):
        a, b, ports = rng.randbytes(4), rng.randbytes(4), rng.randbytes(4)
        vlan, proto = rng.choice([0, 1, 77]), rng.choice([6, 17])
        rows = []
        for src, dst, p in ((a, b, ports), (b, a, ports[2:] + ports[:2])):
            tag = struct.pack(">HH", 0x8100, vlan) if vlan else b""
            head = struct.pack(">BBHHHBBH", 0x45, 0, 48, 1, 0, 64, proto, 0) + src + dst
            rows.append((1, bytes(12) + tag + b"\x08\0" + head + p + bytes(8) + b"\x50" + bytes(15), 66))
        one, other = run(rows, writing)
        assert one["hash"] == other["hash"]
        assert one["reversed"] + other["reversed"] == 1
        key = tuple(int(one[n]) for n in ("a_hi", "a_lo", "b_hi", "b_lo", "ports", "proto", "vlan"))
        assert seen.setdefault(int(one["hash"]), key) == key
    assert len(seen) > 290


@pytest.mark.parametrize("v6", [False, True])
def test_scapy_agrees(writing, v6):
    from scapy.layers.inet import ICMP, TCP, UDP
    from scapy.layers.inet import IP as IPv4
    from scapy.layers.inet6 import (
        ICMPv6EchoRequest,
        IPv6,
        IPv6ExtHdrDestOpt,
        IPv6ExtHdrHopByHop,
        IPv6ExtHdrRouting,
    )  # fmt: skip
    from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
    from scapy.layers.sctp import SCTP

    rng = random.Random(3)
    packets = []
    for _ in range(60):
        p = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        if rng.random() < 0.5:
            p /= Dot1AD(vlan=rng.randrange(1, 4095)) if rng.random() < 0.4 else Dot1Q(vlan=0)
            p /= Dot1Q(vlan=rng.randrange(1, 4095))
        if v6:
            p /= IPv6(src=f"2001:db8::{rng.randrange(9):x}", dst=f"2001:db8::{rng.randrange(9):x}")
            for layer in (IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, IPv6ExtHdrDestOpt):
                if rng.random() < 0.3:
                    p /= layer()
        else:
            p /= IPv4(src=f"10.0.0.{rng.randrange(9)}", dst=f"10.0.0.{rng.randrange(9)}")
        ports = {"sport": rng.randrange(65536), "dport": rng.randrange(65536)}
        p /= rng.choice([
            TCP(**ports, flags=rng.randrange(256), options=[("MSS", 1460)]), UDP(**ports),
            SCTP(**ports), ICMPv6EchoRequest() if v6 else ICMP(type=13, code=0),
        ])  # fmt: skip
        packets.append(p / rng.randbytes(rng.randrange(50)))
    raw = [bytes(p) for p in packets]
    out = run([(1, r, len(r)) for r in raw], writing)
    for data, row in zip(raw, out, strict=True):
        p = Ether(data)
        ip = p[IPv6] if v6 else p[IPv4]
        assert row["version"] == ip.version
        assert row["status"] == TRANSPORT
        assert row["ip_bytes"] == (ip.plen + 40 if v6 else ip.len)
        tags = [int(p[Dot1Q].vlan)] if Dot1Q in p else [0]
        if Dot1AD in p:
            tags.insert(0, int(p[Dot1AD].vlan))
        elif Dot1Q in p and p[Dot1Q].vlan == 0:
            tags = [0, int(p.getlayer(Dot1Q, 2).vlan)]
        assert row["vlan"] == sum(t << 12 * i for i, t in enumerate(reversed(tags)))
        payload = data[row["payload_at"] : row["payload_at"] + row["payload"]]
        for layer in (TCP, UDP):
            if layer in p:
                assert payload == bytes(p[layer].payload)
                src, dst = p[layer].sport, p[layer].dport
                low, high = (dst, src) if row["reversed"] else (src, dst)
                assert row["ports"] == low << 16 | high
        if TCP in p:
            assert row["flags"] == int(p[TCP].flags) & 0xFF


def test_offloaded_and_jumbo_lengths_come_from_the_wire(writing):
    head = struct.pack(">BBHHHBBH", 0x45, 0, 0, 1, 0, 64, 6, 0) + bytes(8)
    tcp = bytes(12) + b"\x50\x10" + bytes(6)
    (row,) = run([(1, bytes(12) + b"\x08\0" + head + tcp, 9014)], writing)
    assert (row["ip_bytes"], row["payload"], row["status"]) == (9000, 8960, TRANSPORT)
    six = struct.pack(">IHBB", 6 << 28, 0, 6, 64) + bytes(32)
    (row,) = run([(1, bytes(12) + b"\x86\xdd" + six + tcp, 100_014)], writing)
    assert (row["ip_bytes"], row["payload"]) == (100_000, 100_000 - 60)


def test_what_counts_to_a_flow_when_headers_are_cut(writing):
    """nfstream counts by the IP header: ports 0 where the IP length holds none, the packet never lost."""

    def packet(total, kept, proto=6, offset=0):
        head = struct.pack(">BBHHHBBH", 0x45, 0, total, 1, offset, 64, proto, 0) + b"\1\1\1\1\2\2\2\2"
        whole = bytes(12) + b"\x08\0" + head + b"\0\5\0\6" + bytes(8) + b"\x50\x02" + bytes(100)
        return 1, whole[: 34 + kept], 14 + total

    short_ip, no_ports, ports_only, flags_too, fragment, tiny_udp = run(
        [packet(30, 20), packet(140, 2), packet(140, 6), packet(140, 15), packet(140, 60, offset=9),
         packet(25, 20, 17)], writing,
    )  # fmt: skip
    for row in (short_ip, no_ports, tiny_udp):
        assert (row["status"], row["ports"], row["flags"]) == (IP, 0, 0)
        assert row["reason"]
    assert (ports_only["status"], ports_only["ports"], ports_only["flags"]) == (TRANSPORT, 5 << 16 | 6, 0)
    assert (flags_too["status"], flags_too["flags"]) == (TRANSPORT, 2)
    assert flags_too["reason"]
    assert (fragment["status"], fragment["ports"], fragment["reason"]) == (FRAGMENT, 0, 0)
    assert fragment["ip_bytes"] == 140
    assert short_ip["ip_bytes"] == 30


@settings(max_examples=200, deadline=None)
@given(
    ticks=st.integers(0, 2**64 - 1), exponent=st.integers(0, 127), binary=st.booleans(),
    offset=st.integers(-(2**62), 2**62 - 1),
)  # fmt: skip
def test_timestamps_of_any_resolution(writing, ticks, exponent, binary, offset):
    from ingest.capture.headers import timing

    w = writing
    multiply, divide, shift = timing(exponent | (0x80 if binary else 0))
    table = np.zeros(1, kernels.INTERFACE)
    for name, value in (
        ("link", 1),
        ("multiply", multiply),
        ("divide", divide),
        ("shift", shift),
        ("offset", offset),
    ):
        table[name] = value
    raw = w.enhanced(w.Record(0, b""), ticks=ticks)
    out = np.empty(1, PACKET)
    kernels.decode_pcapng(
        np.frombuffer(raw, np.uint8), 0, len(raw), np.uint64(0), False, table, 1, out,
        np.zeros(1, np.int32), np.zeros(len(REASONS), np.int64),
    )  # fmt: skip
    got = int(out["time"][0]) - offset
    exact = ticks * 10**9 // (2**exponent if binary else 10**exponent)
    if exact < 1 << 62 and ticks * multiply < 1 << 64:
        assert exact - 1 <= got <= exact if binary and exponent > 34 else got == exact
    else:
        assert 0 <= got < 1 << 62  # absurd, but in range


def test_without_the_compiler_the_same_and_in_bounds(tmp_path):
    """With the JIT off loads are bounds-checked Python: a read outside the buffer would raise."""
    script = Path(__file__).with_name("without_jit.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(ROOT), str(tmp_path / "x")],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert all(int(n) > 150 for n in done.stdout.split())
