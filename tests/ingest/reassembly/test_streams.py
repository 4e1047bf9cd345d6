from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest

from citywall.applicationsettings import ApplicationSettings
from citywall.batches import PACKET, REASONS
from ingest.applications.analysis import Analyser
from ingest.decode.kernels import decode_pcap
from ingest.reassembly.layout import ODD, SESSION, SIDE
from ingest.reassembly.streams import Reassembler


def run(packets, made, size=1000, settings=None, restart=False):
    """The streams of packets by (flow, direction), what was odd, the reassembler."""
    rows, buffer = packets.decoded(made)
    reassembler = Reassembler(settings or ApplicationSettings())
    streams, odd = {}, []

    def take(batches):
        for batch in batches:
            odd.extend(ODD[int(k)] for k in batch.odd["kind"])
            for piece in batch.pieces:
                key = int(piece["number"]), int(piece["direction"])
                at = int(piece["at"])
                gap = b"<%d>" % piece["gap"] if piece["gap"] else b""
                streams[key] = (
                    streams.get(key, b"") + gap + batch.arena[at : at + int(piece["length"])].tobytes()
                )

    for at in range(0, len(rows), size):
        take(reassembler.add(rows[at : at + size], at + 1, buffer))
        if restart:
            parts = reassembler.snapshot()
            reassembler = Reassembler(settings or ApplicationSettings())
            reassembler.restore(parts)
    take(reassembler.end())
    return streams, odd, reassembler


def test_a_snapshot_goes_on_where_it_stood(packets):
    made = packets.conversation([(0, b"a" * 2500), (1, b"b" * 1500), (0, b"c")])
    made[3:6] = [made[5], made[3], made[4]]
    whole = run(packets, made)
    for size in (1, 4):
        again = run(packets, made, size, restart=True)
        assert again[:2] == whole[:2]
        assert again[2].counts == whole[2].counts
    assert whole[0] == {(0, 0): b"a" * 2500 + b"c", (0, 1): b"b" * 1500}


def test_muted_directions_give_nothing_more(packets):
    made = packets.conversation([(0, b"one"), (0, b"two"), (1, b"three")])
    rows, buffer = packets.decoded(made)
    reassembler = Reassembler(ApplicationSettings())
    (first,) = reassembler.add(rows[:5], 1, buffer)
    assert first.pieces["length"].tolist() == [3]
    reassembler.mute(first.pieces["slot"][:1].astype(np.int64), np.array([0]), (0,))
    rest = [*reassembler.add(rows[5:], 6, buffer), *reassembler.end()]
    assert {int(d) for b in rest for d in b.pieces["direction"]} == {1}


def test_connections_held_are_bounded_and_the_idlest_goes(packets):
    settings = ApplicationSettings(max_streams=16)
    made = [packets.segment(packets.client, packets.server, 1000 + i, 80, 1, 0, 2) for i in range(200)]
    _, _, reassembler = run(packets, made, settings=settings)
    assert reassembler.counts["evicted"] == 184
    assert reassembler.flows == 200
    assert len(reassembler._sessions) <= 17


def test_a_flood_of_holes_stays_within_its_memory(packets):
    settings = ApplicationSettings(memory_mib=4)
    made = []
    for flow in range(8):
        made += packets.conversation([(0, b"x")], (1000 + flow, 80), fin=False)[:3]
        made += [
            packets.segment(packets.client, packets.server, 1000 + flow, 80, 200 + 3 * i, 500, 0x18, b"ab")
            for i in range(1500)
        ]
    _, odd, reassembler = run(packets, made, settings=settings)
    assert reassembler.counts["dropped_segments"] > 0
    assert "reassembly_memory_full" in odd
    assert reassembler._pages.nbytes <= 2 << 20


def test_datagrams_are_pieces_of_their_own(packets):
    made = [packets.datagram(packets.client, packets.server, 5000, 53, b"q%d" % i) for i in range(3)]
    streams, _, _ = run(packets, made)
    assert streams == {(0, 0): b"q0q1q2"}


def test_many_connections_grow_the_tables(packets):
    made = [p for i in range(3000) for p in packets.conversation([(0, b"%d" % i)], (1 + i, 80), fin=False)]
    streams, _, reassembler = run(packets, made, 700)
    assert [streams[i, 0] for i in range(3000)] == [b"%d" % i for i in range(3000)]
    assert np.count_nonzero(reassembler._sessions["used"]) == 0


def many(count, turns):
    """Rows and bytes of `count` connections at once: turns are (from the server, flags, seq, ack, data)."""
    which, parts = np.arange(count), []
    client = (0x0A00_0000 + which // 60_000).astype(">u4").view(np.uint8).reshape(count, 4)
    port = (1024 + which % 60_000).astype(">u2").view(np.uint8).reshape(count, 2)
    for back, flags, seq, ack, data in turns:
        ports = (80, 0) if back else (0, 80)
        tcp = struct.pack(">HHIIBBHHH", *ports, seq, ack, 0x50, flags, 8192, 0, 0) + data
        size = 20 + len(tcp)
        raw = struct.pack("<IIII", 1, 0, size, size)
        raw += struct.pack(">BBHIBBHII", 0x45, 0, size, 0, 64, 6, 0, 0xC000_0201, 0xC000_0201) + tcp
        made = np.tile(np.frombuffer(raw, np.uint8), (count, 1))
        ends, at = (32, 38) if back else (28, 36)
        made[:, ends : ends + 4], made[:, at : at + 2] = client, port
        parts.append(made)
    raw, n = np.hstack(parts).reshape(-1), count * len(turns)
    raw.flags.writeable = False  # as captures are, for which decoding is compiled
    rows = np.empty(n, PACKET)
    done, *_ = decode_pcap(
        raw, 0, len(raw), np.uint64(0), False, 1, 101, rows, np.zeros(len(REASONS), np.int64)
    )
    assert done == n
    return rows, raw


SYN, SYN_ACK = (False, 2, 0, 0, b""), (True, 0x12, 0, 1, b"")
HOLE, BYTE, SEEN = (False, 0x18, 500, 1, b"x" * 200), (False, 0x18, 1, 1, b"G"), (True, 0x10, 1, 2, b"")


def reserved(reassembler):
    arrays = [each for each in vars(reassembler).values() if isinstance(each, np.ndarray)]
    return sum(each.nbytes for each in [*arrays, *(room.take(0).base for room in reassembler._taken)])


@pytest.mark.parametrize("turns", [(SYN,), (SYN, SYN_ACK, HOLE)], ids=["asked", "with a hole"])
def test_a_hundred_thousand_half_open_streams_stay_within_their_memory(turns):
    """Of the connections as many as are set, and of the bytes that wait as many; the rest is told."""
    settings = ApplicationSettings(max_streams=50_000, memory_mib=16)
    rows, raw = many(100_000, turns)
    reassembler, evicted = Reassembler(settings), 0
    for at in range(0, len(rows), 8192):
        for batch in reassembler.add(rows[at : at + 8192], at + 1, raw):
            evicted += len(batch.ended)
    live = int(np.count_nonzero(reassembler._sessions["used"]))
    assert live <= settings.max_streams + 1
    assert live + evicted == reassembler.flows >= 100_000
    a_connection = SESSION.itemsize + 2 * SIDE.itemsize + 4 * 4
    waiting = (settings.memory_mib << 20) + 2 * (reassembler._least_bytes + (16 << 20))
    assert reserved(reassembler) < (settings.max_streams + 1) * a_connection + waiting
    assert reassembler._pages.nbytes <= settings.memory_mib << 19
    if len(turns) > 1:
        assert reassembler.counts["dropped_segments"] > 0


def test_what_python_holds_of_a_half_open_stream_is_little():
    """Its object, the byte that says nothing yet, and where it came from."""
    rows, raw = many(2000, (SYN, SYN_ACK, BYTE, SEEN))
    first = Analyser(ApplicationSettings())
    first.add(rows[:4], 1, raw)
    first.tables()  # what kernels take is not counted
    analyser = Analyser(ApplicationSettings())
    tracemalloc.start()
    analyser.add(rows, 1, raw)
    analyser.tables()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(analyser._connections) == 2000
    assert (held - reserved(analyser._streams)) / 2000 < 4096


def test_frames_may_be_said_one_by_one(packets):
    """Several rows may be of one frame; what carries others (GRE) has no flow."""
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import GRE

    made = [IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1, dport=2) / b"ab" for _ in range(3)]
    made.append(IP(src="10.0.0.1", dst="10.0.0.2") / GRE(proto=0x1234) / b"ab")
    rows, buffer = packets.decoded([bytes(each) for each in made])
    (batch,) = Reassembler(ApplicationSettings()).add(rows, np.array([7, 7, 9, 9]), buffer)
    assert batch.pieces["frame"].tolist() == [7, 7, 9]
    assert batch.flow_of.tolist() == [0, 0, 0, -1]


def test_bytes_lie_one_behind_the_other_until_a_new_room_is_asked_for(packets):
    rows, buffer = packets.decoded(packets.conversation([(0, b"abc"), (0, b"defg"), (1, b"hi")]))
    reassembler = Reassembler(ApplicationSettings(), joined=True)
    batches = [batch for at in range(len(rows)) for batch in reassembler.add(rows[at:][:1], 1 + at, buffer)]
    given = [batch.arena for batch in batches if len(batch.arena)]
    base = given[0].base
    assert all(each.base is base for each in given)
    assert base[:9].tobytes() == b"abcdefghi"
    reassembler.new_room()  # somebody still looks into the other
    rows, buffer = packets.decoded(packets.conversation([(0, b"xyz")], (9, 9)))
    again = [batch.arena for batch in reassembler.add(rows, 99, buffer)]
    assert [each.tobytes() for each in again] == [b"xyz"]
    assert again[0].base is not base
    assert b"".join(each.tobytes() for each in given) == b"abcdefghi"
