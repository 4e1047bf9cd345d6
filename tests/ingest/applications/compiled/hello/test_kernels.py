"""Hellos of any make, held to what the readers in Python say of them."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.applications.tables import ANOMALIES


def numbers(values):
    return b"".join(struct.pack(">H", value) for value in values)


def sized(data, wide=2):
    return len(data).to_bytes(wide, "big") + data


def listed(values, wide=2):
    return sized(numbers(values), wide)


def hello(kind, version, random, session, rest, extensions, cut):
    more = b"".join(struct.pack(">HH", kind, len(data)) + data for kind, data in extensions)
    body = struct.pack(">H", version) + random + bytes((len(session),)) + session + rest
    if extensions or not cut:
        body += len(more).to_bytes(2, "big") + more
    body = body[: len(body) - cut]
    message = bytes((kind,)) + len(body).to_bytes(3, "big") + body
    return b"\x16\3\1" + len(message).to_bytes(2, "big") + message


VALUE = st.sampled_from((0x0A0A, 0x2A2A, 0x0A1A, 0x1301, 0xC02F, 0x002F, 0, 65535, 9, 10)) | st.integers(
    0, 65535
)
VERSION = st.sampled_from((0x0304, 0x0303, 0x0301, 0x0300, 0x0002, 0xFEFD, 0xFEFE, 0x0101, 0x7F1C))
NAMES = st.lists(st.sampled_from((b"h2", b"http/1.1", b"", b"\xff", b"a-", b"x")), max_size=3).map(
    lambda names: sized(b"".join(sized(name, 1) for name in names))
)
HOST = st.tuples(st.sampled_from((0, 0, 1)), st.binary(max_size=6), st.sampled_from((0, 0, 0, 1, -1))).map(
    lambda made: struct.pack(">HBH", len(made[1]) + 3, made[0], max(0, len(made[1]) + made[2])) + made[1]
)
EXTENSION = st.one_of(
    st.tuples(st.just(0), HOST),
    st.tuples(st.just(16), NAMES | st.binary(max_size=4)),
    st.tuples(st.sampled_from((10, 13)), st.lists(VALUE, max_size=5).map(listed) | st.binary(max_size=5)),
    st.tuples(st.just(43), st.lists(VERSION, max_size=3).map(lambda v: listed(v, 1)) | st.binary(max_size=3)),
    st.tuples(st.just(43), VERSION.map(lambda version: numbers([version]))),
    st.tuples(st.just(11), st.binary(max_size=4)),
    st.tuples(VALUE, st.binary(max_size=3)),
)
CUT = st.sampled_from((0, 0, 0, 0, 1, 2, 5)) | st.integers(0, 80)
COMMON = (VERSION, st.binary(min_size=32, max_size=32), st.binary(max_size=3))
OFFERED = st.lists(VALUE, max_size=30).map(lambda values: listed(values) + b"\1\0")
EXTENSIONS = st.lists(EXTENSION, max_size=8)
CLIENTS = st.builds(hello, st.just(1), *COMMON, OFFERED, EXTENSIONS, CUT)
SERVERS = st.builds(hello, st.just(2), *COMMON, VALUE.map(lambda v: numbers([v]) + b"\0"), EXTENSIONS, CUT)


def test_hellos_of_all_kinds(packets, alike):
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(CLIENTS, SERVERS), min_size=1, max_size=5))
    def check(pairs):
        sent = []
        for i, (client, server) in enumerate(pairs):
            sent += packets.conversation([(0, client), (1, server)], (4000 + i, 443))
        alike(*packets.decoded(sent))

    check()


def test_more_than_any_hello_has(packets, alike):
    """Thousands of ciphers, extensions, names: what is read of them is the same, and room is found for it."""
    many = [(65535 - 7 * i) & 65535 for i in range(7000)]
    names = b"".join(b"\0" if i % 3 else b"\2ab" for i in range(900))
    sent = []
    for i, (ciphers, extensions) in enumerate((
        (many, []), ([1], [(j + 100, b"") for j in range(1500)]),
        (many[:99], [(16, sized(names)), (13, listed(many[:4000])), (10, listed(many[:3000]))]),
    )):  # fmt: skip
        said = hello(1, 0x0303, bytes(32), b"", listed(ciphers) + b"\1\0", extensions, 0)
        sent += packets.conversation([(0, said)], (4000 + i, 443))
    told = alike(*packets.decoded(sent))
    assert len(told[0].values("ja4.hash")) == 3
    assert len(told[0].values("tls.alpn")) == 900


def test_server_names_that_are_odd(packets, alike):
    sent = []
    for i, extensions in enumerate((
        [(0, b"\0\7\0\0\4host"), (0, b"")], [(0, b"\0\7\1\0\4host")], [(0, b"\0\7\0\0\5host")],
    )):  # fmt: skip
        said = hello(1, 0x0303, bytes(32), b"", b"\0\2\0\1\1\0", extensions, 0)
        sent += packets.conversation([(0, said)], (4000 + i, 443))
    told = alike(*packets.decoded(sent))
    assert [ANOMALIES[kind] for kind in told[0].anomalies["kind"]] == [
        "tls.multiple_sni_extensions", "tls.invalid_sni_type", "tls.invalid_sni_length",
    ]  # fmt: skip
