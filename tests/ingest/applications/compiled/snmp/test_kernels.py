from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st


def item(tag, body):
    return (
        bytes((tag, len(body))) + body
        if len(body) < 128
        else bytes((tag, 0x82)) + len(body).to_bytes(2, "big") + body
    )


def message(version, community, tag, names):
    pairs = b"".join(item(0x30, item(6, name) + b"\5\0") for name in names)
    pdu = item(2, b"\1") + item(2, b"\0") + item(2, b"\0") + item(0x30, pairs)
    return item(0x30, item(2, version) + item(4, community) + item(tag, pdu))


USM = item(
    0x30,
    item(2, b"\3")
    + item(0x30, b"\2\1\1")
    + item(4, item(0x30, item(4, b"e") + item(2, b"\0") * 2 + item(4, b"bob"))),
)
VERSIONS = st.sampled_from(
    (
        b"\0",
        b"\1",
        b"\3",
        b"\xff",
        b"\x7f" * 8,
        b"\x80" + bytes(8),
        b"\0" + b"\xff" * 8,
        b"\x80" + bytes(7),
        b"",
    )
)
OIDS = st.sampled_from(
    (b"\x2b\6\1\2\1", b"\x88\x37\3", b"", b"\x81", b"\x2b" + b"\xff" * 12 + b"\x7f\1", b"\0")
)


def test_messages_of_all_kinds(packets, alike):
    made = st.builds(
        message, VERSIONS, st.binary(max_size=3), st.integers(0x9F, 0xA9), st.lists(OIDS, max_size=3)
    )
    cut = st.tuples(made | st.just(USM), st.integers(0, 200)).map(lambda m: m[0][: len(m[0]) - m[1] // 20])

    @settings(max_examples=25, deadline=None)
    @given(st.lists(cut, max_size=12))
    def check(messages):
        sent = [
            packets.datagram(packets.client, packets.server, 4000, 161, data)
            for data in [USM, *messages]
            if data
        ]
        alike(*packets.decoded(sent))

    check()


def test_numbers_too_large_for_a_kernel(packets, alike):
    data = message(b"\1", b"public", 0xA0, [b"\x2b\6\1", b"\x2b" + b"\xff" * 12 + b"\x7f\1", b"\x2b\6\2"])
    told = alike(*packets.decoded([packets.datagram(packets.client, packets.server, 4000, 161, data)]))
    assert len(told[0].values("snmp.pdu_oid")) == 3
