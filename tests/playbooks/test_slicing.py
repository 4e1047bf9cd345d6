from __future__ import annotations

import struct
from pathlib import Path

import pytest

from citywall.errors import InputError
from drills.packets import udp_frame, write_pcap
from ingest.capture import open_capture
from playbooks.slicing import Span, captures, joined, packets, query_of, span_of

SECOND = 10**9
BASE = 1_700_000_000 * SECOND


def frame(source: str, target: str, port: int) -> bytes:
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Ether

    return bytes(
        Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src=source, dst=target) / UDP(dport=port)
    )


def read(data: bytes) -> list[tuple[int, bytes]]:
    magic, *_, link = struct.unpack_from("<IHHiIII", data)
    assert (magic, link) == (0xA1B23C4D, 1)
    found, at = [], 24
    while at < len(data):
        seconds, nanos, length, wire = struct.unpack_from("<IIII", data, at)
        assert length == wire
        found.append((seconds * SECOND + nanos, data[at + 16 : at + 16 + length]))
        at += 16 + length
    return found


def test_packets_of_the_hosts_in_their_time(tmp_path: Path) -> None:
    path = tmp_path / "all.pcap"
    frames = [
        (BASE, frame("10.0.0.5", "10.0.0.9", 1)), (BASE + SECOND, frame("10.0.0.9", "10.0.0.5", 2)),
        (BASE + 2 * SECOND + 7000, frame("10.0.0.5", "10.0.0.8", 3)),
        (BASE + 90 * SECOND, frame("10.0.0.5", "10.0.0.9", 4)),
    ]  # fmt: skip
    write_pcap(path, frames)
    span = Span(BASE, BASE + 60 * SECOND, frozenset({"10.0.0.5"}), frozenset({"10.0.0.9"}), (str(path),))
    assert read(b"".join(packets(path, span))) == frames[:2]
    both = Span(BASE, BASE + 60 * SECOND, frozenset({"10.0.0.5"}), frozenset(), ())
    assert [time for time, _ in read(b"".join(packets(path, both)))] == [
        BASE,
        BASE + SECOND,
        BASE + 2 * SECOND + 7000,
    ]
    with pytest.raises(InputError):
        list(packets(tmp_path / "gone.pcap", span))


def test_the_span_of_an_alert() -> None:
    document = {
        "event": {"id": "a", "start": "2024-05-01T11:59:55Z", "end": "2024-05-01T12:00:30Z"},
        "source": {"ip": "10.0.0.5"},
        "citywall": {
            "targets": {"count": 2, "sample": ["10.0.0.8", "10.0.0.9"]},
            "evidence": [{"path": "a.pcap", "time": "2024-05-01T11:59:50Z"}, {"path": "a.pcap"}],
        },
    }
    span = span_of(document, 10)
    assert (span.until - span.since) // SECOND == 60
    assert (span.sources, span.paths) == ({"10.0.0.5"}, ("a.pcap",))
    assert query_of(span) == '(ip:"10.0.0.5") AND (ip:"10.0.0.8" OR ip:"10.0.0.9")'
    document["citywall"]["targets"]["count"] = 900  # more than the sample: anybody
    assert span_of(document, 10).targets == frozenset()


def test_the_packets_of_an_interface_are_those_of_its_ring(tmp_path: Path) -> None:
    folder = tmp_path / "packets" / "eth0"
    folder.mkdir(parents=True)
    span = Span(100 * 10**9, 200 * 10**9, frozenset(), frozenset(), ())
    with pytest.raises(InputError, match="no packets of that time"):
        captures("interface:eth0", tmp_path, span)
    for first in (50, 120, 150):
        frames = [(first * 10**9, udp_frame("10.0.0.1", "10.0.0.2", 1, 2, b"x"))]
        write_pcap(folder / f"{first * 10**9:020d}.pcap", frames, nanosecond=True)
    found = captures("interface:eth0", tmp_path, span)
    assert len(found) == 3
    whole = tmp_path / "whole.pcap"
    whole.write_bytes(b"".join(joined(found, span)))
    with open_capture(whole) as capture:
        assert [ref.packets for ref in capture.blocks(1 << 20)] == [2]
    assert captures("a.pcap", tmp_path, span) == [Path("a.pcap")]
