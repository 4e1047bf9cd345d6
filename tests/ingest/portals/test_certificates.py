from __future__ import annotations

import hashlib
from base64 import b64encode
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.portals import certificates
from tests.websites import certificate

PEM, KEY, MADE = certificate("www.city.example.gov.cn", "*.city.example.gov.cn", days=10)
DER = MADE.public_bytes(serialization.Encoding.DER)


def test_what_a_certificate_says() -> None:
    found = certificates.read(DER)
    key = MADE.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert found.pin == "sha256/" + b64encode(hashlib.sha256(key).digest()).decode()
    assert found.fingerprint == hashlib.sha256(DER).hexdigest()
    assert (found.issuer, found.self_signed) == ("O=CFCA, CN=CFCA OV OCA", False)
    assert found.ends == int(MADE.not_valid_after_utc.timestamp())


@pytest.mark.parametrize(
    ("host", "covered"),
    [("www.city.example.gov.cn", True), ("a.city.example.gov.cn", True), ("a.b.city.example.gov.cn", False),
     ("city.example.gov.cn", False), ("www.example.com", False)],
)  # fmt: skip
def test_whom_it_is_for(host: str, covered: bool) -> None:
    assert certificates.read(DER).covers(host) == covered


def test_without_other_names_the_common_name_counts() -> None:
    shown = certificates.Shown("", "", "CN=a", "C=CN, CN=www.example.cn", "", 0, 0)
    assert shown.covers("www.example.cn")
    assert not certificates.Shown("", "", "", "O=x", "", 0, 0).covers("www.example.cn")


@settings(max_examples=60)
@given(at=st.integers(0, len(DER) - 1), byte=st.integers(0, 255), cut=st.integers(0, len(DER)))
def test_spoiled_ones_are_broken_or_read(at: int, byte: int, cut: int) -> None:
    for data in (DER[:at] + bytes([byte]) + DER[at + 1 :], DER[:cut]):
        with suppress(certificates.Broken):
            certificates.read(data)
