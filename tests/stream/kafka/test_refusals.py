"""What brokers really say is in `end_to_end/test_kafka_security`; here, what it is taken for."""

from __future__ import annotations

import ssl

import pytest
from aiokafka.errors import KafkaConnectionError, SaslAuthenticationFailed, UnsupportedSaslMechanismError

from citywall.settings import load
from stream.kafka.refusals import refusal

KAFKA = load(
    None, {},
    ["transport=kafka://x:1", "kafka.ca=/ca.pem", "kafka.mechanism=PLAIN", "kafka.user=eve"],
).kafka  # fmt: skip


def caused(cause: BaseException) -> KafkaConnectionError:
    error = KafkaConnectionError("closed")
    error.__cause__ = cause
    return error


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] alert")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (SaslAuthenticationFailed("Authentication failed"), "kafka.password_file"),
        (UnsupportedSaslMechanismError("no"), "kafka.mechanism"),
        (ssl.SSLCertVerificationError(1, "self-signed"), "kafka.ca"),
        (caused(tls("TLSV13_ALERT_CERTIFICATE_REQUIRED")), "kafka.certificate"),
        (caused(tls("SSLV3_ALERT_BAD_CERTIFICATE")), "kafka.certificate"),
    ],
)
def test_a_refusal_names_its_setting(error: BaseException, key: str):
    found = refusal(error, "kafka://x:1", KAFKA)
    assert found is not None
    assert found.key == key


@pytest.mark.parametrize(
    "error", [KafkaConnectionError("closed"), OSError(111, "refused"), TimeoutError(), caused(EOFError())]
)
def test_what_may_be_away_is_no_refusal(error: BaseException):
    assert refusal(error, "kafka://x:1", KAFKA) is None
