"""Messages of Kerberos, whole, without parts, and broken, held to the parser in Python."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.applications.tables import ANOMALIES
from ingest.applications.wanted import Wanted


def item(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    return bytes((tag, 0x82)) + len(body).to_bytes(2, "big") + body


def name(*parts):
    texts = item(0x30, *(item(0x1B, part) for part in parts))
    return item(0x30, item(0xA0, item(2, b"\1")), item(0xA1, texts))


def sealed(kind):
    return item(0x30, item(0xA0, item(2, kind)), item(0xA2, item(4, b"cipher")))


REALM = item(0x1B, b"EXAMPLE.ORG")
CLIENT, SERVER = name(b"alice", b"admin"), name(b"krbtgt", b"EXAMPLE.ORG")
KINDS = (b"\x12", b"\x17", b"\3", b"", b"\0" + b"\xff" * 8, b"\x7f" * 9)


def ticket(kind=b"\x12", server=SERVER):
    return item(0x61, item(0x30, item(0xA1, REALM), item(0xA2, server), item(0xA3, sealed(kind))))


def message(tag, fields):
    return item(0x60 | tag, item(0x30, *(item(0xA0 | at, field) for at, field in fields)))


def request(fields):
    return [(1, item(2, b"\5")), (4, item(0x30, *(item(0xA0 | at, field) for at, field in fields)))]


NAMES = (CLIENT, SERVER, name(), item(0x30), b"")
FIELDS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from((1, 3, 4, 8, 10)), st.sampled_from(NAMES)),
        st.tuples(st.sampled_from((2, 3, 9)), st.just(REALM)),
        st.tuples(st.just(5), st.sampled_from(KINDS).map(ticket)),
        st.tuples(st.just(6), st.sampled_from(KINDS).map(sealed)),
        st.tuples(st.just(6), st.sampled_from(KINDS).map(lambda kind: item(2, kind))),
        st.tuples(st.integers(0, 12), st.binary(max_size=3)),
    ),
    max_size=8,
)  # fmt: skip
MESSAGES = st.one_of(
    st.builds(message, st.sampled_from((10, 12)), FIELDS.map(request)),
    st.builds(message, st.sampled_from((11, 13, 30, 14)), FIELDS),
)
WHOLE = (
    message(10, request([(1, CLIENT), (2, REALM), (3, SERVER)])),
    message(13, [(3, REALM), (4, CLIENT), (5, ticket(b"\x17")), (6, sealed(b"\x17"))]),
    message(30, [(6, item(2, b"\x19")), (8, CLIENT), (9, REALM), (10, SERVER)]),
)


def test_messages_of_all_kinds(packets, alike):
    cut = st.tuples(MESSAGES, st.integers(0, 200)).map(lambda m: m[0][: len(m[0]) - m[1] // 20])

    @settings(max_examples=40, deadline=None)
    @given(st.lists(cut, min_size=1, max_size=9), st.integers(1, 60), st.booleans())
    def check(messages, size, growing):
        first = WHOLE[0]
        sent = [
            packets.datagram(packets.client, packets.server, 4000, 88, data)
            for data in (first, *messages)
            if data
        ]
        stream = b"".join(len(data).to_bytes(4, "big") + data for data in (first, *messages))
        cut = [stream[:10], *(stream[at : at + size] for at in range(10, len(stream), size))]
        sent += packets.conversation([(0, data) for data in cut], (4001, 88))
        alike(*packets.decoded(sent), 7 if growing else 0, growing=growing)

    check()


def test_what_messages_say(packets, alike):
    sent = [packets.datagram(packets.client, packets.server, 4000, 88, data) for data in WHOLE]
    told = alike(*packets.decoded(sent), wanted=Wanted(kinds=frozenset({"krb5.sname", "krb5.realm"})))
    assert told[0].values("krb5.sname") == 3 * [b"krbtgt", b"EXAMPLE.ORG"]
    told = alike(*packets.decoded(sent))
    assert told[0].values("krb5.cname") == 3 * [b"alice/admin"]
    assert told[0].integers("krb5.weak_encryption") == [1]
    assert told[0].integers("krb5.err_code") == [0x19]


def test_broken_messages(packets, alike):
    draw, sent = random.Random(3), []
    for _ in range(300):
        body = bytearray(draw.choice(WHOLE))
        for _ in range(draw.randrange(1, 4)):
            body[draw.randrange(len(body))] = draw.choice(
                (0, 1, 0x30, 0x7F, 0x80, 0xA1, 0xFF, draw.randrange(256))
            )
        sent.append(packets.datagram(packets.client, packets.server, 4000, 88, bytes(body)))
    told = alike(
        *packets.decoded([packets.datagram(packets.client, packets.server, 4000, 88, WHOLE[0]), *sent])
    )
    assert len(told[0].anomalies) > 50


def test_a_length_that_is_none_ends_a_direction(packets, alike):
    first = len(WHOLE[0]).to_bytes(4, "big") + WHOLE[0]
    turns = [(0, first), (0, b"\0\x10\0\0"), (0, first), (1, first)]
    told = alike(*packets.decoded(packets.conversation(turns, (4000, 88))))
    assert "krb5.malformed_data" in [ANOMALIES[kind] for kind in told[0].anomalies["kind"]]
