from __future__ import annotations

from citywall.batches import (
    DNS_ANSWER,
    DNS_QUERY,
    FILE_SEEN,
    HTTP_REQUEST,
    TLS_CLIENT,
    TLS_SERVER,
    TLS_WHOLE_CERTIFICATE,
    TLS_WHOLE_CLIENT,
)
from rules.indicators import matching
from tests.rules.indicators.rows import events, flow, flows
from tests.rules.indicators.test_kernels import listed


def test_a_flow_counts_once_at_its_first_report():
    rows = flows(
        flow("10.0.0.5", "203.0.113.1"), flow("10.0.0.5", "203.0.113.1", report=1),
        flow("203.0.113.1", "10.0.0.6"), flow("2001:db8::1", "2001:db8::2"),
    )  # fmt: skip
    hits = matching.in_flows(listed("address", "203.0.113.0/24", "2001:db8::2"), rows)
    assert [(h.row, h.number, h.where) for h in hits] == [
        (0, 0, "target"),
        (2, 0, "source"),
        (3, 1, "target"),
    ]


def test_names_are_looked_for_where_they_stand():
    rows = events(
        (DNS_QUERY, [b"www.evil.example"], {}), (TLS_CLIENT, [b"evil.example", b"h2"], {}),
        (HTTP_REQUEST, [b"evil.example:8080", b"/"], {}), (DNS_QUERY, [b"notevil.example"], {}),
        (DNS_ANSWER, [b"evil.example"], {"answer": "203.0.113.9"}),
        (TLS_WHOLE_CLIENT, [b"evil.example", b"h2"], {}),
    )  # fmt: skip
    hits = matching.in_events(listed("domain", "evil.example"), rows)
    told = [(0, "query"), (1, "server_name"), (2, "host"), (5, "server_name")]
    assert [(h.row, h.where) for h in hits] == told
    hits = matching.in_events(listed("address", "203.0.113.9"), rows)
    assert [(h.row, h.where) for h in hits] == [(4, "answer")]


def test_urls_by_host_target_and_port():
    table = listed("url", "evil.example/a?b=c", "evil.example:8080/d", "evil.example/" + "x" * 130)
    rows = events(
        (HTTP_REQUEST, [b"evil.example", b"/a?b=c", b"agent"], {"dst_port": 80}),
        (HTTP_REQUEST, [b"EVIL.example:80", b"/A?b=c"], {"dst_port": 80}),
        (HTTP_REQUEST, [b"evil.example", b"/d"], {"dst_port": 80}),
        (HTTP_REQUEST, [b"evil.example:8080", b"/d"], {"dst_port": 8080}),
        (HTTP_REQUEST, [b"proxy.example", b"http://evil.example/a?b=c"], {"dst_port": 3128}),
        (HTTP_REQUEST, [b"evil.example", (b"/" + b"x" * 130)[:120]], {}),
        (HTTP_REQUEST, [b"evil.example", b"/a?b=cc"], {}),
        (HTTP_REQUEST, [b"", b"*"], {}),
    )
    hits = matching.in_events(table, rows)
    assert [(h.row, h.number) for h in hits] == [(0, 0), (1, 0), (3, 1), (4, 0), (5, 2)]


def test_fingerprints_of_hellos():
    """As `ingest.sightings` and the logs of others tell them: digests as two words, JA4 as the third text."""
    last, other = "ab" * 15 + "00", "00" * 15 + "01"  # zeros at either end
    ja4 = b"t13d1516h2_8daaf6152771_b186095e22b6"
    rows = events(
        (TLS_CLIENT, [b"a.example", b"h2", ja4], {}), (TLS_SERVER, [], {}), (TLS_CLIENT, [], {}),
        (TLS_CLIENT, [b"", b"", ja4[:-1]], {}), (TLS_CLIENT, [b"", b"", ja4[:-1] + b"7"], {}),
        (DNS_QUERY, [b"", b"", ja4], {}), (TLS_WHOLE_CLIENT, [b"b.example", b"h2", ja4], {}),
    )  # fmt: skip
    for row, digest in ((0, last), (1, last), (2, other), (6, last)):
        rows["answer_hi"][row], rows["answer_lo"][row] = int(digest[:16], 16), int(digest[16:], 16)

    def found(kind: str, *values: str) -> list[tuple[int, int]]:
        hits = matching.in_events(listed(kind, *values), rows)
        assert {(h.kind, h.where) for h in hits} <= {(kind, "fingerprint")}
        return [(h.row, h.number) for h in hits]

    assert found("ja3", "ff" * 16, last, other) == [(0, 1), (2, 2), (6, 1)]
    assert found("ja3s", other, last) == [(1, 1)]
    assert found("ja4", ja4.decode()) == [(0, 0), (6, 0)]
    assert found("ja3", "ff" * 16) == found("md5", last) == []
    assert listed("ja3", last).in_rows


def test_hashes_of_files_and_certificates():
    """Each at its place in the third text, as logs tell them."""
    md5, sha1, sha256 = b"0123456789abcdef" * 2, b"89abcdef01" * 4, b"fedcba9876543210" * 4
    rows = events(
        (FILE_SEEN, [b"a.exe", b"m", sha256 + sha1 + md5], {}), (FILE_SEEN, [b"", b"", b" " * 104 + md5], {}),
        (FILE_SEEN, [b"", b"", b" " * 64 + sha1], {}), (FILE_SEEN, [b"x", b"", b""], {}),
        (TLS_WHOLE_CERTIFICATE, [b"s", b"i", sha256 + sha1 + b"serial"], {}),
        (DNS_QUERY, [b"", b"", sha256 + sha1 + md5], {}),
    )  # fmt: skip
    for kind, value, told in (
        ("md5", md5, [(0, "file"), (1, "file")]),
        ("sha1", sha1, [(0, "file"), (2, "file"), (4, "certificate")]),
        ("sha256", sha256, [(0, "file"), (4, "certificate")]),
    ):
        hits = matching.in_events(listed(kind, value.decode(), "0" * len(value)), rows)
        assert [(h.row, h.where) for h in hits] == told
        assert {h.number for h in hits} == {0}
