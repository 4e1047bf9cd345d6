"""Handshakes put together, against the bytes as they were sent, however they are cut."""

from __future__ import annotations

import random
import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import PACKET, TCP, TRANSPORT
from citywall.domains import Domains, DomainSettings
from ingest.handshakes import kernels
from ingest.handshakes.gathering import Handshakes
from ingest.handshakes.layout import DONE, META_AT, ROOM, SETS, WAYS, new_table
from ingest.sightings.reading import look

DOMAINS = Domains(DomainSettings())


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def record(*messages: bytes, kind: int = 22) -> bytes:
    body = b"".join(messages)
    return struct.pack(">BHH", kind, 0x0303, len(body)) + body


def client(size: int = 2000) -> bytes:
    """A client's hello with an extension of `size` bytes."""
    more = struct.pack(">2H", 65000, size) + bytes(size)
    body = (
        b"\x03\x03"
        + bytes(33)
        + struct.pack(">2H", 2, 0x1301)
        + b"\x01\0"
        + struct.pack(">H", len(more))
        + more
    )
    return record(message(1, body))


def hello(version: int = 0x0303, chosen: int | None = None) -> bytes:
    more = b"" if chosen is None else struct.pack(">3H", 43, 2, chosen)
    body = struct.pack(">H", version) + bytes(33) + struct.pack(">HBH", 0xC02F, 0, len(more)) + more
    return message(2, body)


def chain(*certificates: bytes) -> bytes:
    body = b"".join(len(c).to_bytes(3, "big") + c for c in certificates)
    return message(11, len(body).to_bytes(3, "big") + body)


def packets(*segments: tuple[int, bytes, bool], flow: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Segments (sequence number, payload, sent by the server) as decoded packets of one connection."""
    rows, data = np.zeros(len(segments), PACKET), b""
    for row, (seq, payload, back) in zip(rows, segments, strict=True):
        row["offset"], row["payload_at"], row["payload"] = len(data), 40, len(payload)
        row["captured"], row["reversed"] = 40 + len(payload), back
        tcp = struct.pack(">2H2IBBHHH", 40_000, 443, seq & 0xFFFFFFFF, 0, 5 << 4, 0x18, 0, 0, 0)
        data += b"\x45" + bytes(19) + tcp + payload
    rows["status"], rows["proto"], rows["version"] = TRANSPORT, TCP, 4
    rows["ports"], rows["a_lo"], rows["b_lo"] = 40_000 << 16 | 443, 1 + flow, 2
    rows["hash"], rows["time"] = 0x0123456789ABCDEF ^ flow << 40, np.arange(len(rows))
    return np.frombuffer(data, np.uint8), rows


def gathered(buffer, rows, table=None) -> list[tuple[int, int, bytes]]:
    """(packet, of a client, bytes) of what is finished."""
    table = table or new_table()
    found = look(buffer, rows)
    done, arena = np.empty((len(rows), DONE), np.int64), np.empty(WAYS * SETS * ROOM, np.uint8)
    n, _ = kernels.gather(buffer, rows, found.rows, found.what, *table, done, arena)
    return [(i, side, arena[at : at + size].tobytes()) for i, side, at, size in done[:n].tolist()]


def cut(data: bytes, *places: int) -> list[bytes]:
    ends = [0, *places, len(data)]
    return [data[a:b] for a, b in pairwise(ends)]


def in_order(pieces: list[bytes], seq: int = 7, back: bool = False) -> list[tuple[int, bytes, bool]]:
    out = []
    for piece in pieces:
        out.append((seq, piece, back))
        seq += len(piece)
    return out


def test_a_long_hello_is_whole_with_its_last_packet():
    data = client()
    assert gathered(*packets(*in_order([*cut(data, 1400), b"more"]))) == [(1, 1, data)]
    assert gathered(*packets((7, data, False))) == []  # told by who reads single packets
    near_the_end = in_order(cut(data, 500, 1900), seq=0xFFFFFFFF - 700)
    assert gathered(*packets(*near_the_end)) == [(2, 1, data)]


def test_a_server_shows_its_certificates():
    flight = record(hello()) + record(chain(b"a" * 1000, b"b" * 2000))
    told = [(2, 0, flight)]
    assert (
        gathered(*packets(*in_order(cut(flight + record(message(12, b"x")), 1400, 2800), back=True))) == told
    )
    warned = b"\x15\x03\x03\0\x02\x01\x70" + flight
    assert gathered(*packets(*in_order(cut(warned, 1400, 2800), back=True))) == told
    together = record(hello(), chain(b"abc"), message(14, b""))
    assert gathered(*packets((1, together, True))) == [(0, 0, together[: together.index(b"abc") + 3])]


@pytest.mark.parametrize(
    "flight",
    [
        record(hello(chosen=0x0304)) + bytes(500),  # the rest is encrypted
        record(hello()) + record(b"\x01", kind=20),  # resumed
        record(hello()) + record(hello()),
        record(hello()) + record(chain(bytes(60_000))),  # more than a record holds
        record(hello()) + b"\x16\x03\x03\0\0",
        record(hello()) + record(chain(b"abc"))[:-4] + b"\x16",
    ],
)
def test_what_comes_to_nothing_is_let_go(flight: bytes):
    table = new_table()
    assert gathered(*packets(*in_order(cut(flight, 40, len(flight) - 4), back=True)), table) == []
    assert table.meta[META_AT["live"]] in {0, 1}
    more = packets(*in_order([bytes(1400)] * 13, seq=7 + len(flight), back=True))
    assert gathered(*more, table) == []
    assert (table.meta[META_AT["live"]], int(table.near.sum())) == (0, 0)


def test_sent_twice_or_missing():
    one, two, three = cut(client(), 800, 1600)
    again = ((7, one, False), (7, one, False), (7 + 400, (one + two)[400:1500], False), (807, two, False))
    assert [side for _, side, _ in gathered(*packets(*again, (1607, three, False)))] == [1]
    table = new_table()
    assert gathered(*packets((7, one, False), (1607, three, False), (807, two, False)), table) == []
    assert (table.meta[META_AT["gaps"]], table.meta[META_AT["live"]]) == (1, 0)


def test_another_connection_of_the_same_ends_begins_anew():
    first, second = client(1800), client(1900)
    pieces = [(7, first[:800], False), *in_order(cut(second, 900), seq=5)]
    assert gathered(*packets(*pieces)) == [(2, 1, second)]


def test_where_a_set_is_full_the_one_idle_longest_goes():
    table, data = new_table(), client()
    begun = [packets((7, data[:1400], False), flow=flow) for flow in range(WAYS + 1)]
    for buffer, rows in begun:
        assert gathered(buffer, rows, table) == []
    assert (table.meta[META_AT["evicted"]], table.meta[META_AT["live"]]) == (1, WAYS)
    ends = [packets((1407, data[1400:], False), flow=flow) for flow in range(WAYS + 1)]
    assert [len(gathered(*end, table)) for end in ends] == [0, 1, 1, 1, 1]


def test_packets_that_were_cut_or_belong_to_others_are_passed_over():
    data = client()
    buffer, rows = packets(*in_order(cut(data, 1400)))
    rows["captured"][0] -= 10
    assert gathered(buffer, rows) == []
    buffer, rows = packets(*in_order(cut(data, 1400)))
    rows["status"] = 1
    assert gathered(buffer, rows) == []


@given(st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_however_it_is_cut_and_whenever_it_is_saved(source: random.Random):
    """What is finished does not depend on batches, nor on a restart between any two."""
    flights = [
        client(source.randrange(100, 3000)),
        record(hello()) + record(chain(b"c" * source.randrange(3000))),
    ]
    segments = []
    for back, flight in enumerate(flights):
        places = sorted(source.sample(range(50, len(flight)), source.randrange(1, 6)))
        segments += in_order(cut(flight, *places), back=bool(back))
    order = sorted(range(len(segments)), key=lambda _: source.random())
    if source.random() < 0.7:
        order = list(range(len(segments)))
    buffer, rows = packets(*(segments[i] for i in order))
    whole = Handshakes().add(buffer, rows, 1, look(buffer, rows), DOMAINS)
    pieces, one, at = [], Handshakes(), 0
    while at < len(rows):
        n = source.randrange(1, 4)
        some = rows[at : at + n]
        pieces.append(one.add(buffer, some, 1 + at, look(buffer, some), DOMAINS))
        saved, one = one.snapshot(), Handshakes()
        one.restore({name: np.array(part) for name, part in saved.items()})
        at += n
    assert np.concatenate(pieces).tobytes() == whole.tobytes()


@given(st.binary(max_size=80), st.binary(max_size=80))
@settings(max_examples=60, deadline=None)
def test_noise(one: bytes, two: bytes):
    head = b"\x16\x03\x01\x0b\xb8\x02\x00\x0b"
    gathered(*packets(*in_order([head + one, two, one], back=True)))
    gathered(*packets(*in_order([b"\x16\x03\x01\x0b\xb8\x01\x00\x0b" + one, two])))
