from __future__ import annotations

from pathlib import Path

import pytest
from scapy.utils import wrpcap

from citywall import settings
from citywall.findings import Finding
from citywall.sessions import Session
from stream.signatures import Signatures
from tests.rules.conftest import CLIENT, tcp, udp

#: A connection: three packets, the needle, twelve more. Between them stands a datagram, and one behind.
TALK = tcp([(0, b"needle"), *((i & 1, b"more") for i in range(4))], dport=99)


def told(
    tmp_path: Path, tag: str, size: int = 0, monkeypatch: pytest.MonkeyPatch | None = None
) -> list[Finding]:
    packets = [*TALK[:8], udp(b"x"), *TALK[8:], udp(b"y")]
    for i, packet in enumerate(packets):
        packet.time = 1_700_000_000 + i
    wrpcap(str(tmp_path / "a.pcap"), packets)
    rule = 'alert tcp any any -> any any (content:"needle"; dsize:6; tag:%s; sid:7;)\n'
    (tmp_path / "a.rules").write_text(rule % tag)
    if size and monkeypatch is not None:
        monkeypatch.setattr("stream.signatures.PIECE", size)
    rules = Signatures(settings.load(assignments=[f'rules.files=["{tmp_path}/a.rules"]']))
    session = Session("s", "capture", str(tmp_path / "a.pcap"), 1, "live", 0)
    return [finding for found, _ in rules.findings(session) for finding in found]


def brief(finding: Finding) -> tuple[object, ...]:
    frames = [evidence.frame for evidence in finding.evidence]
    return finding.facts["tagged_packets"], frames


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("session,3,packets", (3, [5, 7])),
        ("session", (12, [5, 17])),
        ("session,1000,packets", (12, [5, 17])),
        ("session,5,seconds", (4, [5, 8])),
        ("session,100,bytes", (2, [5, 6])),
        ("host,6,packets,src", (6, [5, 10])),  # a datagram among them
        ("host,6,packets,dst", (6, [5, 10])),
        ("host,1,packets", (1, [5])),
    ],
)
def test_what_comes_after_an_alert_is_evidence_of_it(tmp_path: Path, tag: str, expected: tuple[object, ...]):
    first, more = told(tmp_path, tag)
    assert (first.facts.get("tagged_packets"), first.evidence[0].frame) == (None, 4)
    assert brief(more) == expected
    assert (more.detector, more.entity, more.kind) == (first.detector, first.entity, first.kind)
    assert more.id != first.id
    assert more.time >= first.time
    assert more.evidence[0].source is not None
    assert CLIENT in {more.evidence[0].source.address, more.evidence[0].target.address}


@pytest.mark.parametrize("tag", ["session,3,packets", "session,5,seconds", "host,2,packets,src", "session"])
def test_pieces_change_nothing(tmp_path: Path, tag: str, monkeypatch: pytest.MonkeyPatch):
    whole = told(tmp_path, tag)
    for size in (1, 4):
        assert told(tmp_path, tag, size, monkeypatch) == whole


def test_one_tag_at_a_time_and_what_is_silent_is_not_told(tmp_path: Path):
    assert len(told(tmp_path, "session,1,seconds")) == 2
    assert len(told(tmp_path, "session,0,seconds")) == 1
