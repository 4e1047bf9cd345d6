# ruff: noqa: E501
"""`looks` of kernels is `looks` of parsers, whatever the bytes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.kernels import bare_kernel
from ingest.applications.compiled.looks import kernels
from ingest.applications.registry import PARSERS, TCP, UDP, looks_of, recognise
from ingest.applications.tables import PROTOCOL, PROTOCOLS


@bare_kernel
def looks(protocol, direction, data, at, n, client, server):
    return kernels.looks(protocol, direction, data, at, n, client, server)


@bare_kernel
def recognised(udp, direction, data, at, n, client, server):
    if udp:
        return kernels.recognise_udp(np.int64(-1), direction, data, at, n, client, server)
    return kernels.recognise_tcp(np.int64(-1), direction, data, at, n, client, server)


ANSWERS = {False: kernels.NO, True: kernels.YES, None: kernels.PERHAPS}
PORTS = (
    21,
    23,
    25,
    53,
    67,
    69,
    80,
    88,
    110,
    123,
    137,
    139,
    143,
    161,
    389,
    445,
    502,
    1883,
    2049,
    2404,
    5353,
    5432,
    8080,
    20000,
    44818,
    4000,
)
STARTS = (
    b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200", b"ODD /x", b"\r\n GET\t", b"PRI * HTTP/2.0\r\n\r\n", b"SSH-2.0-x", b"USER bob\r\n",
    b"220 mx SMTP\r\n", b"EHLO me", b"INVITE sip:a SIP/2.0\r\n", b"SIP/2.0 200", b"RFB 003.008\n", b"\x16\3\1\0\x05\1\0",
    b"\x15\3\1\0\2\2\x28", b"\0\0\0\x40\xffSMB", b"\x81\0\0\x44", b"\5\0\x0b\3\x10\0\0\0\x48\0\0\0\1\0\0\0", b"\3\0\0\x27\x22\xe0",
    b"\x10\x15\0\4MQTT\4\xc2\0\x3c\0\1", b"\0\1\0\0\0\6\1\3", b"\x05\x64\x05\xc4\1\0\2\0\x7a\xd0", b"\x68\x0e\0\0\0\0",
    b"\x6a\x3c\x30\x3a\xa1\3\2\1\5\xa2", b"\x30\x10\2\1\1\x60\x0b\2\1\3\4\4", b"\x30\x84\0\0\0\x10\2", b"\x30\x26\2\1\1\4\6public",
    b"\x23" + bytes(47), b"\0\7\1\0\0\1\0\0\0\0\0\0\3www\0\0\1\0\1", b"\0\x11\0\7\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1",
    b"\0\0\6\4\0\0\0\0\0", bytes((1, 1, 6, 0)) + bytes(232) + b"\x63\x82\x53\x63", b"\xc3\0\0\0\1\x08" + bytes(70),
    b"\x63\0" + bytes(22), b"\x65\0\4\0" + bytes(24), b"\0\0\0\0" + bytes(20), b"+OK ready\r\n", b"-ERR no\r\n", b"user bob\r\n",
    b"TOP 1 0\r\n", b"* ok hello\r\n", b"* BAD x", b"a1 CAPABILITY\r\n", b"\0\1file\0octet\0", b"\xff\xfd\x18login: ",
    b"\0\0\0\x08\x04\xd2\x16\x2f", b"\0\0\0\x20\0\3\0\0user\0", b"Q\0\0\0\x0cselect 1\0", b"R\0\0\0\x08\0\0\0\0", b"S", b"N\0\0",
    b"\x80\0\0\x28\0\0\0\7\0\0\0\0\0\0\0\2\0\1\x86\xa3\0\0\0\3\0\0\0\1", b"\0\0\0\7\0\0\0\0\0\0\0\2\0\1\x86\xa3\0\0\0\3\0\0\0\1",
    b"\x80\0\0\x18\0\0\0\7\0\0\0\1" + bytes(16), b"\0\0\0\7\0\0\0\1" + bytes(16),
)  # fmt: skip


def bytes_like_these():
    """Beginnings of conversations, cut and changed, and noise."""
    begun = st.tuples(st.sampled_from(STARTS), st.binary(max_size=12), st.integers(0, 300)).map(
        lambda made: (made[0] + made[1])[: made[2]]
    )
    return st.one_of(begun, st.binary(max_size=30))


@settings(max_examples=150, deadline=None)
@given(bytes_like_these(), st.integers(0, 1), st.sampled_from(PORTS), st.sampled_from(PORTS))
def test_they_answer_alike(data, direction, client, server):
    array = np.frombuffer(b"\xaa" + data + b"\xbb" * 8, np.uint8).copy()
    at, n = np.int64(1), np.int64(len(data))
    for entry in PARSERS:
        if entry.tcp or entry.udp:
            expected = looks_of(entry.name)(direction, data, (client, server))
            found = looks(PROTOCOL[entry.name], direction, array, at, n, client, server)
            assert found == ANSWERS[expected], entry.name
    for udp, names in ((False, TCP), (True, UDP)):
        expected = recognise(names, direction, data, (client, server))
        found = recognised(udp, direction, array, at, n, client, server)
        assert (None if found < 0 else PROTOCOLS[found] if found else "") == expected


@bare_kernel
def place_of(data, at, end, byte):
    return kernels.place_of(data, at, end, byte)


@given(st.lists(st.sampled_from((0, 1, 10, 127, 128, 138, 255)), max_size=40), st.data())
def test_a_byte_is_found_where_it_stands_first(values, drawn):
    data = np.array([*values, 10, 0, 255], np.uint8)
    at = drawn.draw(st.integers(0, len(values)))
    end = drawn.draw(st.integers(at, len(values)))
    for byte in (0, 1, 10, 128, 255):
        found = bytes(values).find(byte, at, end)
        assert place_of(data, at, end, byte) == (end if found < 0 else found)
