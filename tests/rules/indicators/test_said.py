from __future__ import annotations

from pathlib import Path

from scapy.utils import wrpcap

from citywall import settings
from citywall.sessions import Session
from stream.signatures import Signatures
from tests.rules.conftest import tcp

SHA256_OF_HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def test_a_file_on_a_list_is_told_once_whatever_the_pieces(tmp_path: Path, monkeypatch):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    asked = b"GET /%c HTTP/1.1\r\nHost: a\r\n\r\n"
    packets = tcp([(0, asked % b"a"), (1, answer), (0, asked % b"b"), (1, answer)])
    for i, packet in enumerate(packets):
        packet.time = 1_700_000_000 + i
    wrpcap(str(tmp_path / "a.pcap"), packets)
    (tmp_path / "l.txt").write_text(f"sha256:{SHA256_OF_HELLO}\nmd5:{'0' * 32}\n")
    told = settings.load(assignments=[f'rules.indicators=["{tmp_path}/l.txt"]'])
    session = Session("s", "capture", str(tmp_path / "a.pcap"), 1, "live", 0)
    whole = [f for found, _ in Signatures(told).findings(session) for f in found]
    assert [(f.detector, f.kind, f.facts["type"]) for f in whole] == [
        ("indicator_file", "file", "sha256")
    ] * 2
    assert [f.source.address for f in whole if f.source] == ["192.168.1.10"] * 2
    monkeypatch.setattr("stream.signatures.PIECE", 1)
    assert [f for found, _ in Signatures(told).findings(session) for f in found] == whole
