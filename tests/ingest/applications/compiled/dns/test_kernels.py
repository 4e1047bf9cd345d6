# ruff: noqa: E501
from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = (
    b"\3www\7example\3org\0",
    b"\xc0\x0c",
    b"\xc0\xff",
    b"\0",
    b"\x40",
    b"\x3f" + b"a" * 63 + b"\xc0\x0c",
    b"\1.\0",
)
RECORD = st.tuples(
    st.sampled_from(NAMES), st.sampled_from((1, 2, 5, 12, 16, 41)), st.binary(max_size=5) | st.sampled_from(NAMES),
    st.integers(-1, 1),
)  # fmt: skip


def message(flags, names, sections):
    out = struct.pack(">6H", 7, flags, len(names), *map(len, sections))
    out += b"".join(name + b"\0\1\0\1" for name in names)
    for name, kind, data, more in (record for section in sections for record in section):
        out += name + struct.pack(">HHIH", kind, 1, 60, max(0, len(data) + more)) + data
    return out


def test_messages_of_all_kinds(packets, alike):
    sections = st.tuples(*(st.lists(RECORD, max_size=3) for _ in range(3)))
    flags = st.sampled_from((0x0100, 0x8180, 0x8583, 0x0140, 0x4100))

    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(
            st.builds(message, flags, st.lists(st.sampled_from(NAMES), max_size=2), sections), max_size=12
        )
    )
    def check(messages):
        sent = [
            packets.datagram(packets.client, packets.server, 4000 + i % 3, 53, data)
            for i, data in enumerate([*messages, b"\0\1\1\0\0\1\0\0\0\0\0\0\0\0\1\0\1"])
        ]
        alike(*packets.decoded(sent))

    check()


def test_many_records_make_room(packets, alike):
    one = (b"\xc0\x0c", 5, b"\xc0\x0c", 0)
    data = message(0x8180, [b"\x3f" + b"a" * 63 + b"\x3f" + b"b" * 63 + b"\0"], [[one] * 80, [], []])
    told = alike(*packets.decoded([packets.datagram(packets.server, packets.client, 53, 4000, data)] * 3))
    assert len(told[0].values("dns.rdata")) == 240
