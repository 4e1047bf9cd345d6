"""Certificates in the packet of a server's hello, and what is none."""

from __future__ import annotations

import datetime as dt
from base64 import b64decode

import numpy as np
import pytest
import sighted as s
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall import batches as b
from ingest.portals import certificates
from ingest.sightings.certificates import kernels
from tests.websites import certificate

_, _, MADE = certificate("www.City.example.gov.cn")
DER = MADE.public_bytes(serialization.Encoding.DER)


def flight(der: bytes = DER, joined: bool = False, hello: bytes | None = None) -> bytes:
    body = (len(der) + 3).to_bytes(3, "big") + len(der).to_bytes(3, "big") + der
    message = b"\x0b" + len(body).to_bytes(3, "big") + body
    hello = s.server_hello() if hello is None else hello
    if joined:  # both messages in one record
        inner = hello[5:] + message
        return b"\x16\x03\x03" + len(inner).to_bytes(2, "big") + inner
    return hello + b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message


def seen(payload: bytes, cut: int | None = None) -> np.ndarray:
    found = s.events(payload, back=True, ports=(40000, 443), cut=cut)
    return found[found["kind"] == b.TLS_CERTIFICATE]


@pytest.mark.parametrize("joined", [False, True])
def test_a_certificate_behind_the_hello(joined: bool) -> None:
    (event,) = seen(flight(joined=joined))
    assert s.texts(event)[:2] == ("www.city.example.gov.cn", "cfca, cfca ov oca")
    pin = certificates.read(DER).pin.removeprefix(certificates.PIN)
    assert int(event["answer_hi"]) == int.from_bytes(b64decode(pin)[:8], "big")
    assert event["answer_lo"] == 0
    ends = MADE.not_valid_after_utc
    assert event["number"] == (ends.date() - dt.date(1970, 1, 1)).days
    assert (event["flags"], event["src_port"]) == (0, 443)


def test_of_a_long_one_the_beginning_is_enough_up_to_the_key() -> None:
    whole = flight()
    sizes = {cut: len(seen(whole, cut)) for cut in range(0, len(whole), 7)}
    key = MADE.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    behind = whole.index(key) + len(key)
    assert all(n == (cut >= behind) for cut, n in sizes.items())


def test_its_own_issuer() -> None:
    subject = MADE.subject.public_bytes()
    issuer = MADE.issuer.public_bytes()
    own = DER.replace(issuer, subject)  # its lengths are wrong now, but only on the outside
    (event,) = seen(flight(own))
    assert event["flags"] == b.SELF_SIGNED


@pytest.mark.parametrize(
    "payload",
    [
        s.server_hello(),
        s.server_hello() + b"\x14\x03\x03\x00\x01\x01" + b"\x17\x03\x03\x00\x20" + bytes(32),  # TLS 1.3
        flight(b""),
        flight(b"\x30\x80" + bytes(60)),
        flight(b"\x30\x03\x02\x01\x05" + bytes(60)),
        flight(hello=s.client_hello()),
    ],
    ids=["hello", "encrypted", "empty", "endless", "short", "asked"],  # keys differ from worker to worker
)
def test_what_is_none(payload: bytes) -> None:
    assert len(seen(payload)) == 0


def test_the_same_key_has_the_same_pin_however_often() -> None:
    buffer, rows = s.packets(flight(), s.request(), flight(), ports=(40000, 443))
    rows["reversed"] = True
    found = s.sightings(buffer, rows, 1, s.DOMAINS)
    shown = found[found["kind"] == b.TLS_CERTIFICATE]
    assert len(shown) == 2
    assert shown["answer_hi"][0] == shown["answer_hi"][1] != 0


@settings(max_examples=80)
@given(at=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.integers(60, 10**6))
def test_spoiled_ones_do_no_harm(at: int, byte: int, cut: int) -> None:
    spoiled = bytearray(flight())
    spoiled[at % len(spoiled)] = byte
    for event in seen(bytes(spoiled), 60 + cut % len(spoiled)):
        assert int(event["name_size"]) + int(event["rest_size"]) <= b.TEXT


@pytest.mark.parametrize(
    ("text", "day"),
    [("260228000000Z", dt.date(2026, 2, 28)), ("240229235959Z", dt.date(2024, 2, 29)),
     ("991231235959Z", dt.date(1999, 12, 31)), ("261301000000Z", None), ("x60101000000Z", None)],
)  # fmt: skip
def test_days(text: str, day: dt.date | None) -> None:
    told = MADE.not_valid_after_utc.strftime("%y%m%d%H%M%SZ").encode()
    assert DER.count(told) == 1
    (event,) = seen(flight(DER.replace(told, text.encode())))
    assert event["number"] == ((day - dt.date(1970, 1, 1)).days if day else 0)


def test_days_far_away_are_written_another_way() -> None:
    _, _, made = certificate("www.city.example.gov.cn", days=12_000)
    (event,) = seen(flight(made.public_bytes(serialization.Encoding.DER)))
    assert event["number"] == (made.not_valid_after_utc.date() - dt.date(1970, 1, 1)).days


def test_what_kernels_freeze_is_what_batches_say() -> None:
    assert (kernels._TLS_CERTIFICATE, kernels._SELF_SIGNED) == (b.TLS_CERTIFICATE, b.SELF_SIGNED)
