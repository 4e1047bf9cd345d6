from __future__ import annotations

import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.reassembly.layout import ODD, POLICIES
from ingest.reassembly.streams import Reassembler

ROOT = Path(__file__).resolve().parents[3]
ACK, SYN, FIN, RST, PSH, URG = 0x10, 2, 1, 4, 0x18, 0x38


def run(packets, made, size=1000, **changes):
    rows, buffer = packets.decoded(made)
    reassembler = Reassembler(ApplicationSettings(**changes))
    streams, odd, frames = {}, [], {}
    batches = [
        b for at in range(0, len(rows), size) for b in reassembler.add(rows[at : at + size], at + 1, buffer)
    ]
    for batch in (*batches, *reassembler.end()):
        odd += [ODD[int(k)] for k in batch.odd["kind"]]
        for piece in batch.pieces:
            key, at = (int(piece["number"]), int(piece["direction"])), int(piece["at"])
            gap = b"<%d>" % piece["gap"] if piece["gap"] else b""
            streams[key] = streams.get(key, b"") + gap + batch.arena[at : at + int(piece["length"])].tobytes()
            frames.setdefault(key, []).append((int(piece["arrived"]), int(piece["frame"])))
    return streams, odd, frames, reassembler.counts


class Link:
    """Packets of one connection, by offset."""

    def __init__(self, packets, isn=99):
        self.make, self.isn = packets, isn
        a, b = packets.client, packets.server
        self.packets = [
            packets.segment(a, b, 4000, 80, isn, 0, SYN),
            packets.segment(b, a, 80, 4000, 499, isn + 1, SYN | ACK),
            packets.segment(a, b, 4000, 80, isn + 1, 500, ACK),
        ]

    def send(self, offset, data, flags=PSH, urgent=0):
        self.packets.append(
            self.make.segment(
                self.make.client, self.make.server, 4000, 80, self.isn + 1 + offset, 500, flags, data,
                urgent=urgent,
            )
        )  # fmt: skip

    def acknowledge(self, offset, flags=ACK, window=65535):
        self.packets.append(
            self.make.segment(
                self.make.server, self.make.client, 80, 4000, 500, self.isn + 1 + offset, flags, window=window
            )
        )


def oracle(segments, upto):
    """First come, first kept: the bytes a receiver has in order up to what it acknowledged."""
    kept = {}
    for offset, data in segments:
        for i, byte in enumerate(data):
            kept.setdefault(offset + i, byte)
    return bytes(kept[i] for i in range(upto))


@pytest.mark.parametrize("seed", range(12))
def test_any_order_gives_the_same_stream(packets, seed):
    rng = random.Random(seed)
    data = rng.randbytes(rng.randrange(1, 9000))
    cuts = sorted({0, len(data), *(rng.randrange(len(data) + 1) for _ in range(12))})
    segments = [(a, data[a:b]) for a, b in pairwise(cuts)]
    segments += [
        (max(0, a - rng.randrange(50)), data[max(0, a - 50) : b])
        for a, b in zip(cuts, cuts[2:], strict=False)
    ]
    segments = [(a, data[a : a + len(d)]) for a, d in segments]
    rng.shuffle(segments)
    made = Link(packets, isn=rng.choice((99, 0xFFFFFFF0)))
    for offset, piece in segments:
        made.send(offset, piece)
    made.acknowledge(len(data))
    whole = run(packets, made.packets)
    assert whole[0] == {(0, 0): data} == {(0, 0): oracle(segments, len(data))}
    for size in (1, 2, 5):
        assert run(packets, made.packets, size)[:3] == whole[:3]
    assert run(packets, made.packets, inline=True)[0] == whole[0]


def test_bytes_are_known_when_they_are_acknowledged(packets):
    made = Link(packets)
    made.send(0, b"abcdef")  # frame 4
    made.acknowledge(2)
    made.acknowledge(6)
    assert run(packets, made.packets)[2] == {(0, 0): [(4, 5), (4, 6)]}
    assert run(packets, made.packets, inline=True)[2] == {(0, 0): [(4, 4)]}


def test_what_was_acknowledged_but_never_seen_is_a_gap(packets):
    made = Link(packets)
    made.send(0, b"ab")
    made.send(5, b"fg")
    made.acknowledge(7)
    streams, odd, _, counts = run(packets, made.packets)
    assert streams == {(0, 0): b"ab<3>fg"}
    assert odd == ["reassembly_seq_gap"]
    assert counts["gap_bytes"] == 3


@pytest.mark.parametrize("policy", POLICIES)
def test_overlaps_behind_a_hole_go_by_policy(packets, policy):
    made = Link(packets)
    made.send(4, b"OOOO")
    made.send(4, b"SSSSs")  # begins with it, ends after it
    made.send(10, b"oooo")
    made.send(9, b"bbbbb")  # begins before it, ends with it
    made.send(15, b"qqqq")
    made.send(14, b"zzzzzz")  # begins before it, ends after it
    made.send(0, b"....")
    made.acknowledge(20)
    same = {"linux": b"SSSS", "last": b"SSSS"}.get(policy, b"OOOO")
    before = b"oooo" if policy in ("first", "windows") else b"bbbb"
    around = b"qqqq" if policy == "first" else b"zzzz"
    streams, odd, _, _ = run(packets, made.packets, policy=policy)
    assert streams == {(0, 0): b"...." + same + b"s" + b"b" + before + b"z" + around + b"z"}
    assert odd.count("reassembly_overlap_different_data") == 3


def test_bytes_sent_again_may_be_replaced_until_acknowledged(packets):
    made = Link(packets)
    made.send(0, b"good")
    made.send(0, b"evil")
    made.acknowledge(4)
    made.send(0, b"late")
    for policy, expected in (("bsd", b"good"), ("last", b"evil")):
        streams, odd, _, _ = run(packets, made.packets, policy=policy)
        assert streams == {(0, 0): expected}
        assert "reassembly_overlap_different_data" in odd


def test_depth_ends_a_direction(packets):
    made = Link(packets)
    for i in range(5):
        made.send(1000 * i, b"x" * 1000)
        made.acknowledge(1000 * (i + 1))
    streams, odd, _, counts = run(packets, made.packets, depth_bytes=2500)
    assert streams == {(0, 0): b"x" * 2500}
    assert odd == ["reassembly_depth_reached"]
    assert counts["depth_reached"] == 1


@pytest.mark.parametrize("ports", [(80,), (1, 2, 3, 4, 5, 6, 7, 80), (4000,)])
def test_connections_at_some_ports_are_read_to_their_end(packets, ports):
    made = Link(packets)
    for i in range(5):
        made.send(1000 * i, b"x" * 1000)
        made.acknowledge(1000 * (i + 1))
    streams, odd, _, counts = run(packets, made.packets, depth_bytes=2500, deep_ports=ports)
    assert (streams, odd, counts) == ({(0, 0): b"x" * 5000}, [], {})


def without_urgent(segments, policy):
    """The stream where a segment with an urgent pointer inside it has its last byte out of band."""
    out = b""
    for data, pointer in segments:
        taken = policy in ("inline", "drop") or not 0 < pointer <= len(data)
        out += data if taken else data[:-1]
    return out


@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("policy", ["oob", "inline"])
@pytest.mark.parametrize("seed", range(6))
def test_urgent_bytes_stand_beside_the_stream(packets, policy, seed, inline):
    rng = random.Random(seed)
    segments = [
        (rng.randbytes(size := rng.randrange(1, 40)), rng.choice((0, 0, 1, size, size + 1)))
        for _ in range(30)
    ]
    made, at = Link(packets, isn=rng.choice((99, 0xFFFFFFF0))), 0
    for data, pointer in segments:
        for _ in range(rng.choice((1, 1, 2))):  # some are sent again
            made.send(at, data, URG if pointer else PSH, pointer)
        at += len(data)
        if rng.random() < 0.7:
            made.acknowledge(at - rng.randrange(2))
    made.send(at, b"", FIN | ACK)
    made.acknowledge(at + 1, FIN | ACK)
    for size in (1000, 3):
        streams, odd, _, counts = run(packets, made.packets, size, urgent=policy, inline=inline)
        assert streams == {(0, 0): without_urgent(segments, policy)}
        assert set(odd) <= {"pkt_retransmission"}
        assert not counts


def test_an_urgent_byte_holds_nothing_back(packets):
    made = Link(packets)
    made.send(0, b"ab")  # frame 4
    made.acknowledge(2)
    made.send(2, b"!", URG, 1)
    made.acknowledge(3)
    made.send(3, b"cd")
    made.send(0, b"ab")  # sent again: before the urgent byte
    made.acknowledge(5)
    streams, odd, frames, _ = run(packets, made.packets)
    assert (streams, frames) == ({(0, 0): b"abcd"}, {(0, 0): [(4, 5), (8, 10)]})
    assert odd == ["pkt_retransmission"]


def test_urgent_bytes_may_be_missing_or_their_packets_not_taken(packets):
    made = Link(packets)
    made.send(0, b"ab!", URG, 3)
    made.acknowledge(3)
    made.send(3, b"cd")
    made.acknowledge(5)
    assert run(packets, made.packets, urgent="gap")[0] == {(0, 0): b"ab<1>cd"}
    assert run(packets, made.packets, urgent="drop")[0] == {(0, 0): b"ab!cd"}  # nothing is dropped here
    assert run(packets, made.packets, urgent="drop", inline=True)[0] == {(0, 0): b"<3>cd"}


def test_urgent_bytes_without_end_are_told(packets):
    made = Link(packets)
    for at in range(0xFFFF + 3):
        made.send(at, b"!", URG, 1)
        if at % 30_000 == 0:
            made.acknowledge(at + 1)
    made.send(at + 1, b"x")
    made.acknowledge(at + 2)
    streams, odd, _, counts = run(packets, made.packets, 1 << 17)
    assert streams == {(0, 0): b"<3>x"}
    assert odd == ["reassembly_urgent_oob_limit_reached", "reassembly_seq_gap"]
    assert counts == {"gaps": 1, "gap_bytes": 3}


def test_depth_holds_until_bytes_of_a_deep_connection_were_read(packets):
    made = Link(packets)
    made.send(0, b"x" * 100)
    made.packets.append(
        packets.segment(packets.server, packets.client, 80, 4000, 500, made.isn + 101, PSH, b"y" * 100)
    )
    made.acknowledge(100)
    _, odd, _, _ = run(packets, made.packets, depth_bytes=50, deep_ports=(80,))
    assert odd == ["reassembly_depth_reached"] * 2
    streams, odd, _, _ = run(packets, made.packets, depth_bytes=150, deep_ports=(80,))
    assert ({k: len(v) for k, v in streams.items()}, odd) == ({(0, 0): 100, (0, 1): 100}, [])


def test_a_beginning_that_was_not_seen(packets):
    made = Link(packets)
    made.send(0, b"hello")
    made.acknowledge(5)
    late = made.packets[3:]
    assert run(packets, late, midstream=False)[0] == {}
    assert run(packets, late, midstream=True)[0] == {(0, 0): b"hello"}


def test_one_direction_only(packets):
    made = Link(packets)
    made.send(0, b"hello")
    half = [made.packets[0], *made.packets[2:]]
    assert run(packets, half)[0] == {}
    assert run(packets, half, async_oneside=True)[0] == {(0, 0): b"hello"}


def test_what_is_out_of_the_window_is_not_taken(packets):
    made = Link(packets)
    made.acknowledge(0, window=100)
    made.send(5000, b"far")
    made.send(0, b"near")
    made.acknowledge(4)
    streams, odd, _, counts = run(packets, made.packets)
    assert streams == {(0, 0): b"near"}
    assert odd == ["est_packet_out_of_window"]
    assert counts["out_of_window"] == 1


def test_a_reset_gives_what_was_held_and_ends_it(packets):
    made = Link(packets)
    made.send(0, b"hello")
    made.acknowledge(0, flags=RST | ACK)
    made.send(5, b"more")
    streams, _, frames, _ = run(packets, made.packets)
    assert streams == {(0, 0): b"hello"}
    assert frames == {(0, 0): [(4, 5)]}


def test_a_port_used_again_is_another_flow(packets):
    first = packets.conversation([(0, b"one")])
    streams, _, _, _ = run(packets, first + packets.conversation([(0, b"two")]))
    assert streams == {(0, 0): b"one", (1, 0): b"two"}


def test_wrong_answers_begin_nothing(packets):
    a, b = packets.client, packets.server
    made = [
        packets.segment(a, b, 4000, 80, 99, 0, SYN),
        packets.segment(b, a, 80, 4000, 499, 77, SYN | ACK),
        packets.segment(a, b, 4000, 80, 100, 500, PSH, b"x"),
    ]
    streams, odd, _, _ = run(packets, made)
    assert streams == {}
    assert odd == ["3whs_synack_with_wrong_ack"]


def test_wrong_checksums_are_ignored_where_asked(packets):
    made = Link(packets)
    made.send(0, b"hello")
    made.acknowledge(5)
    assert run(packets, made.packets, checksums=True)[3]["bad_checksum"] == len(made.packets)
    assert run(packets, made.packets)[0] == {(0, 0): b"hello"}


def hostile(packets, rng):
    out = []
    for _ in range(60):
        data = rng.randbytes(rng.choice((0, 1, 5, 1400)))
        ends = (packets.client, packets.server, 4000, 80)
        if rng.random() < 0.5:
            ends = (packets.server, packets.client, 80, 4000)
        packet = bytearray(
            packets.segment(
                *ends, rng.choice((99, 100, 499, 500, 600, 1 << 31)) + rng.randrange(9),
                rng.choice((100, 500, 1 << 31)), rng.choice((SYN, SYN | ACK, ACK, PSH, FIN | ACK, RST)), data,
                rng.choice((0, 100, 65535)),
            )
        )  # fmt: skip
        for _ in range(rng.randrange(2)):
            packet[rng.randrange(len(packet))] = rng.randrange(256)
        out.append(bytes(packet[: rng.randrange(20, len(packet) + 1)] if rng.random() < 0.1 else packet))
    return out


@pytest.mark.parametrize("seed", range(6))
def test_hostile_packets_change_nothing_by_their_batches(packets, seed):
    made = hostile(packets, random.Random(seed))
    changes = {"midstream": bool(seed & 1), "inline": bool(seed & 2), "policy": POLICIES[seed % 5]}
    whole = run(packets, made, **changes)
    for size in (1, 7):
        assert run(packets, made, size, **changes) == whole


def test_without_the_compiler_every_load_is_in_bounds(tmp_path):
    """The same packets in plain Python: bounds are checked there."""
    code = f"""
import importlib.util, random, sys, types
sys.path.insert(0, {str(ROOT)!r})
from citywall.kernels import JIT
assert not JIT
def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
made = load("c", {str(ROOT / "tests/ingest/applications/conftest.py")!r})
tests = load("t", {str(Path(__file__))!r})
packets = types.SimpleNamespace(**{{n: getattr(made, n) for n in ("segment", "datagram", "decoded")}})
packets.client, packets.server = made.CLIENT, made.SERVER
for seed in range(4):
    print(tests.run(packets, tests.hostile(packets, random.Random(seed)), midstream=bool(seed & 1)))
"""
    environment = {"NUMBA_DISABLE_JIT": "1", "PATH": "", "CITYWALL_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.splitlines()) == 4
    assert np.array(done.stdout.count("{")) > 0


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\n", b"\x16\x03\x03\0\x40\x02\0\0\x3c"])
def test_a_beginning_that_was_not_seen_may_be_an_answer(packets, answer):
    made = [
        packets.segment(packets.server, packets.client, 80, 4000, 500, 100, PSH, answer),
        packets.segment(packets.client, packets.server, 4000, 80, 100, 500 + len(answer), PSH, b"GET"),
        packets.segment(packets.server, packets.client, 80, 4000, 500 + len(answer), 103, ACK),
    ]
    assert run(packets, made, midstream=True)[0] == {(0, 1): answer, (0, 0): b"GET"}
    asked = [
        packets.segment(packets.server, packets.client, 80, 4000, 500, 100, PSH, b"GET / HTTP/1.1"),
        made[1],
    ]
    assert (0, 0) in run(packets, asked, midstream=True)[0]


@pytest.mark.parametrize(
    ("sport", "dport", "side"), [(44818, 4000, 1), (4000, 44818, 0), (445, 2049, 0), (53, 80, 0)]
)
@pytest.mark.parametrize("first", [b"", b"from here"])
def test_a_beginning_that_was_not_seen_may_come_from_a_server_s_port(packets, sport, dport, side, first):
    made = [
        packets.segment(packets.server, packets.client, sport, dport, 500, 100, PSH, first),
        packets.segment(
            packets.client, packets.server, dport, sport, 100, 500 + len(first), PSH, b"from there"
        ),
        packets.segment(packets.server, packets.client, sport, dport, 500 + len(first), 110, ACK),
    ]
    told = {(0, 1 - side): b"from there"} | ({(0, side): first} if first else {})
    assert run(packets, made, midstream=True)[0] == told


def test_who_goes_on_after_a_reset_had_not_sent_it(packets):
    made = Link(packets)
    made.send(0, b"", flags=RST | ACK)
    made.send(0, b"hello")
    made.acknowledge(5)
    streams, odd, _, _ = run(packets, made.packets)
    assert streams == {(0, 0): b"hello"}
    assert odd == ["suspected_rst_inject"]
