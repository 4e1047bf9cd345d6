"""Blocks to batches: batch sizes, formats, counts, address resolution, the shared captures."""

from __future__ import annotations

import csv
import random
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citywall.addresses import to_text, to_words
from citywall.batches import (
    ARP_REPLY,
    ARP_REQUEST,
    ERROR,
    EVENT,
    ND_ADVERT,
    ND_SOLICIT,
    OTHER_SENDER,
    PACKET,
    REASONS,
)
from citywall.domains import Domains, DomainSettings
from citywall.i18n import catalogue
from citywall.scratch import Scratch
from ingest.capture import WALK_ERRORS, BlockRef, DecodeCounts, decode_block, link_events, open_capture

T0 = 1_700_000_000 * 10**9
DOMAINS = Domains(DomainSettings())


def frames(seed: int, count: int):
    rng = random.Random(seed)
    for _ in range(count):
        head = struct.pack(">BBHHHBBH", 0x45, 0, 60, 1, 0, 64, rng.choice([6, 17, 1]), 0)
        yield bytes(12) + rng.choice([b"\x08\0", b"\x86\xdd", b"\x12\x34"]) + head + rng.randbytes(48)


def test_every_error_has_its_words():
    for name in (*REASONS, *WALK_ERRORS, "slow_path"):
        assert f"reason.{name}" in catalogue()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), count=st.integers(0, 80), nano=st.booleans())
def test_rows_do_not_depend_on_batch_or_block_size_or_format(writing, read_all, seed, count, nano):
    records = [writing.Record(T0 + i * 10**6, f, len(f) + i % 3) for i, f in enumerate(frames(seed, count))]
    seen = []
    for make in (writing.pcap, writing.pcapng):
        for big in (False, True):
            for batch, block in ((1, 4096), (7, 500), (4096, 1 << 20)):
                rows, counts, _ = read_all(make(records, big=big, nano=nano), batch=batch, block_bytes=block)
                same = [rows[n].tolist() for n in PACKET.names if n != "offset"]
                seen.append((same, counts, sorted(rows["offset"].tolist()) == rows["offset"].tolist()))
    assert all(s == seen[0] for s in seen)
    assert seen[0][2]
    assert seen[0][1].packets == count


def test_batches_are_full_and_own_their_rows(writing, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(writing.pcap([writing.Record(T0 + i * 1000, f) for i, f in enumerate(frames(1, 20))]))
    with open_capture(path) as file:
        (ref,) = file.blocks(1 << 20)
        batches = list(decode_block(ref, file.buffer, 7))
        assert [len(b) for b in batches] == [7, 7, 6]
        assert np.concatenate(batches)["time"].tolist() == [T0 + i * 1000 for i in range(20)]
        # offsets are absolute: the rows' bytes are in the file's buffer
        at, size = int(batches[1][0]["offset"]), int(batches[1][0]["captured"])
        assert file.buffer[at : at + size].tobytes() == list(frames(1, 20))[7]


def test_batches_in_room_that_is_given_are_the_same_and_overwrite_each_other(writing, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(writing.pcap([writing.Record(T0 + i * 1000, f) for i, f in enumerate(frames(1, 20))]))
    with open_capture(path) as file:
        (ref,) = file.blocks(1 << 20)
        room = Scratch(PACKET)
        for owned, lent in zip(
            decode_block(ref, file.buffer, 7), decode_block(ref, file.buffer, 7, None, room), strict=True
        ):
            assert np.array_equal(owned, lent)
            assert not np.shares_memory(owned, lent)
            assert np.shares_memory(lent, room.take(len(lent)))


def test_references_survive_the_journey(writing, read_all):
    import msgspec

    data = writing.pcapng([writing.Record(T0, f) for f in frames(2, 5)])
    _, _, (ref,) = read_all(data)
    assert msgspec.json.decode(msgspec.json.encode(ref), type=BlockRef) == ref
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(ref), type=BlockRef) == ref


def test_counts_name_what_was_met(writing, read_all):
    cut = bytes(12) + b"\x08\0" + b"\x45" + bytes(10)
    _, counts, _ = read_all(writing.pcap([writing.Record(T0, cut), writing.Record(T0, b"short")])[:-1])
    assert counts == DecodeCounts(
        packets=1, skipped_bytes=20, errors={"ipv4_header_truncated": 1, "record_truncated": 1}
    )
    counts.merge(DecodeCounts(2, 1, 3, {"record_truncated": 4, "arp_truncated": 1}))
    assert counts == DecodeCounts(
        3, 1, 23, {"ipv4_header_truncated": 1, "record_truncated": 5, "arp_truncated": 1}
    )


# Address resolution


def arp(operation, sha, spa, tha, tpa, tag=b""):
    body = struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + sha + spa + tha + tpa
    return bytes(12) + tag + b"\x08\x06" + body


def test_arp_that_another_card_sent_is_marked(writing, read_all):
    body = arp(2, MAC_B, IP_B, MAC_A, IP_A)[12:]
    tagged = struct.pack(">HH", 0x8100, 100) + body
    records = [MAC_A + MAC_B + body, MAC_A + MAC_A + body, MAC_A + MAC_A + tagged, bytes(12) + body]
    data = writing.pcap([writing.Record(T0 + i, r) for i, r in enumerate(records)])
    rows, _, _ = read_all(data)
    events = link_events(np.frombuffer(data, np.uint8), rows, 1, DOMAINS)
    assert events["flags"].tolist() == [0, OTHER_SENDER, OTHER_SENDER, 0]
    assert events["answers"].tolist() == [0, 0x02000000000A, 0x02000000000A, 0]
    assert set(events["src_mac"].tolist()) == {0x02000000000B}


def nd(kind, src, dst, target, options=b""):
    body = bytes([kind, 0, 0, 0]) + bytes(4) + target + options
    return bytes(12) + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, len(body), 58, 255) + src + dst + body


def words(address):
    hi, lo = to_words(address)
    return hi.to_bytes(8, "big") + lo.to_bytes(8, "big")


MAC_A, MAC_B = b"\x02\0\0\0\0\x0a", b"\x02\0\0\0\0\x0b"
IP_A, IP_B = b"\x0a\0\0\x05", b"\x0a\0\0\x06"


def test_link_events(writing, read_all):
    six = [words("fe80::1"), words("fe80::2"), words("ff02::1:ff00:2")]
    records = [
        bytes(60),
        arp(1, MAC_A, IP_A, bytes(6), IP_B),
        arp(2, MAC_B, IP_B, MAC_A, IP_A, tag=struct.pack(">HH", 0x8100, 100)),
        arp(9, MAC_B, IP_B, MAC_A, IP_A),  # inverse ARP: neither
        nd(135, six[0], six[2], six[1], b"\x0e\1" + bytes(6) + b"\1\1" + MAC_A),
        nd(136, six[1], six[0], six[1], b"\2\1" + MAC_B),
        nd(136, six[1], six[0], six[1], b"\2\0" + MAC_B),  # an option of no length ends the list
        nd(136, six[1], six[0], six[1])[:-9],  # target not captured
        nd(133, six[1], six[0], six[1]),
    ]
    data = writing.pcap([writing.Record(T0 + i * 1000, r) for i, r in enumerate(records)])
    rows, _, _ = read_all(data)
    buffer = np.frombuffer(data, np.uint8)
    events = link_events(buffer, rows, 5, DOMAINS)
    assert events.dtype == EVENT
    assert events["kind"].tolist() == [ARP_REQUEST, ARP_REPLY, ND_SOLICIT, ND_ADVERT, ND_ADVERT]
    assert events["frame"].tolist() == [6, 7, 9, 10, 11]
    assert events["time"].tolist() == [T0 + i * 1000 for i in (1, 2, 4, 5, 6)]
    ends = [
        (to_text(int(e["src_hi"]), int(e["src_lo"])), to_text(int(e["dst_hi"]), int(e["dst_lo"])))
        for e in events
    ]
    assert ends == [
        ("10.0.0.5", "10.0.0.6"), ("10.0.0.6", "10.0.0.5"), ("fe80::1", "fe80::2"),
        ("fe80::2", "fe80::1"), ("fe80::2", "fe80::1"),
    ]  # fmt: skip
    assert events["src_mac"].tolist() == [0x02000000000A, 0x02000000000B, 0x02000000000A, 0x02000000000B, 0]
    assert events["dst_mac"].tolist() == [0, 0x02000000000A, 0, 0, 0]
    assert events["vlan"].tolist() == [0, 100, 0, 0, 0]
    assert events["domain"].tolist() == [0, 100, 0, 0, 0]
    assert len(link_events(buffer, rows[:1], 1, DOMAINS)) == 0


@pytest.mark.parametrize("by_vlan", [False, True])
def test_event_domains_are_those_of_the_settings(writing, read_all, by_vlan):
    domains = Domains(DomainSettings(by_vlan=by_vlan, vlans={"5": "tax", "7.5": "land", "4000": "tax"}))
    tags = [0, 4, 5, 6, 4000, 7 << 12 | 5]
    records = []
    for vlan in tags:
        tag = b"".join(struct.pack(">HH", 0x8100, t) for t in ([vlan >> 12] * (vlan > 4095) + [vlan & 4095]))
        records.append(writing.Record(T0, arp(1, MAC_A, IP_A, bytes(6), IP_B, tag=tag if vlan else b"")))
    data = writing.pcap(records)
    rows, _, _ = read_all(data)
    events = link_events(np.frombuffer(data, np.uint8), rows, 1, domains)
    assert events["vlan"].tolist() == tags
    assert events["domain"].tolist() == [domains.of_vlan(v) for v in tags]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_mutated_address_resolution_stays_in_bounds(writing, read_all, seed):
    rng = random.Random(seed)
    six = [words("fe80::1"), words("fe80::2")]
    records = []
    for _ in range(30):
        frame = bytearray(rng.choice([
            arp(rng.randrange(4), MAC_A, IP_A, MAC_B, IP_B),
            nd(rng.choice([135, 136]), *six, six[1], rng.randbytes(16) + b"\2\1" + MAC_B),
        ]))  # fmt: skip
        frame[rng.randrange(14, len(frame))] = rng.randrange(256)
        records.append(writing.Record(T0, bytes(frame[: rng.randrange(14, len(frame) + 1)])))
    data = writing.pcap(records)
    rows, _, _ = read_all(data)
    events = link_events(np.frombuffer(data, np.uint8), rows, 1, DOMAINS)
    assert len(events) <= len(rows)
    assert set(events["kind"].tolist()) <= {1, 2, 3, 4}
    for e in events:
        row = rows[e["frame"] - 1]
        assert row["offset"] == e["offset"]
        frame = data[row["offset"] : row["offset"] + row["captured"]]
        assert e["src_mac"] == 0 or int(e["src_mac"]).to_bytes(6, "big") in frame


# Real captures


def test_shared_captures_have_the_packets_their_manifest_says(shared_data):
    folder = shared_data / "captures"
    with (folder / "MANIFEST.csv").open(newline="") as text:
        listed = [row for row in csv.DictReader(text) if row["file"].startswith("pcap/")]
    assert len(listed) == 60
    total = 0
    for row in listed:
        counts = DecodeCounts()
        with open_capture(folder / row["file"]) as file:
            for ref in file.blocks(1 << 20):
                for packets in decode_block(ref, file.buffer, 4096, counts):
                    assert not np.any(packets["status"] == ERROR)
        assert counts.packets == int(row["packets_or_records"]), row["file"]
        assert (counts.errors, counts.skipped_bytes) == ({}, 0), row["file"]
        total += counts.packets
    assert total == 173_132


def test_shared_captures_decode_as_the_oracle_says(shared_data, plain):
    for name in (
        "evasion/frag-1.pcap", "benign/http_ipv6.pcap", "benign/Teredo.pcap", "dos/rsmurf6.pcap",
        "arp-spoof/arppoison.pcapng", "lateral/LM_WMI_ProcessCallCreate.pcapng",
    ):  # fmt: skip
        with open_capture(shared_data / "captures" / "pcap" / name) as file:
            for ref in file.blocks(1 << 16):
                link = ref.section.interfaces[0].link
                for packets in decode_block(ref, file.buffer, 512):
                    for row in packets:
                        data = file.buffer[row["offset"] : row["offset"] + row["captured"]].tobytes()
                        got = {n: int(row[n]) for n in plain.FIELDS}
                        assert got == plain.decode(data, int(row["wire"]), link)
