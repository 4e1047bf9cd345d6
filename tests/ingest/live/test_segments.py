"""Rolling segments: whole captures, within a budget."""

from __future__ import annotations

import struct
import threading

import pytest

from citywall.errors import InputError
from citywall.sensors import SensorSettings
from drills import packets
from ingest.capture import open_capture
from ingest.live.reserving import STEP
from ingest.live.rolling import HEADER, Budget
from ingest.live.sealing import LiveCapture
from ingest.live.segments import Segments, between

SECOND = 1_000_000_000


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


def test_a_second_writer_goes_on_behind_the_first(tmp_path):
    first = Segments(tmp_path, "a", link=1, segment_bytes=1000, budget_bytes=10_000)
    first.append(record(10))
    assert (first.path.name, first.at) == ("a-000001.pcap", HEADER + 26)
    first.close()
    second = Segments(tmp_path, "a", link=1, segment_bytes=1000, budget_bytes=10_000)
    second.close()
    assert [path.name for path in second.files()] == ["a-000001.pcap"]  # without a record there is no file
    second = Segments(tmp_path, "a", link=1, segment_bytes=1000, budget_bytes=10_000)
    second.append(record(10))
    assert second.path.name == "a-000002.pcap"
    second.close()


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError):
        Segments(tmp_path / "file" / "x", "a", link=1, segment_bytes=1000, budget_bytes=10_000)


def timed(folder, at: int, **more) -> None:
    """A packet at second `at`."""
    segments = Segments(folder, link=1, durable=False, **more)
    segments.append(struct.pack("<4I", at, 7, 100, 100) + bytes(100))
    segments.close()


def test_without_a_name_files_are_named_by_their_first_packet(tmp_path):
    budget = Budget(600, lambda: tmp_path.glob("*/*.pcap"))
    for at in range(100, 110):
        timed(tmp_path / ("eth0", "eth1")[at % 2], at, segment_bytes=200, budget=budget)
    left = sorted(path.stem for path in tmp_path.glob("*/*.pcap"))
    assert left == [f"{at * SECOND + 7:020d}" for at in range(107, 110)]
    assert budget.removed == 7
    timed(tmp_path / "eth1", 109, segment_bytes=200, budget=budget)  # goes beside what another left
    assert len(between(tmp_path / "eth1", 109 * SECOND, 110 * SECOND)) == 2


def test_files_of_a_time(tmp_path):
    for at in (100, 200, 300, 300):
        timed(tmp_path, at, segment_bytes=120, budget_bytes=1 << 20)
    first, second, third, same = sorted(tmp_path.iterdir())
    assert between(tmp_path, 150 * SECOND, 160 * SECOND) == [first]
    assert between(tmp_path, 150 * SECOND, 250 * SECOND) == [first, second]
    assert between(tmp_path, 10 * SECOND, 20 * SECOND) == []
    assert between(tmp_path, 400 * SECOND, 500 * SECOND) == [same]
    assert third in between(tmp_path, 300 * SECOND, 301 * SECOND)
    assert between(tmp_path / "none", 0, 1) == []


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


def test_a_file_has_its_place_on_the_disk_before_it_is_written_and_no_more_after(tmp_path):
    segments = Segments(tmp_path, "a", link=101, segment_bytes=STEP // 2, budget_bytes=10 * STEP)
    segments.append(record(100))
    size, taken = segments.path.stat().st_size, segments.path.stat().st_blocks * 512
    segments.close()
    assert segments.path.stat().st_size == size == HEADER + 116
    if taken < STEP // 2:
        pytest.skip("this file system reserves nothing")
    assert segments.path.stat().st_blocks * 512 < STEP // 2
