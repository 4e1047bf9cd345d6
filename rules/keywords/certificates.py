"""Keywords about TLS handshakes that are no buffers: dates of certificates, how far the handshake is."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from rules.keywords.base import NONE, Keyword
from rules.language.builder import Builder
from rules.language.model import Number

_TLS = frozenset({"tls"})
_TOP = (1 << 62) - 1
_DATES = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H",
          "%Y-%m-%d %H", "%Y-%m-%d", "%Y-%m")  # fmt: skip
_SPAN = re.compile(r"^([<>]?)\s*(.+?)\s*(?:<>\s*(.+))?$")
#: Bits of `ssl_state`.
STATES = {"client_hello": 1, "server_hello": 2, "client_keyx": 4, "server_keyx": 8, "unknown": 16}


def _seconds(builder: Builder, text: str, keyword: str) -> int:
    if re.fullmatch(r"\d{1,18}", text):  # seconds since 1970, a year's digits, too
        return int(text)
    for form in _DATES:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    raise builder.fault(f"{keyword}: {text!r} is no date")


def _date(keyword: str, field: str) -> Keyword:
    """A comparison of a date or a number of seconds: `2015-10-01`, `<2016-01`, `2015-01<>2016-01`.

    What is given belongs to a span, as Suricata has it.
    """

    def setup(builder: Builder, value: str) -> None:
        builder.allow(_TLS, keyword)
        match = _SPAN.match(value.strip())
        if match is None or (match[1] and match[3]):
            raise builder.fault(f"{keyword} does not know {value.strip()!r}")
        first = _seconds(builder, match[2], keyword)
        low, high = first, first
        if match[3]:
            high = _seconds(builder, match[3], keyword)
        elif match[1]:
            low, high = (-_TOP, first) if match[1] == "<" else (first, _TOP)
        builder.rule.fields.append(Number(field, low, high))

    return Keyword(setup)


def _lasting(keyword: str, name: str) -> Keyword:
    """Whether the certificate is past its time, or not yet, when it is seen."""

    def setup(builder: Builder, _value: str) -> None:
        builder.allow(_TLS, keyword)
        builder.rule.others.append((name, ""))

    return Keyword(setup, NONE)


def ssl_state(builder: Builder, value: str) -> None:
    """`ssl_state:client_hello|server_hello`: a message of the handshake, or any of several."""
    builder.allow(_TLS, "ssl_state")
    mask = 0
    negated = value.strip().startswith("!")
    for part in re.split(r"[|,]", value.strip().lstrip("! ")):
        name = part.strip().lower()
        if name not in STATES:
            raise builder.fault(f"ssl_state does not know {part.strip()!r}")
        mask |= STATES[name]
    builder.rule.fields.append(Number("ssl_state", 0, 0, not negated, mask=mask))


KEYWORDS = {
    "tls_cert_notbefore": _date("tls_cert_notbefore", "tls.cert_notbefore"),
    "tls_cert_notafter": _date("tls_cert_notafter", "tls.cert_notafter"),
    "tls_cert_expired": _lasting("tls_cert_expired", "tls.expired"),
    "tls_cert_valid": _lasting("tls_cert_valid", "tls.valid"),
    "ssl_state": Keyword(ssl_state),
}
