"""The walk against a plain Python walk, on sound, corrupt and mutated captures."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

T0 = 1_700_000_000 * 10**9
LIMITS = {
    "max_examples": 40,
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
}


def make(w, rng: random.Random, count: int, longest: int = 200):
    time, records = T0, []
    for _ in range(count):
        time += rng.randrange(10**9)
        data = rng.randbytes(rng.randrange(1, longest))
        records.append(w.Record(time // 1000 * 1000, data, len(data) + rng.randrange(3)))
    return records


def as_tuples(rows):
    return list(zip(*(rows[name].tolist() for name in ("offset", "captured", "wire", "time")), strict=True))


@settings(**LIMITS)
@given(
    seed=st.integers(0, 2**32), count=st.integers(0, 60), big=st.booleans(), nano=st.booleans(),
    block=st.sampled_from([100, 1000, 1 << 20]), batch=st.sampled_from([1, 7, 4096]),
)  # fmt: skip
def test_sound_pcap(writing, read_all, seed, count, big, nano, block, batch):
    data = writing.pcap(make(writing, random.Random(seed), count), big=big, nano=nano)
    expected = writing.PcapOracle(data, 1 << 20).walk()
    rows, counts, refs = read_all(data, block_bytes=block, batch=batch)
    assert not expected.errors
    assert as_tuples(rows) == expected.records
    assert set(counts.errors).isdisjoint({"corrupt_record_length", "record_truncated"})
    assert counts.packets == count
    assert counts.skipped_bytes == 0
    assert [r.first_frame for r in refs] == [1 + sum(q.packets for q in refs[:i]) for i in range(len(refs))]
    assert sum(r.length for r in refs) == len(data) - 24
    assert [r.index for r in refs] == list(range(len(refs)))
    if count:
        assert max(r.newest for r in refs) == max(e[3] for e in expected.records)


@settings(**LIMITS)
@given(
    seed=st.integers(0, 2**32), hits=st.integers(1, 6), cut=st.integers(0, 40), big=st.booleans(),
    block=st.sampled_from([100, 1000, 1 << 20]),
)  # fmt: skip
def test_mutated_pcap_is_as_the_oracle_walks_it_and_every_byte_is_accounted(
    writing, read_all, seed, hits, cut, big, block
):
    rng = random.Random(seed)
    data = bytearray(writing.pcap(make(writing, rng, 40), big=big))
    for _ in range(hits):
        at = rng.randrange(24, len(data))
        data[at] = rng.choice([0, 0xFF, rng.randrange(256)])
    data = bytes(data[: len(data) - cut])
    expected = writing.PcapOracle(data, 4096).walk()
    rows, counts, refs = read_all(data, block_bytes=block, max_record=4096)
    assert as_tuples(rows) == expected.records
    walked = {k: v for k, v in counts.errors.items() if k in ("corrupt_record_length", "record_truncated")}
    assert walked == expected.errors
    assert counts.skipped_bytes == expected.skipped
    assert 24 + int(rows["captured"].sum()) + 16 * len(rows) + counts.skipped_bytes == len(data)
    assert sum(r.length for r in refs) + counts.skipped_bytes == len(data) - 24


def test_lanes_give_what_a_plain_walk_gives(writing, read_all):
    rng = random.Random(5)
    data = bytearray(writing.pcap(make(writing, rng, 4000, longest=600)))
    assert len(data) > 16 * 16384 * 2
    for corrupt in (False, True):
        if corrupt:
            clean = writing.PcapOracle(bytes(data), 4096).walk().records
            for i in (1000, 1001, 2500, 3900):
                at = clean[i][0] - 8
                data[at : at + 4] = b"\xff\xff\xff\x7f"
        expected = writing.PcapOracle(bytes(data), 4096).walk()
        assert bool(expected.errors) == corrupt
        for block in (1 << 16, 1 << 19, 1 << 24):
            rows, counts, _ = read_all(bytes(data), block_bytes=block, max_record=4096)
            assert as_tuples(rows) == expected.records
            assert counts.skipped_bytes == expected.skipped


def test_pcapng_lanes_and_pcap_give_the_same_rows(writing, read_all):
    records = make(writing, random.Random(6), 4000, longest=600)
    for big in (False, True):
        plain, _, _ = read_all(writing.pcap(records))
        rows, _, refs = read_all(writing.pcapng(records, big=big), block_bytes=1 << 19)
        assert len(refs) == 3  # the first is walked plainly, since it begins with headers
        for name in set(plain.dtype.names) - {"offset"}:
            assert np.array_equal(plain[name], rows[name]), name


def test_corrupt_length_in_the_middle(writing, read_all):
    records = make(writing, random.Random(7), 100)
    data = bytearray(writing.pcap(records))
    places = writing.PcapOracle(bytes(data), 1 << 20).walk().records
    at = places[50][0] - 16
    for length in (b"\xff\xff\xff\xff", b"\0\0\x08\0", b"\x00\x01\x00\x00", b"\x01\0\0\0"):
        data[at + 8 : at + 12] = length
        rows, counts, refs = read_all(bytes(data))
        assert counts.errors["corrupt_record_length"] == 1
        assert len(rows) in (99, 100)  # a length too small still gives a row, and then nonsense
        assert rows["offset"][:50].tolist() == [p[0] for p in places[:50]]
        assert rows["offset"][-49:].tolist() == [p[0] for p in places[51:]]
        told = [place for ref in refs for place in ref.places]
        assert len(told) == 1
        assert told[0][0] == "corrupt_record_length"
        assert at <= told[0][1] <= at + 17


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_truncated_last_record(writing, read_all, cut):
    records = make(writing, random.Random(8), 10)
    records[-1] = writing.Record(records[-1].time, b"x" * 10)
    data = writing.pcap(records)[:-cut]
    rows, counts, refs = read_all(data)
    assert len(rows) == 9
    assert counts.errors["record_truncated"] == 1
    assert counts.skipped_bytes == 26 - cut
    assert refs[-1].packets == 0
    assert refs[-1].places == (("record_truncated", len(data) - 26 + cut),)


def test_only_a_truncated_record_still_tells(writing, read_all):
    rows, counts, refs = read_all(writing.pcap([writing.Record(T0, b"abc")])[:-1])
    assert len(rows) == 0
    assert counts.errors == {"record_truncated": 1}
    assert len(refs) == 1


def test_zeros_at_the_end_are_one_corruption_and_no_packets(writing, read_all):
    rows, counts, _ = read_all(writing.pcap(make(writing, random.Random(9), 10)) + b"\0" * 5000)
    assert len(rows) == 10
    assert counts.errors["corrupt_record_length"] == 1
    assert counts.skipped_bytes == 5000


def test_odd_headers_that_chain_are_read(writing, read_all):
    # Lengths the wrong way round, times out of order by years: strange tools write such files.
    records = [writing.Record(T0 * (i % 2), b"y" * 60, 20) for i in range(50)]
    rows, counts, _ = read_all(writing.pcap(records))
    assert len(rows) == 50
    assert "corrupt_record_length" not in counts.errors
    assert rows["wire"].tolist() == [60] * 50


def test_a_record_that_alone_leaps_in_time_does_not_make_its_neighbours_odd(writing, read_all):
    records = make(writing, random.Random(12), 6)
    records[1] = writing.Record(records[1].time - 20 * 365 * 86_400 * 10**9, b"y" * 60)
    damaged = writing.pcap(records) + b"\xff" * 200
    for block in (1, 1 << 20):
        rows, counts, _ = read_all(damaged, block_bytes=block)
        assert len(rows) == 6
        assert counts.errors["corrupt_record_length"] == 1


def test_a_capture_inside_a_packet_does_not_capture_the_walk(writing, read_all):
    inner = writing.pcap([writing.Record(10**9 * i, b"i" * 10) for i in range(40)])
    records = make(writing, random.Random(10), 30)
    records[10] = writing.Record(records[10].time, inner)
    data = bytearray(writing.pcap(records))
    at = data.index(inner) - 16
    data[at + 8 : at + 12] = b"\xff\xff\xff\x7f"
    rows, counts, _ = read_all(bytes(data))
    assert len(rows) == 29
    assert counts.errors["corrupt_record_length"] == 1
    assert rows["time"].min() >= T0


def test_pcapng_blocks_of_all_kinds(writing, read_all):
    w = writing
    r = [w.Record(T0 + i * 10**6, bytes([i]) * (20 + i)) for i in range(12)]
    five = {True: struct.pack(">q", 5), False: struct.pack("<q", 5)}
    for big in (False, True):
        other = not big
        data = b"".join([
            w.section(big=big, options=w.option(4, b"tests", big=big)),
            w.interface(1, big=big),
            w.interface(101, snap=24, big=big, options=w.option(9, b"\x09", big=big)),
            w.enhanced(r[0], 0, big=big, options=w.option(1, b"comment", big=big)),
            w.block(4, b"\0\0\0\0", big=big),  # names
            w.enhanced(r[1], 1, big=big, ticks=r[1].time),
            w.block(0x7777, b"whatever", big=big),  # nobody knows
            w.obsolete(r[2], 0, big=big),
            w.simple(r[3], big=big),
            w.enhanced(r[4], 5, big=big),  # no such interface
            w.block(5, b"\0" * 12, big=big),  # statistics
            w.block(6, b"\0" * 16, big=big),  # too short to be one
            w.interface(228, big=big, options=w.option(9, b"\x80", big=big)),
            w.enhanced(r[5], 2, big=big, ticks=1_700_000_001),
            w.section(big=other),
            w.interface(229, big=other, options=w.option(14, five[other], big=other)),
            w.enhanced(r[6], 0, big=other),
        ])  # fmt: skip
        rows, counts, refs = read_all(data)
        assert len(rows) == 7
        assert rows["captured"].tolist() == [20, 21, 22, 23, 24, 25, 26]
        expected = [r[0].time, r[1].time, r[2].time, 0, 0, 1_700_000_001 * 10**9, r[6].time + 5 * 10**9]
        assert rows["time"].tolist() == expected
        assert counts.errors["unknown_block"] == 1
        assert counts.errors["packet_block_short"] == 1
        assert counts.errors["interface_unknown"] == 1
        assert len(refs) == 2
        assert refs[1].section.big_endian is other
        assert [i.link for i in refs[0].section.interfaces] == [1, 101, 228]


def test_packets_before_their_interface_do_not_know_it(writing, read_all):
    w = writing
    packet = w.enhanced(w.Record(T0, b"\0" * 40))
    rows, counts, _ = read_all(w.section() + packet + w.interface(1) + packet)
    assert counts.errors["interface_unknown"] == 1
    assert rows["time"].tolist() == [0, T0]


def test_captured_length_beyond_the_block_is_clipped(writing, read_all):
    w = writing
    packet = bytearray(w.enhanced(w.Record(T0, b"\0" * 40)))
    packet[20:24] = b"\xff\xff\xff\xff"
    rows, counts, _ = read_all(w.section() + w.interface(1) + bytes(packet))
    assert rows["captured"].tolist() == [40]
    assert counts.errors["captured_length_wrong"] == 1


def test_simple_blocks_keep_to_the_snap_length(writing, read_all):
    w = writing
    record = w.Record(T0, b"\0" * 40, 1000)
    rows, _, _ = read_all(w.section() + w.interface(1, snap=38) + w.simple(record))
    assert rows["captured"].tolist() == [38]
    assert rows["wire"].tolist() == [1000]


def test_corrupt_pcapng_goes_on_at_the_next_block(writing, read_all):
    w = writing
    records = make(w, random.Random(11), 60)
    head = w.section() + w.interface(1)
    blocks = [w.enhanced(r) for r in records]
    for what in (b"\xff\xff\xff\xff", b"\x0d\0\0\0", b"\x08\0\0\0"):
        bad = blocks[30][:4] + what + blocks[30][8:]
        rows, counts, refs = read_all(head + b"".join(blocks[:30]) + bad + b"".join(blocks[31:]))
        assert len(rows) == 59
        assert counts.errors["corrupt_record_length"] == 1
        assert counts.skipped_bytes == len(bad)
        place = len(head) + sum(map(len, blocks[:30]))
        assert [p for ref in refs for p in ref.places] == [("corrupt_record_length", place)]
        assert rows["time"].tolist() == [r.time for i, r in enumerate(records) if i != 30]
    rows, counts, _ = read_all(head + b"".join(blocks)[:-3])
    assert len(rows) == 59
    assert counts.errors["record_truncated"] == 1


def test_a_broken_section_header_later_in_the_file(writing, read_all):
    w = writing
    packets = b"".join(w.enhanced(w.Record(T0, b"\0" * 40)) for _ in range(5))
    bad = bytearray(w.section())
    bad[8:12] = b"abcd"
    rows, counts, _ = read_all(w.section() + w.interface(1) + packets + bytes(bad) + packets)
    assert len(rows) == 10
    assert counts.errors["section_header_wrong"] == 1


@settings(**LIMITS)
@given(seed=st.integers(0, 2**32), hits=st.integers(1, 12), big=st.booleans())
def test_mutated_pcapng_never_breaks_and_counts_do_not_depend_on_block_size(
    writing, read_all, seed, hits, big
):
    rng = random.Random(seed)
    data = bytearray(writing.pcapng(make(writing, rng, 40), big=big))
    for _ in range(hits):
        data[rng.randrange(28, len(data))] = rng.choice([0, 0xFF, rng.randrange(256)])
    seen = []
    for block, batch in ((100, 1), (1000, 7), (1 << 20, 4096)):
        rows, counts, refs = read_all(bytes(data), block_bytes=block, batch=batch, max_record=4096)
        assert np.all(rows["offset"] + rows["captured"] <= len(data))
        assert len(rows) == sum(r.packets for r in refs) == counts.packets
        seen.append((rows[list(rows.dtype.names)].tolist(), counts))
    assert seen[0] == seen[1] == seen[2]


def test_many_interfaces(writing, read_all):
    w = writing
    head = w.section() + b"".join(w.interface(1) for _ in range(5000))
    rows, counts, _ = read_all(
        head + w.enhanced(w.Record(T0, b"\0" * 40), 4000) + w.enhanced(w.Record(T0, b"\0" * 40), 4500)
    )
    assert counts.errors == {"interface_limit_reached": 904, "interface_unknown": 1}
    assert rows["time"].tolist() == [T0, 0]
