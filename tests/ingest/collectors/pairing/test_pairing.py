"""Pairing with its ring, and real exports through it."""

from __future__ import annotations

import numpy as np
import pytest

from citywall.batches import SYN
from ingest.collectors import kernels as k
from ingest.collectors.datagrams import bare
from ingest.collectors.decoder import Decoder
from ingest.collectors.pairing import Pairing, logged
from ingest.collectors.pairing.pairing import ROOM
from tests.exporters import PLAIN, content, five, flow, nine, template

S = 1_000_000_000


def half(src: int, dst: int, first: int, last: int, number: int, paired: bool = False) -> np.void:
    row = np.zeros(1, k.HALF)
    row["src_lo"], row["dst_lo"] = src, dst
    row["src_port"], row["dst_port"] = src, dst
    row["first"], row["last"], row["number"] = first, last, number
    row["src_packets"], row["proto"], row["paired"] = number + 1, 17, paired
    return row


def test_a_full_ring_lets_the_oldest_go():
    rows = np.concatenate([half(i, 100 + i, 0, 1, i) for i in range(1, 12)])
    pairing = Pairing(room=8)
    out = pairing.add(rows, np.zeros(len(rows), np.int64))
    assert out["src_lo"].tolist() == [1, 2, 3]
    assert pairing.finish()["src_lo"].tolist() == list(range(4, 12))


def test_every_record_that_waits_is_found_in_a_full_ring():
    """Slots number them all, and halves that come back find theirs, whatever was between."""
    n = ROOM
    rows = np.repeat(half(0, 0, 0, 1, 0), n)
    rows["src_port"], rows["dst_port"] = np.arange(n) + 1, 0
    rows["src_lo"], rows["dst_lo"] = 1, 2
    pairing = Pairing()
    assert len(pairing.add(rows, np.zeros(n, np.int64))) == 0
    assert pairing.waiting == n
    again = Pairing()
    again.restore(pairing.snapshot())
    back = rows[::-7].copy()
    for a, b in (("src_lo", "dst_lo"), ("src_port", "dst_port")):
        back[a], back[b] = back[b].copy(), back[a].copy()
    for each in (pairing, again):
        joined = each.add(back.copy(), np.zeros(len(back), np.int64)).copy()
        assert (joined["src_packets"] + joined["dst_packets"]).tolist() == [2] * len(back)
        assert len(each.finish()) == n - len(back)
    with pytest.raises(ValueError, match="no slot"):
        Pairing(room=2 * ROOM)


def test_parts_of_another_shape_are_refused():
    pairing = Pairing()
    pairing.add(half(1, 2, 0, 1, 0), np.zeros(1, np.int64))
    parts = pairing.snapshot() | {"waiting": np.zeros(0, k.HALF)}
    with pytest.raises(ValueError, match="do not fit"):
        Pairing().restore(parts)


def decoded(*raw: bytes):
    out, pairing = Decoder().decode(bare(raw)), Pairing()
    flows = pairing.add(out.records, out.heads["time"][out.records["arrived"]])
    return logged(np.concatenate((flows, pairing.finish()))), out.errors, out.notes


def test_a_conversation_is_one_flow_begun_by_who_came_first():
    answer = flow("192.0.2.1", "10.0.0.1", 80, 40000, flags=26, packets=5, size=5000, first=1001, last=3000)
    asked = flow("10.0.0.1", "192.0.2.1", 40000, 80, flags=27, packets=4, size=400, first=1000, last=2900)
    log, errors, _ = decoded(five(answer, asked))
    assert len(log.line) == 1
    assert (log.src_port[0], log.dst_port[0]) == (40000, 80)
    assert (log.src_packets[0], log.dst_packets[0], log.src_bytes[0], log.dst_bytes[0]) == (4, 5, 400, 5000)
    assert (log.src_flags[0], log.dst_flags[0], log.first_flags[0]) == (27, 26, SYN)
    assert log.duration[0] == 2 * S
    assert log.dst_payload[0] == 5000 - 5 * 52
    assert errors.counts == {}


def test_both_ways_in_one_record_need_no_pairing():
    fields = [*PLAIN[:5], (231, 4), (232, 4), (298, 4), (299, 4), (152, 8), (161, 4)]
    raw = flow("10.0.0.1", "10.0.0.2", 5, 6)[:13]
    raw += (
        b"".join(n.to_bytes(4, "big") for n in (700, 800, 7, 8))
        + (1_600_000_000_000).to_bytes(8, "big")
        + (2500).to_bytes(4, "big")
    )
    log, _, _ = decoded(nine(template(256, fields), content(256, raw)))
    assert (log.src_bytes[0], log.dst_bytes[0], log.src_packets[0], log.dst_packets[0]) == (700, 800, 7, 8)
    assert (log.first[0], log.duration[0]) == (1_600_000_000 * S, 2_500_000_000)


def test_icmp_and_what_is_no_ip_flow():
    ping = flow("10.0.0.1", "10.0.0.2", 0, 8 << 8, proto=1)
    pong = flow("10.0.0.2", "10.0.0.1", 0, 0, proto=1, first=1000)
    log, _, _ = decoded(five(ping, pong))
    assert (log.icmp_type[0], log.src_port[0], log.dst_port[0], len(log.line)) == (8, 0, 0, 1)
    one_address = nine(
        template(256, [(8, 4), (28, 16)]), content(256, bytes([10, 0, 0, 1]) + bytes(15) + b"\1")
    )
    log, errors, _ = decoded(one_address)
    assert len(log.line) == 0
    assert errors.counts == {"not_ip": 1}
    created = nine(
        template(256, [*PLAIN, (233, 1)]), content(256, flow("10.0.0.1", "10.0.0.2", 1, 2) + b"\1")
    )
    log, errors, notes = decoded(created)
    assert (len(log.line), notes["flows_only_created"]) == (0, 1)


def test_clocks_that_make_no_sense_give_way_to_the_time_of_export():
    fields = [*PLAIN[:8], (150, 4), (151, 4)]
    raw = flow("10.0.0.1", "10.0.0.2", 1, 2)[:22] + b"\xff" * 8
    log, _, _ = decoded(nine(template(256, fields), content(256, raw)))
    assert (log.first[0], log.duration[0]) == (1_700_000_000 * S, 0)
