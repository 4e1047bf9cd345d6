"""Certificates for TLS on loopback: an authority of its own, made anew each time."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID = dt.timedelta(days=1)
#: Clocks of one machine agree; those of a container may not.
EARLIER = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Certificates:
    """Files in PEM: certificates of the authority, a server and a client, and the keys of both."""

    authority: Path
    server: Path
    key: Path
    client: Path
    client_key: Path


def make(folder: Path, *, address: str = "127.0.0.1", name: str = "localhost") -> Certificates:
    """Make an authority, and certificates of it for a server at `address` and `name` and a client.

    They are valid for a day.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Citywall test authority")])
    signing = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    authority = (
        _certificate(issuer, issuer, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signing, critical=False)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    made = Certificates(
        folder / "authority.pem", folder / "server.pem", folder / "server.key", folder / "client.pem",
        folder / "client.key",
    )  # fmt: skip
    made.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    alternatives = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))]
    for subject, certificate, key in (
        (name, made.server, made.key),
        ("citywall client", made.client, made.client_key),
    ):
        own_key = ec.generate_private_key(ec.SECP256R1())
        own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        builder = (
            _certificate(own_name, issuer, own_key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signing), critical=False
            )
            .add_extension(_usage(sign_certificates=False), critical=True)
        )
        if certificate == made.server:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        signed = builder.sign(authority_key, hashes.SHA256())
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        _write_key(key, own_key)
    return made


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + VALID)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
