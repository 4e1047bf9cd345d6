from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ingest.applications.certificate import fingerprint, read
from ingest.applications.der import Broken


@pytest.fixture(scope="module")
def made():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "局"),
        x509.NameAttribute(NameOID.COMMON_NAME, "www.example.org"),
    ])  # fmt: skip
    builder = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=0x1234,
        not_valid_before=datetime(2024, 1, 1, tzinfo=UTC), not_valid_after=datetime(2051, 1, 1, tzinfo=UTC),
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example.org")]), critical=False)  # fmt: skip
    return builder.sign(key, hashes.SHA256())


def test_fields_are_those_another_library_reads(made):
    data = made.public_bytes(serialization.Encoding.DER)
    found = read(data)
    assert found.subject == found.issuer == "C=CN, O=局, CN=www.example.org".encode()
    assert found.serial == b"12:34"
    assert found.names == (b"a.example.org",)
    assert found.not_before == int(made.not_valid_before_utc.timestamp())
    assert found.not_after == int(made.not_valid_after_utc.timestamp())
    assert fingerprint(data) == made.fingerprint(hashes.SHA1()).hex(":").encode()


def test_what_is_no_certificate_is_refused(made):
    data = made.public_bytes(serialization.Encoding.DER)
    for cut in range(0, len(data), 37):
        with pytest.raises((Broken, ValueError)):
            read(data[:cut])
