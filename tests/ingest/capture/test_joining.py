"""Rolling captures become one again."""

from __future__ import annotations

import pytest

from citywall.errors import InputError, UnsupportedInput
from drills import packets
from ingest.capture import open_capture
from ingest.capture.joining import join

FRAMES = [(1_700_000_000_000_000_000 + i, bytes([i]) * 60) for i in range(9)]


def test_what_was_rolled_is_whole_again(tmp_path):
    whole = tmp_path / "whole.pcap"
    packets.write_pcap(whole, FRAMES, nanosecond=True)
    parts = []
    for i in range(3):
        parts.append(tmp_path / f"{i}.pcap")
        packets.write_pcap(parts[-1], FRAMES[3 * i : 3 * i + 3], nanosecond=True)
    made = join(parts, tmp_path / "out.pcap")
    assert (made.files, made.packets, made.errors) == (3, 9, {})
    assert (tmp_path / "out.pcap").read_bytes() == whole.read_bytes()


def test_a_file_cut_within_a_record_gives_what_is_whole(tmp_path):
    first, second = tmp_path / "a.pcap", tmp_path / "b.pcap"
    packets.write_pcap(first, FRAMES[:3], nanosecond=True)
    first.write_bytes(first.read_bytes()[:-7])
    packets.write_pcap(second, FRAMES[3:], nanosecond=True)
    made = join([first, second], tmp_path / "out.pcap")
    assert made.packets == 8
    assert sum(made.errors.values()) == 1
    with open_capture(tmp_path / "out.pcap") as capture:
        assert sum(ref.packets for ref in capture.blocks(1 << 20)) == 8


def test_what_cannot_be_joined_is_refused(tmp_path):
    first, other, new = tmp_path / "a.pcap", tmp_path / "b.pcap", tmp_path / "c.pcapng"
    packets.write_pcap(first, FRAMES, nanosecond=True)
    packets.write_pcap(other, FRAMES, nanosecond=False)
    packets.write_pcapng(new, FRAMES)
    with pytest.raises(UnsupportedInput, match="unit of time is another"):
        join([first, other], tmp_path / "out.pcap")
    with pytest.raises(UnsupportedInput, match="only pcap files"):
        join([new], tmp_path / "out.pcap")
    with pytest.raises(InputError, match="is one of the captures"):
        join([first, other], other)
    with pytest.raises(InputError, match="no capture to join"):
        join([], tmp_path / "out.pcap")
