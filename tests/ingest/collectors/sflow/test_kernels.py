"""sFlow samples become records, and none lies outside its datagram."""

from __future__ import annotations

import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import PACKET
from ingest.collectors import kernels as k
from ingest.collectors.datagrams import bare
from ingest.collectors.decoder import Decoder
from ingest.collectors.sflow import kernels as sflow_kernels
from tests.exporters import sample, sflow


def udp(src: bytes, dst: bytes, sport: int, dport: int) -> bytes:
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + src + dst
    return bytes(12) + b"\x08\0" + ip + struct.pack(">HHHH", sport, dport, 8, 0)


FRAME = udp(bytes([10, 0, 0, 9]), bytes([10, 0, 0, 2]), 5353, 53)


def test_a_sampled_frame_is_a_record_of_one_packet_times_the_rate():
    for kind, v6 in ((1, False), (3, True)):
        out = Decoder().decode(bare([sflow(sample(FRAME, rate=512, wire=1500, kind=kind), v6=v6)], time=9))
        (row,) = out.records
        assert (row["src_lo"] & 0xFFFFFFFF, row["dst_lo"] & 0xFFFFFFFF) == (0x0A000009, 0x0A000002)
        assert (row["src_port"], row["dst_port"], row["proto"]) == (5353, 53, 17)
        assert (row["src_packets"], row["src_bytes"], row["first"], row["sampled"]) == (512, 512 * 28, 9, 1)


def test_samples_that_give_addresses_and_no_header():
    body = struct.pack(">II4s4sIIII", 900, 6, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), 1000, 443, 2, 0)
    record = struct.pack(">II", 3, len(body)) + body
    raw = struct.pack(">IIIIIIII", 1, 3, 4, 100, 0, 1, 2, 1) + record
    out = Decoder().decode(bare([sflow(struct.pack(">II", 1, len(raw)) + raw)], time=1))
    (row,) = out.records
    assert (row["src_port"], row["dst_port"], row["src_flags"], row["src_bytes"]) == (1000, 443, 2, 3600)


def test_counters_and_unknown_samples_are_passed_over_and_broken_ones_named():
    counters = struct.pack(">III", 2, 4, 0)
    vendors = struct.pack(">III", 4096 << 12 | 1, 4, 0)
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    out = Decoder().decode(bare([sflow(counters, vendors, sample(arp), sample(FRAME))], time=1))
    assert (len(out.records), out.errors.counts, out.heads["records"][0]) == (1, {}, 4)
    assert out.notes["samples_not_ip"] == 1
    broken = sflow(sample(FRAME))[:-8]
    assert Decoder().decode(bare([broken], time=1)).errors.counts == {"sample_length_wrong": 1}


GOOD = [sflow(sample(FRAME), sample(FRAME, kind=3)), sflow(sample(FRAME), v6=True)]


@settings(max_examples=80)
@given(st.sampled_from(GOOD), st.data())
def test_samples_lie_inside_their_datagram(good, data):
    raw = bytearray(good)
    for _ in range(data.draw(st.integers(0, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))]
    buffer = np.frombuffer(b"\xee" * 7 + bytes(raw) + b"\xee" * 7, np.uint8)
    starts, ends = np.array([7], np.int64), np.array([7 + len(raw)], np.int64)
    heads, sets = np.zeros(1, k.HEAD), np.zeros(len(raw) + 1, k.SET)
    k.walk(buffer, starts, ends, heads, sets)
    found = np.zeros(len(raw) // 24 + 1, sflow_kernels.SAMPLE)
    found = found[: sflow_kernels.samples(buffer, starts, ends, heads, found)]
    assert ((found["start"] >= 7) & (found["start"] + found["captured"] <= ends[0])).all()
    out, none = np.zeros(len(found) + 1, k.HALF), np.zeros((0, 3), np.int64)
    m = sflow_kernels.sampled(
        buffer, found, np.zeros(len(found), PACKET), heads, np.zeros(1, np.int32), np.ones(1, np.int64), none,
        np.zeros(32, np.int64), np.zeros(k.COLUMNS, np.uint64), out,
    )  # fmt: skip
    assert m <= len(found)
