from __future__ import annotations

from citywall.findings import Severity
from rules.indicators.formats import plain
from rules.indicators.formats.base import Listing

LIST = """\
# Source: City CERT
# confidence: 90
# valid_until: 2030-01-01
203.0.113.0/24   # a whole network
hxxp://evil[.]example/a

nonsense
ja3: 0123456789abcdef0123456789abcdef
# kind: ja3s
# severity: low
0123456789abcdef0123456789abcdee
"""


def test_remarks_speak_of_what_follows():
    listing = Listing("l.txt", "l")
    plain.read(LIST, listing)
    first, second, third, fourth = listing.into.found
    assert (first.value, first.title, first.source, first.confidence) == (
        "203.0.113.0/24", "a whole network", "City CERT", 0.9,
    )  # fmt: skip
    assert (second.kind, third.kind, fourth.kind, fourth.severity) == ("url", "ja3", "ja3s", Severity.LOW)
    (refused,) = listing.into.refused
    assert (refused.place, refused.value) == ("line 7", "nonsense")
    assert first.ends == 1_893_456_000_000_000_000


def test_hosts_files():
    text = "# x\n0.0.0.0 bad.example # r\n::1 localhost\n127.0.0.1 a.example b.example\n"
    assert plain.hosts_file(text)
    assert not plain.hosts_file("bad.example\n")
    listing = Listing("hosts", "hosts")
    plain.read_hosts(text, listing)
    assert [i.value for i in listing.into.found] == ["bad.example", "a.example", "b.example"]
