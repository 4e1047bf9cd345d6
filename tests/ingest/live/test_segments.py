"""Rolling segments: whole captures, within a budget."""

from __future__ import annotations

import struct
import threading

import pytest

from citywall.errors import InputError
from citywall.sensors import SensorSettings
from drills import packets
from ingest.capture import open_capture
from ingest.live.sealing import LiveCapture
from ingest.live.segments import HEADER, Segments


def record(size: int) -> bytes:
    return struct.pack("<IIII", 1, 2, size, size) + bytes(size)


def test_files_are_captures_that_roll_and_the_oldest_go(tmp_path):
    segments = Segments(tmp_path, "a", link=101, segment_bytes=300, budget_bytes=700)
    for _ in range(20):
        segments.room(116)
        assert segments.append(record(100)) >= HEADER
    segments.close()
    files = segments.files()
    assert segments.removed > 0
    assert sum(path.stat().st_size for path in files) <= 700
    for path in files:
        with open_capture(path) as capture:
            assert sum(ref.packets for ref in capture.blocks(1 << 20)) == 2
    with pytest.raises(InputError, match="closed"):
        segments.append(b"")


def test_a_second_writer_goes_on_behind_the_first(tmp_path):
    first = Segments(tmp_path, "a", link=1, segment_bytes=1000, budget_bytes=10_000)
    first.append(record(10))
    first.close()
    second = Segments(tmp_path, "a", link=1, segment_bytes=1000, budget_bytes=10_000)
    assert second.path.name == "a-000002.pcap"
    second.close()
    assert [path.name for path in second.files()] == ["a-000001.pcap"]  # an empty one is none


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError):
        Segments(tmp_path / "file" / "x", "a", link=1, segment_bytes=1000, budget_bytes=10_000)


def test_evidence_of_a_wire_is_what_passed(wire, wires, tmp_path):
    frames = [
        (i * 10**6, packets.udp_frame("10.0.0.1", "10.0.0.2", 1000 + i % 60_000, 53, b"x" * (i % 300)))
        for i in range(3000)
    ]
    packets.write_pcap(tmp_path / "sent.pcap", frames)
    live = LiveCapture(wire.interface, SensorSettings(), path="x", session="s", most=len(frames))
    folder = tmp_path / "evidence"
    segments = Segments(folder, "gate", link=live.link, segment_bytes=200_000, budget_bytes=1 << 30)
    wire.send(tmp_path / "sent.pcap")
    for block in live.blocks(threading.Event()):
        segments.room(len(block.data))
        segments.append(block.data)
    assert live.dropped == 0
    live.close()
    segments.close()
    kept = [data for path in segments.files() for _, data, _ in wires.records(path.read_bytes())]
    assert kept == [data for _, data in frames]
