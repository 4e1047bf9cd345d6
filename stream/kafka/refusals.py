"""What a broker's refusal means in terms of our settings."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from aiokafka.errors import (
    AuthenticationFailedError,
    IllegalSaslStateError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from citywall.errors import SettingsError
from citywall.servers import KafkaSettings

#: Reasons in OpenSSL's words, upper case.
_NOT_OURS = (
    "CERTIFICATE_REQUIRED",
    "BAD_CERTIFICATE",
    "UNKNOWN_CA",
    "CERTIFICATE_UNKNOWN",
    "HANDSHAKE_FAILURE",
)


def refusal(error: BaseException, url: str, kafka: KafkaSettings) -> SettingsError | None:
    """The error for what a connection ended with, naming a setting; None where the broker may be away.

    No secret is in it: the password stays out, and what the broker says never has it.
    """
    for each in _causes(error):
        if isinstance(each, (SaslAuthenticationFailed, AuthenticationFailedError)):
            return SettingsError(
                url, "kafka.password_file", f"the broker refuses user {kafka.user!r} or its password"
            )
        if isinstance(each, (UnsupportedSaslMechanismError, IllegalSaslStateError)):
            offered = f"the broker does not take {kafka.mechanism or 'a connection without a user'}"
            return SettingsError(url, "kafka.mechanism", offered)
        if isinstance(each, ssl.SSLCertVerificationError):
            signers = kafka.ca or "the system's authorities"
            return SettingsError(
                url, "kafka.ca", f"{signers}: the broker shows another's certificate: {each}"
            )
        if isinstance(each, ssl.SSLError) and any(reason in str(each).upper() for reason in _NOT_OURS):
            what = f"{kafka.certificate} is refused" if kafka.certificate else "the broker asks for one"
            return SettingsError(url, "kafka.certificate", f"{what} ({each})")
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
