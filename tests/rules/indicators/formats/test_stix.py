from __future__ import annotations

import pytest

from rules.indicators.formats import stix
from rules.indicators.formats.base import Listing

BUNDLE = {
    "type": "bundle",
    "objects": [
        {"type": "identity", "id": "identity--1", "name": "City CERT"},
        {
            "type": "indicator", "id": "indicator--1", "pattern_type": "stix", "name": "C2",
            "pattern": "[domain-name:value = 'bad.example'] OR "
            "[ipv4-addr:value IN ('203.0.113.1', '203.0.113.2')]",
            "valid_from": "2024-01-01T00:00:00Z", "valid_until": "2025-01-01T00:00:00Z", "confidence": 85,
            "created_by_ref": "identity--1",
        },
        {"type": "indicator", "id": "indicator--2", "pattern": "[file:hashes.'SHA-256' = 'zz']"},
        {"type": "indicator", "id": "indicator--3", "pattern": "[url:value = 'http://a.example/']",
         "revoked": True},
        {"type": "indicator", "id": "indicator--4", "pattern": "rule x {}", "pattern_type": "yara"},
        {"type": "malware", "id": "malware--1"},
    ],
}  # fmt: skip


def test_a_bundle():
    listing = Listing("b.json", "b")
    stix.read(BUNDLE, listing)
    found = listing.into
    assert [(i.kind, i.value) for i in found.found] == [
        ("domain", "bad.example"), ("address", "203.0.113.1"), ("address", "203.0.113.2"),
    ]  # fmt: skip
    first = found.found[0]
    assert (first.source, first.confidence, first.title, first.place) == (
        "City CERT",
        0.85,
        "C2",
        "objects[1]",
    )
    assert first.holds(1_714_521_600_000_000_000)
    assert not first.holds(1_800_000_000_000_000_000)
    assert found.left_out == {"revoked": 1}
    assert [r.place for r in found.refused] == ["objects[2]", "objects[4]"]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[domain-name:value = 'a.example' AND url:value = 'b']", "more than one thing"),
        ("[domain-name:value = 'a.example'] FOLLOWEDBY [url:value = 'b']", "more than one thing"),
        ("[process:name = 'x']", "not looked for"),
        ("[domain-name:value != 'a.example']", "only ="),
        ("[domain-name:value LIKE 'a%']", "only ="),
        ("[domain-name:value IN ('a.example'", "only ="),
        ("", "no pattern"),
        ("[[", "no pattern"),
        ("[x", "not understood"),
    ],
)
def test_patterns_that_are_more_than_values_are_refused(pattern: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        stix.values_of(pattern)


def test_quotes_inside_values():
    assert stix.values_of(r"[url:value = 'http://a.example/it\'s']") == [("url", "http://a.example/it's")]
