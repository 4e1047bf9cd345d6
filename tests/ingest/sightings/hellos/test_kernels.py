"""Fingerprints in events against those of the reader of whole connections."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
import sighted as s
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall import batches as b
from citywall.kernels import bare_kernel
from ingest.applications.fingerprints import ja3, ja3s, ja4, md5
from ingest.applications.hello import Cut, read_client, read_server
from ingest.sightings.hellos import kernels


def told(event) -> tuple[str, str]:
    """The fingerprint in an event's answer, and that of its text."""
    return f"{int(event['answer_hi']):016x}{int(event['answer_lo']):016x}", s.texts(event)[2]


def expected(record: bytes) -> tuple[str, str]:
    hello = read_client(record[9:])[0]
    return md5(ja3(hello)).decode(), ja4(hello).decode()


def numbers(values) -> bytes:
    return b"".join(struct.pack(">H", v) for v in values)


def hello_of(ciphers, extensions, version=0x0303, record=b"\x16\x03\x01") -> bytes:
    more = b"".join(s.extension(kind, data) for kind, data in extensions)
    body = struct.pack(">H", version) + bytes(32) + b"\0" + struct.pack(">H", 2 * len(ciphers))
    body += numbers(ciphers) + b"\x01\0" + struct.pack(">H", len(more)) + more
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    return record + struct.pack(">H", len(hello)) + hello


@bare_kernel
def sort(values, n):
    kernels.sort(values, n)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 65535), max_size=600))
def test_values_in_order(values):
    array = np.array([*values, -1], np.int64)
    sort(array, len(values))
    assert array.tolist() == [*sorted(values), -1]


def one(payload, **more):
    (event,) = s.events(payload, **more)
    return event


def test_a_browsers_hello():
    protocols = b"\x02h2\x08http/1.1"
    extensions = [
        (0x0A0A, b""), (0, b"\0\x07\0\0\x04host"), (23, b""), (65281, b"\0"),
        (10, b"\0\x08" + numbers((0x2A2A, 0x001D, 0x0017, 0x0018))), (11, b"\x01\0"), (35, b""),
        (16, struct.pack(">H", len(protocols)) + protocols), (5, b"\x01\0\0\0\0"),
        (13, b"\0\x06" + numbers((0x0403, 0x0804, 0x0401))),
        (43, b"\x06" + numbers((0x3A3A, 0x0304, 0x0303))), (0x1A1A, b"\0"),
    ]  # fmt: skip
    record = hello_of((0x4A4A, 0x1301, 0x1302, 0xC02B, 0xC02F, 0x00C6), extensions)
    event = one(record)
    assert told(event) == expected(record)
    assert told(event)[1].startswith("t13d0510h2_")
    assert s.texts(event)[:2] == ("host", "h2")
    assert event["flags"] == b.SM_SUITES


def test_a_hello_of_tlcp():
    record = hello_of((0xE013, 0xE053), [], 0x0101, b"\x16\x01\x01")
    event = one(record)
    assert (event["kind"], event["code"], event["flags"]) == (b.TLS_CLIENT, 0x0101, b.SM_SUITES)
    assert told(event) == expected(record)


def test_a_servers_hello():
    record = s.server_hello(0x0303, 0x00C6, true_version=0x0304)
    event = one(record, back=True)
    legacy, _, cipher, kinds, _, _ = read_server(record[9:])
    assert told(event)[0] == md5(ja3s(legacy, cipher, kinds)).decode()
    assert event["flags"] == b.SM_SUITES


def test_a_long_name_leaves_room():
    event = one(s.client_hello("a" * 250, alpn=b"b" * 60))
    assert told(event) == expected(s.client_hello("a" * 250, alpn=b"b" * 60))
    assert [len(text) for text in s.texts(event)] == [160, 40, 36]


@pytest.mark.parametrize("cut", [44, 60, 100, -1])
def test_what_is_not_whole_has_none(cut):
    event = one(s.client_hello()[:cut])
    assert told(event) == ("0" * 32, "")


def test_more_than_any_hello_has():
    assert told(one(hello_of(range(600), [])))[1] == ""
    assert told(one(hello_of((1,), [(i + 100, b"") for i in range(600)])))[1] == ""
    assert told(one(hello_of(range(512), [(i + 100, b"") for i in range(512)])))[1].startswith("t12i9999")


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_any_hello(source: random.Random):
    values = lambda n: [source.choice((source.randrange(65536), 0x0A0A)) for _ in range(source.randrange(n))]  # noqa: E731
    kinds = [source.choice((0, 10, 11, 13, 16, 43, 0x2A2A, source.randrange(65536))) for _ in range(9)]
    extensions = [(kind, numbers(values(6))[source.randrange(2) :]) for kind in kinds[source.randrange(9) :]]
    record = hello_of(values(30), extensions, source.choice((0x0301, 0x0303, 0x0300, 0x03FE)))
    (event,) = s.events(record)
    try:
        assert told(event) == expected(record)
    except Cut:
        assert told(event) == ("0" * 32, "")
