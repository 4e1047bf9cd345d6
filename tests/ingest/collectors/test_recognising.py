from __future__ import annotations

import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.capture.files import open_capture
from ingest.collectors.recognising import are_exports
from tests.exporters import PLAIN, content, five, flow, nine, sflow, template
from tests.ingest.capture.writing import Record, pcap

ROOT = Path(__file__).resolve().parents[3]
FLOW = flow("10.0.0.1", "10.0.0.2", 1000, 80)
EXPORTS = [nine(template(256, PLAIN)), nine(content(256, FLOW)), five(FLOW), sflow()]
NAME_ASKED = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\1a\0\0\1\0\1"


def asked(path: Path, payloads: list[bytes], proto: int = 17) -> bool:
    """What is said of a capture of these datagrams."""
    records = []
    for n, payload in enumerate(payloads):
        inner = struct.pack(">HHHH", 2055, 2055, 8 + len(payload), 0) + payload
        ends = socket.inet_aton("10.0.0.9") + socket.inet_aton("10.0.0.8")
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(inner), n, 0, 64, proto, 0) + ends
        records.append(Record(1_700_000_000_000_000_000 + n, bytes(12) + b"\x08\x00" + head + inner))
    path.write_bytes(pcap(records))
    with open_capture(path) as capture:
        return are_exports(capture)


def test_exports_of_any_kind_are_known(tmp_path: Path) -> None:
    assert asked(tmp_path / "x.pcap", EXPORTS)
    assert all(asked(tmp_path / "x.pcap", [one]) for one in EXPORTS[1:])


@pytest.mark.parametrize("other", [b"", b"hello, this is none", NAME_ASKED, five(FLOW)[:30]])
def test_anything_else_among_them_makes_it_another_capture(tmp_path: Path, other: bytes) -> None:
    assert not asked(tmp_path / "x.pcap", [other])
    assert not asked(tmp_path / "x.pcap", [*EXPORTS, other])


def test_exports_go_by_udp_and_a_capture_of_nothing_holds_none(tmp_path: Path) -> None:
    assert not asked(tmp_path / "x.pcap", EXPORTS, proto=6)
    assert not asked(tmp_path / "x.pcap", [])


def test_a_capture_is_asked_without_what_reads_exports() -> None:
    code = "import sys, ingest.collectors.recognising; print('ingest.flowlogs.rows' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["False"]
