"""Fragments against a plain oracle, however packets are cut into batches, and against what they may cost."""

from __future__ import annotations

import random
import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import (
    DATAGRAM_ABANDONED,
    EVENT_NAMES,
    FRAGMENT,
    FRAGMENT_IGNORED,
    NOT_IP,
    PACKET,
    REASONS,
    REBUILT,
    TRANSPORT,
)
from citywall.fragmentsettings import FragmentSettings
from ingest.decode import kernels as decode
from ingest.fragments.assembler import Assembler, compile_fragments
from ingest.fragments.layout import POLICIES, new_store
from ingest.reassembly.layout import POLICIES as STREAM_POLICIES

SECOND = 10**9
T0 = 1_700_000_000 * SECOND


def v4(src, dst, ident, offset, more, data, proto=17):
    word = offset // 8 | (0x2000 if more else 0)
    ends = bytes([10, 0, 0, src, 10, 0, 0, dst])
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(data), ident, word, 64, proto, 0) + ends + data


def v6(src, dst, ident, offset, more, data, proto=17, before=b""):
    """`before` are the bytes of one options header in front of the fragment header, but its first."""
    fragment = struct.pack(">BBHI", proto, 0, offset | more, ident) + data
    chain = bytes([44]) + before + fragment if before else fragment
    ends = b"\x20\1" + bytes(13) + bytes([src]) + b"\x20\1" + bytes(13) + bytes([dst])
    return struct.pack(">IHBB", 6 << 28, len(chain), 0 if before else 44, 64) + ends + chain


def capture(packets):
    """(time, bytes, bytes captured) as raw IP records: (PACKET rows, the buffer they are in)."""
    records = [
        struct.pack("<IIII", *divmod(time, SECOND), cut, len(data)) + data[:cut]
        for time, data, cut in packets
    ]
    buffer = np.frombuffer(b"".join(records), np.uint8)
    rows = np.empty(len(packets), PACKET)
    n, _, _ = decode.decode_pcap(
        buffer, 0, len(buffer), np.uint64(0), False, 1, 101, rows, np.zeros(len(REASONS), np.int64)
    )
    assert n == len(packets)
    return rows, buffer


def udp(rng, size):
    return struct.pack(">HHHH", rng.choice([53, 9999]), 5000, 8 + size, 0) + rng.randbytes(size)


def cuts(rng, size):
    edges = sorted({0, size, *(8 * rng.randrange(size // 8 + 1) for _ in range(rng.choice([1, 2, 2, 3, 9])))})
    return list(pairwise(edges))


def datagram(rng):
    """The packets of one datagram: mostly right, sometimes twice, altered, overlapping, cut or wrong."""
    make = rng.choice([v4, v4, v6])
    ends, ident = (rng.randrange(1, 4), rng.randrange(1, 4)), rng.randrange(6)
    proto = rng.choice([17, 17, 6, 1])
    data = udp(rng, rng.choice([20, 90, 600, 3000]))
    kind = {"proto": proto}
    if make is v6 and rng.random() < 0.3:
        kind["before"] = bytes([0, 1, 4, 0, 0, 0, 0])
    pieces = [(start, end < len(data), data[start:end]) for start, end in cuts(rng, len(data))]
    for _ in range(rng.choice([0, 0, 1, 3])):
        start = 8 * rng.randrange(len(data) // 8 + 1)
        length = rng.choice([8, 16, 24, 400])
        part = rng.choice([data[start : start + length], rng.randbytes(length)])
        pieces.append((rng.choice([start, start, 65528]), rng.random() < 0.7, part))
    if rng.random() < 0.3:
        pieces.append(rng.choice(pieces))
    if rng.random() < 0.6:
        rng.shuffle(pieces)
    if rng.random() < 0.2:
        pieces.pop()
    packets = [make(*ends, ident, *piece, **kind) for piece in pieces]
    return [(p, len(p) if rng.random() < 0.95 else rng.randrange(20, len(p) + 1)) for p in packets]


def scene(rng):
    """Several datagrams among one another, with whole packets between, over some time."""
    lanes = [lane for _ in range(rng.randrange(1, 9)) if (lane := datagram(rng))]  # not all of it lost
    lanes.append([(v4(9, 9, 0, 0, False, udp(rng, 4)), 32)] * 3)
    time, packets = T0, []
    while lanes:
        lane = rng.choice(lanes)
        packets.append((time, *lane.pop(0)))
        time += rng.choice([0, 1000, SECOND, SECOND, -SECOND, 25 * SECOND])
        lanes = [lane for lane in lanes if lane]
    return packets


def told(assembler, rows, buffer, sizes, restore=None):
    """Everything that an assembler says, in one piece."""
    flows, whole, events, told_at, frame = [], {}, [], [], 1
    edges = [0, *sizes, len(rows)]
    for n, (start, end) in enumerate(pairwise(edges)):
        if restore is not None and n == 1:
            fresh = restore()
            fresh.restore({k: np.array(v) for k, v in assembler.snapshot().items()})
            assembler = fresh
        made = assembler.add(rows[start:end].copy(), frame, buffer)
        frames = made.frames if len(made.frames) else np.arange(frame, frame + end - start)
        flows += [(int(f), r) for f, r in zip(frames, made.rows, strict=True) if r["status"] != NOT_IP]
        own = made.rows["time"][made.rows["captured"] > 0] if len(made.frames) else made.rows["time"]
        assert own.tolist() == rows["time"][start:end].tolist()  # every packet's time passes in its place
        for i in np.flatnonzero(made.whole["marks"] & REBUILT):
            w = made.whole[i]
            whole[frame + int(i)] = (made.tail[w["offset"] : w["offset"] + w["captured"]].tobytes(), w)
            w["offset"] = 0  # where in the tail it lies depends on what came with it
        events += [(int(e["kind"]), int(e["frame"])) for e in made.events]
        assert len(made.whole) == end - start
        told_at += [int(at) + frame for at in made.told_at]
        frame += end - start
    made = assembler.end(0)
    flows += [(int(f), r) for f, r in zip(made.frames, made.rows, strict=True)]
    assert told_at == sorted(told_at)
    return flows, whole, events + [(int(e["kind"]), int(e["frame"])) for e in made.events], assembler.counts


KEY = ("ports", "hash", "reversed", "a_hi", "a_lo", "b_hi", "b_lo")


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**48), policy=st.sampled_from(POLICIES))
def test_fragments_are_as_the_oracle_says(datagrams, seed, policy):
    rng = random.Random(seed)
    packets = scene(rng)
    rows, buffer = capture(packets)
    setting = FragmentSettings(policy=policy, timeout_s=60, memory_mib=1)
    flows, whole, events, counts = told(Assembler(setting), rows, buffer, [])
    oracle = datagrams.Plain(policy, 60 * SECOND)
    for frame, (row, (_, data, cut)) in enumerate(zip(rows, packets, strict=True), 1):
        oracle.take(frame, row, data[:cut])
    oracle.end()
    assert {frame: data for frame, (data, _) in whole.items()} == oracle.whole
    assert sorted(events) == sorted(oracle.events)
    assert [frame for frame, _ in flows] == [frame for frame, _, _ in oracle.rows]
    assert sorted(frame for frame, _ in flows) == list(range(1, len(packets) + 1))  # each counts, and once
    for (frame, got), (_, flow, own) in zip(flows, oracle.rows, strict=True):
        assert all(got[name] == flow[name] for name in KEY), frame
        assert got["ip_bytes"] == rows[frame - 1]["ip_bytes"]
        assert got["captured"] == (rows[frame - 1]["captured"] if own else 0)
    assert counts.get("rebuilt", 0) == len(whole)
    sizes = sorted(rng.randrange(len(packets) + 1) for _ in range(3))
    again = told(Assembler(setting), rows, buffer, sizes, lambda: Assembler(setting))
    assert repr(again) == repr((flows, whole, events, counts))


def assembled(packets, **given):
    rows, buffer = capture([(time, data, len(data)) for time, data in packets])
    return told(Assembler(FragmentSettings(**given)), rows, buffer, [])


@pytest.mark.parametrize("make", [v4, v6])
def test_a_datagram_is_read_as_if_it_had_come_whole(make):
    data = udp(random.Random(1), 3000)
    packets = [
        (T0, make(1, 2, 7, at, at + 800 < len(data), data[at : at + 800])) for at in range(0, len(data), 800)
    ]
    flows, whole, events, counts = assembled(packets)
    ((_, row),) = whole.values()
    assert row["status"] == TRANSPORT
    assert row["payload"] == 3000
    assert row["ip_bytes"] == 3008 + (20 if make is v4 else 40)
    assert {int(r["ports"]) for _, r in flows} == {int(row["ports"])}
    assert {int(r["hash"]) for _, r in flows} == {int(row["hash"])}
    assert not events
    assert counts == {"seen": len(packets), "rebuilt": 1}


def test_flags_of_a_tiny_first_fragment_are_known_when_the_rest_is_there():
    tcp = struct.pack(">HHIIBBHHH", 1234, 80, 1, 0, 0x50, 2, 100, 0, 0) + b"x" * 20
    flows, *_ = assembled([(T0, v4(1, 2, 1, 0, True, tcp[:8], 6)), (T0, v4(1, 2, 1, 8, False, tcp[8:], 6))])
    assert [int(r["flags"]) for _, r in flows] == [0, 2]
    assert {int(r["ports"]) for _, r in flows} == {1234 << 16 | 80}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("bsd", b"AAAACDD"), ("first", b"AAAABDD"), ("last", b"ACCCCDD"), ("linux", b"AAAACDD"),
        ("windows", b"AAAABDD"), ("solaris", b"AAAACDD"), ("bsd-right", b"ACBBBDD"),
    ],
)  # fmt: skip
def test_who_wins_where_three_overlap(policy, expected):
    """Eight bytes a letter: AAAA at 0, then BBB at 2, then CCCC at 1, DD at 5; worked out by hand."""
    block = lambda text: b"".join(bytes([c]) * 8 for c in text)  # noqa: E731
    pieces = [(0, block(b"AAAA")), (16, block(b"BBB")), (8, block(b"CCCC")), (40, block(b"DD"))]
    packets = [(T0, v4(1, 2, 3, at, at != 40, data)) for at, data in pieces]
    _, whole, events, _ = assembled(packets, policy=policy)
    ((data, _),) = whole.values()
    assert {EVENT_NAMES[kind] for kind, _ in events} == {"fragment_overlap", "fragment_tiny"}
    assert data[20::8] == expected


def test_a_flood_of_fragments_stays_within_the_memory():
    setting = FragmentSettings(memory_mib=1)
    store = new_store(1 << 20)
    count = 3 * len(store.datagrams)
    data = bytes(1400)
    packets = [(T0 + n * 1000, v4(1 + n % 200, 2, n % 65536, 0, True, data), 1420) for n in range(count)]
    rows, buffer = capture(packets)
    assembler = Assembler(setting)
    assert assembler.memory < 1.3 * (1 << 20)
    flows, whole, events, counts = told(assembler, rows, buffer, [])
    assert len(flows) == count
    assert not whole
    assert counts["evicted"] + counts["expired"] == count
    assert [kind for kind, _ in events].count(DATAGRAM_ABANDONED) == count
    assert assembler.held == 0
    assert sum(len(p.tobytes()) for p in assembler.snapshot().values()) < 1.3 * (1 << 20)


def test_a_flood_made_to_be_dear_stays_within_the_memory():
    """Of eight bytes, each of a datagram of its own, or all over those before them; none is ever whole."""
    setting = FragmentSettings(memory_mib=1)
    room = len(new_store(1 << 20).datagrams)
    lone = [v4(1 + n % 200, 2, n % 65536, 8 * (n % 5), True, bytes(8)) for n in range(2 * room)]
    over = [v4(9, 9, n // 900, 8 * (n * 7 % 64), True, bytes([n % 256]) * 64) for n in range(2 * room)]
    turned = (data for pair in zip(lone, over, strict=True) for data in pair)
    packets = [(T0 + n * 1000, data, len(data)) for n, data in enumerate(turned)]
    assembler = Assembler(setting)
    rows, buffer = capture(packets)
    reserved, told, waiting = assembler.memory, 0, 0
    for at in range(0, len(rows), 500):
        made = assembler.add(rows[at : at + 500], at + 1, buffer)
        told += int((made.rows["status"] > NOT_IP).sum())
        waiting = max(waiting, assembler.held)
        assert assembler.memory == reserved < 1.3 * (1 << 20)
        assert not len(made.tail)
    told += int((assembler.end(T0 * 2).rows["status"] > NOT_IP).sum())
    assert told == len(rows)
    assert 0 < waiting <= len(new_store(1 << 20).pieces)
    assert assembler.counts["evicted"] + assembler.counts["expired"] > room


def test_one_datagram_may_not_take_everything():
    packets = [(T0, v4(1, 2, 3, 8 * n, True, bytes(8))) for n in range(1, 1100)]
    flows, _, events, counts = assembled(packets)
    assert len(flows) == 1099
    assert counts["ignored"] == 1
    assert FRAGMENT_IGNORED in {kind for kind, _ in events}


def test_rows_of_no_fragments_pass_untouched():
    rows, buffer = capture([(T0, v4(1, 2, 3, 0, False, udp(random.Random(1), 5)), 33)] * 4)
    made = Assembler(FragmentSettings()).add(rows, 1, buffer)
    assert made.rows is rows
    assert made.whole is rows
    assert made.readable(buffer) == (rows, buffer)


def test_what_is_read_lies_together():
    data = udp(random.Random(1), 64)
    packets = [v4(8, 9, 1, 0, False, udp(random.Random(2), 9)), v4(1, 2, 3, 0, True, data[:48])]
    packets.append(v4(1, 2, 3, 48, False, data[48:]))
    rows, buffer = capture([(T0, p, len(p)) for p in packets])
    rows, held = Assembler(FragmentSettings()).add(rows, 1, buffer).readable(buffer)
    got = [held[r["offset"] : r["offset"] + r["captured"]].tobytes() for r in rows]
    assert got[:2] == packets[:2]
    assert got[2][20:] == data
    assert [int(r["status"]) for r in rows] == [TRANSPORT, FRAGMENT, TRANSPORT]


def test_a_checkpoint_of_other_settings_is_refused():
    rows, buffer = capture([(T0, v4(1, 2, n, 0, True, bytes(1400)), 1420) for n in range(900)])
    large = Assembler(FragmentSettings(memory_mib=8))
    large.add(rows, 1, buffer)
    with pytest.raises(ValueError, match="does not fit"):
        Assembler(FragmentSettings(memory_mib=1)).restore(dict(large.snapshot()))


def test_policies_are_named_as_those_of_streams():
    assert POLICIES[: len(STREAM_POLICIES)] == STREAM_POLICIES


def test_kernels_are_compiled_ahead():
    compile_fragments()
    from ingest.fragments import kernels

    assert getattr(kernels.assemble, "signatures", True)
