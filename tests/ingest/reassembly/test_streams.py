from __future__ import annotations

import numpy as np

from citywall.applicationsettings import ApplicationSettings
from ingest.reassembly.layout import ODD
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
    reassembler.mute(int(first.pieces["slot"][0]), 0, 0)
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
