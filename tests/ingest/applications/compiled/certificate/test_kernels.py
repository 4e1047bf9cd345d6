"""Certificates whole and broken, held to what is read of them in Python."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from citywall.applicationsettings import ApplicationSettings
from citywall.kernels import bare_kernel
from ingest.applications import certificate, der
from ingest.applications.compiled.certificate import kernels
from ingest.applications.compiled.reading import Reading
from ingest.applications.wanted import ALL, Wanted


@bare_kernel
def time_of(tag, data, out, text, found):
    out[0] = kernels.time_of(tag, data, np.int64(1), np.int64(len(data) - 1), text, found)


@bare_kernel
def identifier(mem, data, out):
    out[0] = kernels.identifier(mem, data, np.int64(1), np.int64(len(data) - 1), np.int64(3))


def framed(data):
    return np.frombuffer(b"\x31" + data + b"\x31", np.uint8).copy()


MADE = st.tuples(*(st.sampled_from(part) for part in (
    ("24", "2051", "1969", "0000", "9999", "49", "5", "5\xff", "x4"), ("01", "2", "02", "13", "12", "0"),
    ("29", "31", " 5", "00", "7", "30"), ("00", "23", "24", "3", ""), ("59", "5", "60", ""),
    ("59", "60", "61", "7", "", "+0000"), ("Z", "ZZ", "", "0Z"),
))).map("".join)  # fmt: skip
DIGITS = st.text("0123456789 Z", max_size=17)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from((0x17, 0x18)), MADE | DIGITS)
@example(0x17, "240229000000Z")
@example(0x18, "20230229000000Z")
@example(0x18, "19000229000000Z")
@example(0x18, "20000229235959Z")
@example(0x17, "")
@example(0x17, "5")
def test_times_are_read_as_python_reads_them(tag, text):
    data, out = text.encode("latin-1"), np.zeros(1, np.int64)
    time_of(tag, framed(data), out, np.zeros(64, np.int64), np.zeros(8, np.int64))
    assert out[0] == certificate._time(der.Item(tag, data, 0, len(data)))


PARTS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from((0, 39, 40, 80, 85, 127, 128)) | st.integers(0, 1 << 200)),
    max_size=6,
)  # fmt: skip


def encoded(parts):
    out = b""
    for padding, value in parts:
        groups = [value & 127]
        while value := value >> 7:
            groups.append(value & 127 | 128)
        out += b"\x80" * padding + bytes(reversed(groups))
    return out


@settings(max_examples=100, deadline=None)
@given(PARTS, st.sampled_from((b"", b"\x81", b"\xff" * 130)))
@example([(0, 10**18 + 79)], b"")
@example([(0, 1 << 56)], b"")
@example([(0, 80 + 10**27)], b"")
def test_identifiers_of_any_size(parts, rest):
    data, out = encoded(parts) + rest, np.zeros(1, np.int64)
    mem = Reading(ApplicationSettings(), ALL, keep=True)._mem
    identifier(mem, framed(data), out)
    try:
        expected = der.oid(data).encode()
    except der.Broken:
        assert out[0] == -1
    else:
        assert mem.arena[3 : out[0]].tobytes() == expected


def item(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    return bytes((tag, 0x82)) + len(body).to_bytes(2, "big") + body


def pair(kind, tag, value):
    return item(0x31, item(0x30, item(6, kind), item(tag, value)))


NAME = item(
    0x30, pair(b"\x55\4\6", 0x13, b"CN"), pair(b"\x55\4\3", 0x0C, "局".encode()),
    pair(b"\x2a\x86\x48\x86\xf7\x0d\1\x09\1", 0x16, b"a@b"), pair(b"\x2a\3\x88\x37", 0x0C, b"x"),
    pair(b"\x55\4\x0a", 0x1E, "部门😀".encode("utf-16-be") + b"\xd8\0\0"),
)  # fmt: skip
OTHERS = item(
    0x30, item(0x82, b"www.example.org"), item(0x87, b"\x0a\0\0\xff"), item(0x87, bytes(16)), item(0xA4, b""),
    item(0x86, b"http://x/"), item(0x81, b""),
)  # fmt: skip


def extensions(*more):
    alternative = item(0x30, item(6, b"\x55\x1d\x11"), item(1, b"\xff"), item(4, OTHERS))
    return item(0xA3, item(0x30, item(0x30, item(6, b"\x55\x1d\x0f"), item(4, b"x")), alternative, *more))


def made(version=b"\xa0\3\2\1\2", rest=b"", serial=b"\x12\xab\0", name=NAME):
    times = item(0x30, item(0x17, b"240102030405Z"), item(0x18, b"20510102030405Z"))
    fields = (version, item(2, serial), item(0x30), NAME, times, name, item(0x30, b"key"), rest)
    return item(0x30, item(0x30, *fields), item(0x30), b"signature")


WHOLE = (
    made(rest=extensions()), made(b""), made(rest=item(0xA3), serial=b""), made(name=item(0x30)),
    made(rest=extensions(item(0x30, item(6, b"\x55\x1d\x11\x80"), item(4, OTHERS))) + item(0xA3, item(0x30))),
    made(rest=item(0xA3, item(0x30)) + extensions() + item(4, b"")),
    made(name=item(0x30, item(0x31, item(0x30, item(6, b"\x2a"))))),
    made(name=item(0x30, pair(b"\x2a" + b"\xff" * 12 + b"\x7f", 0x1E, b"\0"))), b"", b"0",
)  # fmt: skip


def conversation(packets, port, *certificates):
    """A client's hello and a server's chains, each in a message of its own."""
    hello = b"\1\0\0\x2b\3\3" + bytes(32) + b"\0\0\2\x13\x01\1\0" + b"\0\0"
    said = b""
    for data in certificates:
        chain = len(data).to_bytes(3, "big") + data + b"\0\0\1x"
        body = len(chain).to_bytes(3, "big") + chain
        message = b"\x0b" + len(body).to_bytes(3, "big") + body
        said += b"\x16\3\3" + len(message).to_bytes(2, "big") + message
    return packets.conversation([(0, b"\x16\3\1\0\x2f" + hello), (1, said)], (port, 443))


def test_what_certificates_say(packets, alike):
    told = alike(*packets.decoded(conversation(packets, 4000, *WHOLE)))
    assert b"www.example.org" in told[0].values("tls.subjectaltname")
    assert b"10.0.0.255" in told[0].values("tls.subjectaltname")
    subject = told[0].values("tls.cert_subject")[0]
    assert subject.startswith("C=CN, CN=局, emailAddress=a@b, 1.2.3.1079=x, O=部门".encode())
    assert told[0].values("tls.cert_serial")[0] == b"12:AB:00"
    assert len(told[0].anomalies) >= 3


def test_only_what_is_wanted_of_them(packets, alike):
    rows, buffer = packets.decoded(conversation(packets, 4000, *WHOLE))
    for kinds in ({"tls.cert_fingerprint"}, {"tls.cert_issuer", "tls.certs"}, {"tls.subjectaltname"}):
        alike(rows, buffer, 2, growing=True, wanted=Wanted(kinds=frozenset(kinds)))


def test_as_many_rows_as_bytes_can_make(packets, alike):
    """Names of no bytes, chains of certificates of none: room is found for all of them."""
    names = item(0x30, item(6, b"\x55\x1d\x11"), item(4, item(0x30, b"\x82\0" * 3900)))
    chain = b"\x0b\0\0\x33\0\0\x30" + bytes(48)
    hello = b"\x16\3\1\0\x2f" + b"\1\0\0\x2b\3\3" + bytes(32) + b"\0\0\2\x13\x01\1\0" + b"\0\0"
    sent = []
    for flow in range(3):
        sent += conversation(packets, 4000 + flow, made(rest=item(0xA3, item(0x30, names))))
        said = b"\x16\3\3" + (290 * len(chain)).to_bytes(2, "big") + 290 * chain
        sent += packets.conversation([(0, hello), (1, said)], (5000 + flow, 443))
    told = alike(*packets.decoded(sent))
    assert len(told[0].values("tls.subjectaltname")) == 3 * 3900
    assert len(told[0].values("tls.certs")) == 3 * (290 * 16 + 1 + 1)


def test_broken_certificates(packets, alike):
    draw, sent = random.Random(7), []
    for flow in range(40):
        several = []
        for _ in range(8):
            body = bytearray(draw.choice(WHOLE[:8]))
            for _ in range(draw.randrange(1, 4)):
                body[draw.randrange(len(body))] = draw.choice(
                    (0, 1, 6, 0x30, 0x7F, 0x80, 0xFF, draw.randrange(256))
                )
            several.append(bytes(body[: draw.choice((len(body), draw.randrange(len(body))))]))
        sent += conversation(packets, 4000 + flow, *several)
    told = alike(*packets.decoded(sent))
    assert len(told[0].values("tls.cert_subject")) > 20
    assert len(told[0].anomalies) > 20
