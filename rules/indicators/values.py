"""Values of indicators made normal: what a list writes, in the form in which traffic shows it."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from rules.indicators.model import ADDRESS, DOMAIN, JA3, JA3S, JA4, MD5, SHA1, SHA256, URL

#: The shortest prefixes that are taken: shorter ones would hit half the world.
_LEAST = {4: 8, 6: 16}
_HEX = re.compile(r"[0-9a-f]+")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_JA4 = re.compile(r"[tqd][0-9sd][0-9a-z][di][0-9]{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}")
_DIGITS = {MD5: 32, JA3: 32, JA3S: 32, SHA1: 40, SHA256: 64}
_BY_LENGTH = {32: MD5, 40: SHA1, 64: SHA256}
_DEFANGED = (("hxxp", "http"), ("[.]", "."), ("(.)", "."), ("{.}", "."), ("[dot]", "."), ("[:]", ":"),
             ("[://]", "://"))  # fmt: skip
#: Longest value that is looked at.
_LONGEST = 4096
_SECOND = 1_000_000_000


def refang(text: str) -> str:
    """A value as it was before somebody made it harmless: `hxxp://evil[.]example`."""
    for written, meant in _DEFANGED:
        text = text.replace(written, meant).replace(written.upper(), meant)
    return text


def normal(kind: str, text: str) -> str:
    """The value of an indicator of a kind; raises ValueError with the reason."""
    text = refang(text.strip())
    if not text:
        raise ValueError("there is no value")
    if len(text) > _LONGEST:
        raise ValueError("the value is too long")
    if kind == ADDRESS:
        return _address(text)
    if kind == DOMAIN:
        return domain(text)
    if kind == URL:
        return _url(text)
    if kind == JA4:
        if not _JA4.fullmatch(text.lower()):
            raise ValueError("this is no JA4 fingerprint")
        return text.lower()
    digits = _DIGITS[kind]
    if len(text) != digits or not _HEX.fullmatch(text.lower()):
        raise ValueError(f"{kind} has {digits} hexadecimal digits")
    return text.lower()


def guess(text: str) -> tuple[str, str]:
    """(kind, normal value) of what a list says nothing more of; raises ValueError.

    32 digits are an MD5: lists of JA3 say so.
    """
    text = refang(text.strip())
    if "://" in text:
        return URL, normal(URL, text)
    if len(text) in _BY_LENGTH and _HEX.fullmatch(text.lower()):
        kind = _BY_LENGTH[len(text)]
        return kind, normal(kind, text)
    if _JA4.fullmatch(text.lower()):
        return JA4, text.lower()
    if ":" in text or re.fullmatch(r"[0-9./]+", text):
        return ADDRESS, normal(ADDRESS, text)
    if "/" in text:
        return URL, normal(URL, f"http://{text}")
    return DOMAIN, normal(DOMAIN, text)


def _address(text: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=True)
    except ValueError as e:
        raise ValueError(str(e)) from None
    mapped = network.network_address.ipv4_mapped if network.version == 6 else None
    if mapped is not None and network.prefixlen >= 96:
        network = ipaddress.ip_network((mapped, network.prefixlen - 96))
    if network.prefixlen < _LEAST[network.version]:
        raise ValueError(f"a prefix shorter than /{_LEAST[network.version]} stands for too many")
    return str(network) if network.prefixlen < network.max_prefixlen else str(network.network_address)


def domain(text: str) -> str:
    """A name as DNS has it: lower case, punycode; raises ValueError."""
    name = text.lower().removeprefix("*.").strip(".")
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError as e:
            raise ValueError(f"this name cannot be written in ASCII: {e}") from None
    if len(name) > 253:
        raise ValueError("a domain has at most 253 characters")
    labels = name.split(".")
    if len(labels) < 2:
        raise ValueError("a domain has a dot: a whole top-level domain stands for too many")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{label[:63]!r} is no part of a domain")
    if labels[-1].isdigit():
        raise ValueError("this is neither a domain nor an address")
    return name


def _url(text: str) -> str:
    """`host[:port]/path?query`, lower case, without scheme and fragment: what a request shows."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError as e:
        raise ValueError(f"this is no URL: {e}") from None
    if parts.scheme.lower() not in {"http", "https"}:
        raise ValueError(f"requests are not seen of {parts.scheme}")
    if not host:
        raise ValueError("a URL names a host")
    try:
        host = str(ipaddress.ip_address(host))
    except ValueError:
        host = domain(host)
    if ":" in host:
        raise ValueError("URLs of IPv6 addresses are not looked for: list the address")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = quote(target, safe="".join(chr(c) for c in range(33, 127))).lower()
    usual = {"http": 80, "https": 443}[parts.scheme.lower()]
    return host + (f":{port}" if port and port != usual else "") + target


def confidence(value: object) -> float:
    """0 to 1 of what lists write: a share, percents or a word; raises ValueError."""
    if isinstance(value, str):
        word = value.strip().lower().rstrip("%")
        if word in _WORDS:
            return _WORDS[word]
        value = float(word)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise ValueError(f"the confidence is 0 to 1 or 0 to 100, not {value!r}")
    return float(value) if value <= 1 and isinstance(value, float) else value / 100


_WORDS = {
    "high": 0.9, "medium": 0.7, "moderate": 0.7, "low": 0.4, "none": 0.1, "unknown": 0.5,
    "高": 0.9, "中": 0.7, "低": 0.4,
}  # fmt: skip


def moment(value: object) -> int:
    """Nanoseconds since the epoch, of ISO 8601 or seconds; raises ValueError. Without a zone it is UTC."""
    if isinstance(value, bool):
        raise ValueError("this is no time")
    if isinstance(value, int | float) or (
        isinstance(value, str) and re.fullmatch(r"\d{9,11}", value.strip())
    ):
        seconds = float(value)
        if not 0 <= seconds < 1e11:
            raise ValueError("this is no time")
        return int(seconds * 1000) * (_SECOND // 1000)
    if not isinstance(value, str):
        raise ValueError("this is no time")
    text = value.strip().removesuffix(" UTC")
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no time (ISO 8601)") from None
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    whole = when.replace(microsecond=0)
    return int(whole.timestamp()) * _SECOND + when.microsecond * 1000
