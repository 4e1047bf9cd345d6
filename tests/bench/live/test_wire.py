"""Our own wire: what is sent comes in, at the rate that was asked for."""

from __future__ import annotations

import time

from drills import packets


def test_frames_arrive_at_a_rate(wire, tmp_path):
    path = tmp_path / "some.pcap"
    frame = bytes.fromhex("ffffffffffff0200000000010806") + bytes(46)
    packets.write_pcap(path, [(i * 1000, frame) for i in range(300)])
    began = time.monotonic()
    assert wire.sending(path, rate=600, times=2).wait(60) == 0
    assert time.monotonic() - began > 0.9
    assert wire.arrived() == 600


def test_records_of_both_units(wires, tmp_path):
    path = tmp_path / "some.pcap"
    packets.write_pcap(path, [(5_000_000_007, b"x" * 60)], nanosecond=True)
    assert list(wires.records(path.read_bytes())) == [(5_000_000_007, b"x" * 60, 60)]
