"""What applications said, kept and found again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alerts.eventarchive import EventArchive
from alerts.eventfilter import EVENTS
from alerts.query import parse
from citywall.addresses import to_words
from citywall.batches import (
    DNS_ANSWER,
    DNS_QUERY,
    EVENT,
    FILE_SEEN,
    HTTP_REQUEST,
    HTTP_RESPONSE,
    INJECTION,
    LOGIN_NAME,
    NOTICE_RAISED,
    TCP,
    TLS_CLIENT,
    TLS_SERVER,
    TLS_WHOLE_CERTIFICATE,
    UDP,
)
from citywall.errors import QueryError
from citywall.sessions import Session

START = 1_714_564_800_000_000_000  # 2024-05-01T12:00:00Z
SECOND = 1_000_000_000
JA4 = "t13d1516h2_8daaf6152771_02713d6af862"
SAID = (
    (DNS_QUERY, UDP, 53, ("www.example.com",), {"type": 28}),
    (DNS_ANSWER, UDP, 53, ("www.example.com",), {"type": 1, "code": 3}),
    (TLS_CLIENT, TCP, 443, ("portal.example.com", "h2", JA4), {"code": 0x304}),
    (TLS_SERVER, TCP, 443, (), {"code": 0x0101, "type": 0xE013}),
    (HTTP_REQUEST, TCP, 80, ("portal.example.com", "/a?id=1", "curl/8"), {"code": 2, "flags": INJECTION}),
    (HTTP_RESPONSE, TCP, 80, (), {"code": 404}),
    (LOGIN_NAME, TCP, 21, ("wang",), {"type": 1}),
    (TLS_WHOLE_CERTIFICATE, TCP, 443, ("portal.example.com", "ca", "ab" * 32 + "cd" * 20), {"code": 0x0303}),
    (
        FILE_SEEN, TCP, 445, ("a.exe", "application/pdf", " " * 64 + "ef" * 20 + "01" * 16),
        {"type": 4, "number": 7},
    ),
    (NOTICE_RAISED, TCP, 22, ("scan::port_scan", "twenty ports"), {"number": 20}),
)  # fmt: skip


def said() -> np.ndarray:
    events = np.zeros(len(SAID), EVENT)
    events["time"] = START + np.arange(len(SAID)) * SECOND
    events["src_hi"], events["src_lo"] = to_words("10.0.0.5")
    events["dst_hi"], events["dst_lo"] = to_words("10.0.1.7")
    events["frame"], events["src_port"] = np.arange(len(SAID)) + 1, 40_000
    for i, (kind, proto, port, pieces, more) in enumerate(SAID):
        events["kind"][i], events["proto"][i], events["dst_port"][i] = kind, proto, port
        text = "".join(pieces).encode()
        events["text"][i, : len(text)] = np.frombuffer(text, np.uint8)
        for name, piece in zip(("name", "rest", "agent"), pieces, strict=False):
            events[f"{name}_size"][i] = len(piece)
        for name, value in more.items():
            events[name][i] = value
    events["answer_hi"][2], events["answer_lo"][2] = 0xE7D705A3286E19EA, 0x42F587B344EE6865
    events["answer_hi"][1], events["answer_lo"][1] = to_words("192.0.2.1")
    return events


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> EventArchive:
    folder = tmp_path_factory.mktemp("data")
    events, session = said(), Session("s1", "capture", "office.pcap", 1, "live", START)
    ids = np.array([f"1:{i}" for i in range(len(events))], "S3")
    writing = EventArchive(folder)
    writing.write(events[:4], ids[:4], session, 0)
    writing.write(events[4:], ids[4:], session, 1)
    return EventArchive(folder, read_only=True)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("", range(10)),
        ("protocol:dns", [0, 1]), ("protocol:ftp", [6]), ("kind:tls_client", [2]), ("protocol:*", range(9)),
        ("dns.question.name:*.EXAMPLE.com", [0, 1]), ("dns.question.type:aaaa", [0]), ("rcode:nxdomain", [1]),
        ("sni:portal.example.com", [2]), ("url.domain:PORTAL.example.com", [4]), ("name:portal*", [2, 4, 7]),
        ("tls.client.ja3:E7D705A3286E19EA42F587B344EE6865", [2]), ("ja4:t13d*", [2]),
        ("ja4:t13d1516h2_8daaf6152771_02713d6af862", [2]), ("tls.version:tlcp", [3]),
        ("tls.cipher:ecc_sm4*", [3]), ("tls.cipher:*", [3]), ("tls.client.ja3:*", [2]),
        ("dns.resolved_ip:192.0.2.0/24", [1]), ("answer:192.0.2.1", [1]), ("status>=400", [5]),
        ("method:post", [4]), ("sign:injection", [4]), ("sign:*", [4]), ("sign:scanner", []),
        ("user.name:wang", [6]), ("dport:53 proto:udp", [0, 1]),
        ("ip:10.0.1.0/24 NOT port:443", [0, 1, 4, 5, 6, 8, 9]),
        ("time<2024-05-01T12:00:02", [0, 1]), ("community:1:3", [3]), ("session:s1 frame:2", [1]),
        (f"tls.server.hash.sha256:{'AB' * 32}", [7]), ("tls.server.hash.sha1:cdcd*", [7]),
        ("tls.server.hash.sha1:ab*", []), ("tls.server.issuer:ca", [7]), ("tls.server.subject:portal*", [7]),
        ("file.hash.md5:0101*", [8]), (f"file.hash.sha1:{'ef' * 20}", [8]), ("file.hash.sha256:ef*", []),
        ("file.name:*.exe file.size>6", [8]), ("protocol:smb", [8]), ("notice.name:scan*", [9]),
        ("tls.server.x509.serial_number:ab*", []), ("path:other", []),
        ("agent:curl/8 OR status:404", [4, 5]), ("number:5", []),
    ],
)  # fmt: skip
def test_queries(archive: EventArchive, where: str, found):
    page = archive.query(parse(where, EVENTS) if where else None)
    assert sorted(row["frame"] - 1 for row in page.events) == list(found)
    assert page.after is None


def test_what_is_no_query_of_events():
    with pytest.raises(QueryError, match="events have no text"):
        parse("somewhere", EVENTS)
    with pytest.raises(QueryError, match="no field"):
        parse("bytes>3", EVENTS)


def test_pages_are_newest_first_and_follow_one_another(archive: EventArchive):
    found, after = [], None
    while True:
        page = archive.query(limit=3, after=after)
        found += [row["frame"] for row in page.events]
        after = page.after
        if after is None:
            break
    assert found == [*range(10, 0, -1)]


def test_times_bound_them(archive: EventArchive):
    page = archive.query(since=START + SECOND, until=START + 3 * SECOND)
    assert [row["frame"] for row in page.events] == [3, 2]
    assert page.events[0]["time"] == "2024-05-01T12:00:02.000000000Z"
    assert page.events[0]["path"] == "office.pcap"


def test_a_part_written_again_replaces_itself(tmp_path: Path):
    archive, session = EventArchive(tmp_path), Session("s1", "capture", "a.pcap", 1, "live", START)
    for _ in range(2):
        archive.write(said(), np.array(["1:0"] * len(SAID), "S3"), session, 0)
    assert len(archive.query().events) == len(SAID)
    assert archive.delete_session("s1") == 1
    assert archive.query().events == []
