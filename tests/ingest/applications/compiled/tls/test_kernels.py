"""Conversations of TLS, whole, cut, and in records that no one sends, held to the parser in Python."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.analysis import Analyser
from ingest.applications.tables import ANOMALIES, PROTOCOL
from ingest.applications.tls import MOST_HANDSHAKE
from ingest.applications.wanted import ALL, Wanted

READ = st.sampled_from(
    (ALL, Wanted(kinds=frozenset({"ja3.hash", "tls.cert_fingerprint"}), fields=frozenset({"tls.version"})))
)
OLD = b"\x80\x2e\x01\x03\x01" + bytes(43)


def record(kind, body, version=0x0303):
    return struct.pack(">BHH", kind, version, len(body)) + body


def message(kind, body):
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


CLIENT = message(1, b"\3\3" + bytes(range(32)) + b"\0\0\2\x13\x01\1\0")
SERVER = message(2, b"\3\3" + bytes(32) + b"\0\xc0\x2f\0")
NEWEST = message(2, b"\3\3" + bytes(32) + b"\0\x13\x01\0\0\6\0\x2b\0\2\3\4")
CHAIN = message(11, b"\0\0\x0c\0\0\3abc\0\0\3def")
MESSAGES = (
    CLIENT, SERVER, NEWEST, CHAIN, message(11, b"\0\0\6\0\0\x09abc"), message(11, b"\0"),
    message(12, b"keys"), message(16, b""), message(1, b"\3\3"), message(2, bytes(35)),
    message(14, b""), b"\x0b\x04\0\0", message(3, b"x"), b"\x84\xff\xff\xff",
    message(11, b"\0\0\x0c\0\0\x09\x30\5\x30\x84\xff\xff\xff\xfa\0"), message(11, b"\0\0\4\0\0\1\x30"),
)  # fmt: skip
HEARTBEATS = (b"", b"\1\0", b"\1\0\1" + bytes(20), b"\2\x40\0x", b"\3\0\0\0")
ALERTS = (b"\1", b"\2\x28", b"\1\0", b"\7\0")
SENT = st.one_of(
    st.lists(st.sampled_from(MESSAGES), max_size=3).map(lambda parts: record(22, b"".join(parts))),
    st.tuples(st.sampled_from(MESSAGES), st.integers(0, 60)).map(
        lambda made: record(22, made[0][: made[1]]) + record(22, made[0][made[1] :])
    ),
    st.builds(record, st.sampled_from((20, 21, 21, 23)), st.sampled_from(ALERTS)),
    st.sampled_from(HEARTBEATS).map(lambda body: record(24, body)),
    st.sampled_from((record(19, b""), record(22, b"x", 0x0201), record(22, b"", 0x0101))),
    st.just(b"\x17\3\3\xff\xff"),
)  # fmt: skip
TURNS = st.lists(st.tuples(st.sampled_from((0, 1, 1)), SENT), max_size=9)


def test_records_in_any_order(packets, alike):
    @settings(max_examples=50, deadline=None)
    @given(st.lists(TURNS, min_size=1, max_size=3), st.integers(1, 200), READ, st.booleans())
    def check(flows, size, wanted, growing):
        sent = []
        for i, turns in enumerate(flows):
            first = OLD if size & 1 and i else record(22, CLIENT)
            cut = [(d, said[at : at + size]) for d, said in turns for at in range(0, len(said), size)]
            sent += packets.conversation([(0, first), *cut], (4000 + i, 443))
        alike(*packets.decoded(sent), 7 if growing else 0, growing=growing, wanted=wanted)

    check()


@pytest.mark.parametrize("size", [1, 3, 50])
def test_beginnings_cut_anywhere(packets, alike, size):
    sent = []
    for i, first in enumerate((OLD + record(22, SERVER), record(22, CLIENT + CHAIN) + record(23, b"x"))):
        cut = [(0, first[:6])] + [(0, first[at : at + size]) for at in range(6, len(first), size)]
        turns = [*cut, (1, record(22, NEWEST) + record(23, b"y"))]
        sent += packets.conversation(turns, (4000 + i, 443))
    told = alike(*packets.decoded(sent))
    assert told[0].integers("tls.encrypted") == [1]
    assert 0x0301 in told[0].integers("tls.version")


def test_a_long_chain_in_many_records(packets, alike):
    """A message of many records, most of it waiting; what is behind it is read, too."""
    certificates = b"".join(len(data).to_bytes(3, "big") + data for data in (b"a" * 40000, b"b" * 9000))
    said = message(11, len(certificates).to_bytes(3, "big") + certificates) + message(14, b"") + CHAIN
    records = b"".join(record(22, said[at : at + 1500]) for at in range(0, len(said), 1500))
    turns = [(0, record(22, CLIENT)), (1, record(22, SERVER)), (1, records), (1, record(21, b"\2\x28"))]
    rows, buffer = packets.decoded(packets.conversation(turns, (4000, 443)))
    for size in (0, 5):
        told = alike(rows, buffer, size, growing=bool(size))
    assert sorted(map(len, told[-1].values("tls.certs"))) == [3, 3, 9000, 40000]


def test_messages_that_are_too_long_end_a_direction(packets, alike):
    long = b"\x0b" + (MOST_HANDSHAKE - 3).to_bytes(3, "big")
    most = b"\x0b" + (MOST_HANDSHAKE - 4).to_bytes(3, "big")
    sent = []
    for i, head in enumerate((long, most)):
        parts = [(1, record(22, head[:2])), (1, record(22, head[2:])), (1, record(22, b"rest"))]
        turns = [(0, record(22, CLIENT)), *parts, (1, record(21, b"\2\x28"))]
        sent += packets.conversation(turns, (4000 + i, 443))
    told = alike(*packets.decoded(sent))
    events = [ANOMALIES[kind] for kind in told[0].anomalies["kind"]]
    assert events.count("tls.handshake_invalid_length") == events.count("tls.error_message_encountered") == 1


def test_only_so_many_states_are_noted(packets, alike):
    turns = [(0, record(22, CLIENT)), (1, record(22, message(12, b"") * 4000) + record(22, SERVER))]
    told = alike(*packets.decoded(packets.conversation(turns, (4000, 443))))
    assert len(told[0].integers("ssl_state")) < 260


def test_units_are_kept_by_the_parser_in_python(packets, examples, alike):
    turns, ports, _ = examples["tls"]
    rows, buffer = packets.decoded(packets.conversation(turns, ports))
    told = alike(rows, buffer, settings=ApplicationSettings(midstream=True, units=True))
    assert len(told[0].units)


def test_what_is_encrypted_frees_what_waits(packets):
    part = record(22, CHAIN[:5])
    turns = [(0, record(22, CLIENT)), (1, part), (0, part), (0, b"\x16"), (1, record(23, b"x")),
             (0, b"\3\3\0\0" + record(23, b"x")), (1, record(22, CHAIN))]  # fmt: skip
    rows, buffer = packets.decoded(packets.conversation(turns, (4000, 443), fin=False))
    analyser = Analyser(ApplicationSettings(midstream=True))
    analyser.add(rows, 1, buffer)
    flow = analyser._reading._mem.flows[0]
    assert flow["spoken"] == PROTOCOL["tls"]
    assert flow["done"].tolist() == [1, 1]
    assert not flow["counts"].any()
