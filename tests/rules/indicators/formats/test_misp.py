from __future__ import annotations

from citywall.findings import Severity
from rules.indicators.formats import misp
from rules.indicators.formats.base import Listing

EVENT = {
    "Event": {
        "info": "Campaign", "threat_level_id": "1", "Orgc": {"name": "CIRCL"},
        "Tag": [{"name": 'misp:confidence-level="usually-confident"'}],
        "Attribute": [
            {"type": "ip-dst|port", "value": "203.0.113.5|443", "to_ids": True},
            {"type": "domain|ip", "value": "bad.example|203.0.113.6", "to_ids": True},
            {"type": "md5", "value": "a" * 32, "to_ids": False},
            {"type": "email-src", "value": "a@b.example", "to_ids": True},
            "nonsense",
        ],
        "Object": [
            {
                "Attribute": [
                    {"type": "ja3-fingerprint-md5", "value": "b" * 32, "to_ids": True,
                     "Tag": [{"name": 'misp:confidence-level="fairly-confident"'}]}
                ]
            }
        ],
    }
}  # fmt: skip


def test_an_event():
    listing = Listing("m.json", "m")
    misp.read({"response": [EVENT, 7]}, listing)
    found = listing.into
    assert [(i.kind, i.value) for i in found.found] == [
        ("address", "203.0.113.5"), ("domain", "bad.example"), ("address", "203.0.113.6"), ("ja3", "b" * 32),
    ]  # fmt: skip
    first, last = found.found[0], found.found[-1]
    assert (first.source, first.confidence, first.severity) == ("CIRCL", 0.75, Severity.HIGH)
    assert (last.confidence, last.place) == (0.5, "[0].Object[0].Attribute[0]")
    assert found.left_out == {"not for detection": 1}
    assert [r.place for r in found.refused] == ["[0].Attribute[3]", "[0].Attribute[4]", "[1]"]


def test_a_bare_event():
    listing = Listing("m.json", "m")
    misp.read(EVENT["Event"], listing)
    assert len(listing.into.found) == 4
