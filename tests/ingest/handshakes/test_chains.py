"""Certificates as they are told."""

from __future__ import annotations

import datetime as dt
import hashlib
import struct

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ingest.handshakes.chains import certificates, shown

KEY = ec.generate_private_key(ec.SECP256R1())
SM2 = b"\x2a\x81\x1c\xcf\x55\x01\x82\x2d"


def certificate(subject: str = "Portal.example.gov.cn", issuer: str = "City CA") -> bytes:
    def name(text: str) -> x509.Name:
        return x509.Name(
            [x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
        )

    made = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
    made = made.public_key(KEY.public_key()).serial_number(7)
    since, until = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (2024, 2025))
    made = made.not_valid_before(since).not_valid_after(until)
    return made.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def flight(version: int, *chain: bytes) -> bytes:
    body = b"".join(len(c).to_bytes(3, "big") + c for c in chain)
    body = len(body).to_bytes(3, "big") + body
    hello = struct.pack(">H", version) + bytes(33) + b"\xe0\x13\0"
    out = b""
    for kind, content in ((2, hello), (11, body)):
        message = bytes([kind]) + len(content).to_bytes(3, "big") + content
        out += b"\x16\x03\x03" + struct.pack(">H", len(message)) + message
    return out


def test_what_is_told():
    data = certificate()
    told = shown(data)
    assert (told.subject, told.issuer) == ("portal.example.gov.cn", "city ca")
    assert (told.not_before, told.not_after) == (1_704_067_200, 1_735_689_600)
    assert (told.sha256, told.sha1) == (hashlib.sha256(data).hexdigest(), hashlib.sha1(data).hexdigest())
    assert (told.self_signed, told.sm) == (False, False)
    assert shown(certificate("a", "a")).self_signed
    assert shown(certificate("门户")).subject == "??????"


def test_what_is_no_certificate_has_a_hash_all_the_same():
    told = shown(b"nothing" + SM2)
    assert (told.subject, told.not_after, told.sm) == ("", 0, True)
    assert told.sha256 == hashlib.sha256(b"nothing" + SM2).hexdigest()


def test_chains():
    assert certificates(flight(0x0303, b"one", b"two", b"three")) == (0x0303, [b"one"])
    assert certificates(flight(0x0101, b"one", b"two", b"three")) == (
        0x0101,
        [b"one", b"two"],
    )  # signing, encryption
    assert certificates(flight(0x0303)) == (0x0303, [])
    assert certificates(b"") == (0, [])
    for n in range(len(flight(0x0303, b"one"))):
        assert certificates(flight(0x0303, b"one")[:n])[1] == []
