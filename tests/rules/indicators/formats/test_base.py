from __future__ import annotations

from citywall.findings import Severity
from rules.indicators.formats.base import Entry, Listing


def test_an_entry_becomes_an_indicator_with_what_its_list_says():
    listing = Listing("f.csv", "f")
    listing.take(Entry("Evil.example", "line 1", "", "feed", "80", None, "2024-01-01", "2024-02-01", " T "))
    (made,) = listing.into.found
    assert (made.kind, made.value, made.source, made.confidence) == ("domain", "evil.example", "feed", 0.8)
    assert (made.severity, made.title, made.file, made.place) == (Severity.HIGH, "T", "f.csv", "line 1")
    assert made.begins < made.ends


def test_what_is_wrong_with_an_entry_is_said():
    listing = Listing("f", "f")
    for entry in (
        Entry("evil.example", "1", severity="awful"),
        Entry("evil.example", "2", begins="2024-02-01", ends="2024-01-01"),
        Entry("evil.example", "3", confidence="maybe"),
        Entry("evil.example", "4", ends="never"),
    ):
        listing.take(entry)
    assert not listing.into.found
    reasons = " ".join(refused.reason for refused in listing.into.refused)
    for part in ("severity", "before it begins", "maybe", "no time"):
        assert part in reasons
