"""Packets on a wire of our own, sealed: byte for byte what was sent, tags put back, drops told, time told."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from citywall.sensors import SensorSettings
from citywall.watermarks import BEGINNING
from drills import packets
from ingest.capture.sparse import PassingCapture
from ingest.decode.reading import decode_block
from ingest.live.sealing import BLOCK_BYTES, DOWN, DROPPED, LiveCapture

USUAL, SMALL = SensorSettings(), SensorSettings(ring_mib=1)


class Sensing:
    """A live capture in a thread. `blocks` grow meanwhile."""

    def __init__(self, interface: str, settings: SensorSettings | None = None, **more: Any) -> None:
        self.stop, self.blocks = threading.Event(), []
        self.live = LiveCapture(interface, settings or USUAL, path="sensor:gate:x", session="5e55", **more)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        self.blocks.extend(self.live.blocks(self.stop))  # extend takes them one by one

    def end(self) -> list[Any]:
        self.stop.set()
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.live.close()
        return self.blocks

    def until(self, done: Any) -> None:
        deadline = time.monotonic() + 20
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def mixed(path: Path, count: int = 400) -> Path:
    """Frames of every size, with one tag, two, another TPID, and none."""
    dice, frames = random.Random(4), []
    for i in range(count):
        tags = ((), (7,), (7, 9), (4000,))[i % 4]
        payload = dice.randbytes(dice.choice((0, 1, 30, 900, 9000, 60_000)))
        frame = packets.udp_frame("10.0.0.1", "2.2.2.2", 1000 + i, 53, payload, vlans=tags)
        frames.append((i * 10**6, frame))
    frames.append((count * 10**6, b"\x02" * 12 + b"\x08\x06" + b"short"))
    packets.write_pcap(path, frames)
    return path


def test_byte_for_byte(wire, wires, tmp_path: Path):
    path = mixed(tmp_path / "mixed.pcap")
    sent = [data for _, data, _ in wires.records(path.read_bytes())]
    sensing = Sensing(wire.interface)
    before = time.time_ns()
    wire.send(path)
    sensing.until(lambda: sensing.live.packets >= len(sent))
    after = time.time_ns()
    blocks = sensing.end()
    found = list(wires.records(b"".join(block.data for block in blocks)))
    assert [data for _, data, _ in found] == sent
    assert [wire_length for *_, wire_length in found] == [len(data) for data in sent]
    times = [at for at, *_ in found]
    assert before <= min(times)
    assert max(times) <= after
    assert any(at % 1000 for at in times)  # nanoseconds
    refs = [block.block for block in blocks]
    assert len(refs) > 3
    assert [ref.index for ref in refs] == list(range(len(refs)))
    assert all(ref.length <= BLOCK_BYTES for ref in refs)
    assert sum(ref.packets for ref in refs) == sensing.live.packets == len(sent)
    assert all(not ref.errors for ref in refs)
    offset, frame, passing, vlans = 24, 1, PassingCapture("x"), []
    for block in blocks:
        ref = block.block
        assert (ref.offset, ref.first_frame) == (offset, frame)
        offset, frame = offset + ref.length, frame + ref.packets
        passing.put(ref, block.data)
        vlans += [rows["vlan"] for rows in decode_block(ref, passing.buffer, 64)]
    tags = np.concatenate(vlans)[:400].reshape(-1, 4)
    assert tags.tolist() == [[0, 7, 7 << 12 | 9, 4000]] * 100


def test_cut_to_the_snap_length_with_the_length_kept(wire, wires, tmp_path: Path):
    path = mixed(tmp_path / "mixed.pcap", 40)
    sent = [data for _, data, _ in wires.records(path.read_bytes())]
    sensing = Sensing(wire.interface, SensorSettings(snaplen=80))
    wire.send(path)
    sensing.until(lambda: sensing.live.packets >= len(sent))
    found = list(wires.records(b"".join(block.data for block in sensing.end())))
    assert [data for _, data, _ in found] == [data[:80] for data in sent]
    assert [length for *_, length in found] == [len(data) for data in sent]


def test_a_quiet_link_tells_the_time(wire):
    sensing = Sensing(wire.interface)
    began = time.time_ns()
    sensing.until(lambda: len(sensing.blocks) >= 3)
    refs = [block.block for block in sensing.end()]
    assert all(ref.packets == ref.length == 0 for ref in refs)
    said = [ref.newest for ref in refs[:-1]]
    assert said == sorted(said)
    assert began - 10**9 < said[0] < said[-1] < time.time_ns()
    assert refs[-1].newest == BEGINNING


def test_so_many_packets_and_no_more(wire, wires, tmp_path: Path):
    path = mixed(tmp_path / "mixed.pcap", 100)
    sensing = Sensing(wire.interface, most=33)
    wire.send(path)
    sensing.thread.join(20)
    assert not sensing.thread.is_alive()
    found = list(wires.records(b"".join(block.data for block in sensing.end())))
    sent = [data for _, data, _ in wires.records(path.read_bytes())]
    assert [data for _, data, _ in found] == sent[:33]


def test_drops_are_counted_and_told(wire, wires, tmp_path: Path):
    path = mixed(tmp_path / "mixed.pcap", 400)
    live = LiveCapture(wire.interface, SMALL, path="p", session="s")
    wire.send(path)  # while nobody reads
    stop = threading.Event()
    stop.set()
    refs = [block.block for block in live.blocks(stop)]
    live.close()
    told = sum(ref.errors.get(DROPPED, 0) for ref in refs)
    assert told == live.dropped > 100
    assert live.packets + live.dropped == 401
    assert sum(ref.packets for ref in refs) == live.packets


def test_an_interface_that_goes_and_comes(wire, wires, tmp_path: Path):
    path = mixed(tmp_path / "mixed.pcap", 20)
    sensing = Sensing(wire.interface)
    wire.send(path)
    sensing.until(lambda: sensing.live.packets == 21)
    wire.unplug()
    sensing.until(lambda: any(DOWN in block.block.errors for block in sensing.blocks))
    wire.plug()
    time.sleep(1.5)  # it looks every second
    wire.send(path)
    sensing.until(lambda: sensing.live.packets == 42)
    errors = [block.block.errors for block in sensing.end() if block.block.errors]
    assert errors == [{DOWN: 1}]


@pytest.mark.parametrize("size", [1, 3, 64])
def test_rings_of_any_size(wire, wires, tmp_path: Path, size: int):
    path = mixed(tmp_path / "mixed.pcap", 20)
    sensing = Sensing(wire.interface, msgspec.structs.replace(SMALL, ring_mib=size))
    wire.send(path)
    sensing.until(lambda: sensing.live.packets == 21)
    assert len(list(wires.records(b"".join(b.data for b in sensing.end())))) == 21
