"""Streams and application layers as they are measured."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import wrpcap

from bench.ours import applications

BODY = gzip.compress(b"some words " * 40)
ASKED = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
SAID = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture
def capture(tmp_path):
    def packet(back: bool, seq: int, ack: int, flags: str, data: bytes = b""):
        ends = {"sport": 80, "dport": 4000} if back else {"sport": 4000, "dport": 80}
        ip = IP(src="10.0.0.2", dst="10.0.0.1") if back else IP(src="10.0.0.1", dst="10.0.0.2")
        return Ether() / ip / TCP(**ends, seq=seq, ack=ack, flags=flags) / Raw(data)

    a, b = 1 + len(ASKED), 1 + len(SAID)
    packets = [
        packet(False, 0, 0, "S"), packet(True, 0, 1, "SA"), packet(False, 1, 1, "A"),
        packet(False, 1, 1, "PA", ASKED), packet(True, 1, a, "PA", SAID), packet(False, a, b, "FA"),
        packet(True, b, a + 1, "FA"), packet(False, a + 1, b + 1, "A"),
    ]  # fmt: skip
    wrpcap(str(tmp_path / "a.pcap"), packets)
    return str(tmp_path / "a.pcap")


@pytest.mark.parametrize(
    ("case", "told"),
    [("meter", 8), ("streams", len(ASKED) + len(SAID)), ("transactions", 1)]
    + [(case, 1) for case in applications.WITHOUT],
)
def test_every_case_does_its_work(capture, case, told):
    result = applications.report(case, capture, capture)
    assert (result["packets"], result["told"]) == (8, told)
    assert result["cpu"] > 0
    assert result["wall"] > 0


def test_what_is_switched_off_is_not_done(capture, monkeypatch):
    from ingest.applications import files, http1_put

    hashed, layers = [], []
    inflate, hashes = http1_put.inflate, files._HASHES

    def undo(data, coding, most, most_layers, **more):
        layers.append(most_layers)
        return inflate(data, coding, most, most_layers, **more)

    def counted(name):
        return lambda data, **more: hashed.append(name) or hashes[name](data, **more)

    monkeypatch.setattr(http1_put, "inflate", undo)
    monkeypatch.setattr(files, "_HASHES", {name: counted(name) for name in hashes})
    done = {}
    for case in applications.WITHOUT:
        hashed.clear()
        layers.clear()
        applications.reading(case)(capture)
        done[case] = (len(hashed), *layers)
    assert done == {
        "read": (3, 2), "read, no hashes": (0, 2), "read, nothing inflated": (3, 0), "read, neither": (0, 0)
    }  # fmt: skip


def test_packets_come_in_order_with_their_frames(capture):
    rows, frames, _ = next(applications.batches(capture))
    assert len(rows) == 8
    assert frames.tolist() == list(range(1, 9))
    assert Path(capture).stat().st_size > 8 * 54
