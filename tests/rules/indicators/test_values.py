from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rules.indicators import values
from rules.indicators.model import ADDRESS, DOMAIN, JA3, JA4, MD5, SHA256, URL


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("203.0.113.7", ADDRESS, "203.0.113.7"),
        ("198[.]51[.]100[.]0/24", ADDRESS, "198.51.100.0/24"),
        ("2001:DB8::1", ADDRESS, "2001:db8::1"),
        ("::ffff:203.0.113.7", ADDRESS, "203.0.113.7"),
        ("Evil[.]Example.", DOMAIN, "evil.example"),
        ("*.evil.example", DOMAIN, "evil.example"),
        ("恶意.中国", DOMAIN, "xn--5bu4m.xn--fiqs8s"),
        ("hxxps://Evil[.]example:443/A?b=C#d", URL, "evil.example/a?b=c"),
        ("http://evil.example:8080", URL, "evil.example:8080/"),
        ("evil.example/x", URL, "evil.example/x"),
        ("D41D8CD98F00B204E9800998ECF8427E", MD5, "d41d8cd98f00b204e9800998ecf8427e"),
        ("a" * 64, SHA256, "a" * 64),
        ("t13d1516h2_8daaf6152771_b186095e22b6", JA4, "t13d1516h2_8daaf6152771_b186095e22b6"),
    ],
)
def test_what_lists_write_is_made_normal(text: str, kind: str, value: str):
    assert values.guess(text) == (kind, value)


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (ADDRESS, "10.0.0.1/8", "host bits"),
        (ADDRESS, "0.0.0.0/0", "too many"),
        (ADDRESS, "300.1.1.1", "not appear"),
        (DOMAIN, "com", "dot"),
        (DOMAIN, "a..b", "no part"),
        (DOMAIN, "1.2.3.4", "neither"),
        (URL, "ftp://a.example/x", "not seen of ftp"),
        (URL, "http://[::1]/x", "IPv6"),
        (JA3, "abc", "32 hexadecimal"),
        (DOMAIN, "", "no value"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_with_the_reason(kind: str, text: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        values.normal(kind, text)


@hypothesis_settings(max_examples=150)
@given(st.text(max_size=80))
def test_any_text_is_an_indicator_or_refused(text: str):
    try:
        kind, value = values.guess(text)
    except ValueError:
        return
    assert values.normal(kind, value if kind != URL else f"http://{value}") == value


@pytest.mark.parametrize(
    ("given_", "wanted"), [("85", 0.85), (0.5, 0.5), (1, 0.01), ("high", 0.9), ("高", 0.9), (100, 1.0)]
)
def test_confidence(given_: object, wanted: float):
    assert values.confidence(given_) == wanted
    for bad in (True, "very", 101, None, -1):
        with pytest.raises(ValueError):
            values.confidence(bad)


def test_moments():
    assert values.moment("2024-05-01T00:00:00Z") == 1_714_521_600_000_000_000
    assert (
        values.moment("2024-05-01 08:00:00+08:00")
        == values.moment("2024-05-01")
        == values.moment("1714521600")
    )
    assert values.moment("2024-05-01T00:00:00.000001Z") == 1_714_521_600_000_001_000
    for bad in ("soon", None, True, -1, "99-99"):
        with pytest.raises(ValueError):
            values.moment(bad)
