"""Packets around packets against the plain oracle, which reads so far in and no further."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from citywall.batches import PACKET, REBUILT, TRANSPORT
from ingest.decode import kernels
from ingest.decode.layers import chosen, compile_layers, of_rebuilt, with_layers

LINKS = np.array([147, 12, 1], np.int64)


def udp(inner: bytes = b"data", ports: tuple[int, int] = (1, 2)) -> tuple[int, bytes]:
    return 17, struct.pack(">HHHH", *ports, 8 + len(inner), 0) + inner


def ip(n: int, protocol: int, inner: bytes) -> bytes:
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(inner), 0, 0, 64, protocol, 0)
    return head + bytes([10, n, 0, 1, 10, n, 0, 2]) + inner


def ethernet(packet: bytes, tag: bytes = b"") -> bytes:
    return bytes(12) + tag + b"\x08\0" + packet


def decoded(records: list[tuple[int, bytes]]) -> tuple[np.ndarray, np.ndarray]:
    """PACKET rows of records of link types, one after another in a buffer."""
    buffer = np.frombuffer(b"".join(data for _, data in records) + bytes(64), np.uint8)
    rows, at = np.zeros(len(records), PACKET), 0
    for row, (link, data) in zip(rows, records, strict=True):
        table, reasons = np.zeros(1, np.int64), np.zeros(99, np.int64)
        row["offset"], row["captured"], row["wire"] = at, len(data), len(data)
        start = {1: 14, 12: 0, 147: 0}[link]
        found = np.array([start]), np.array([0x0800]), table
        kernels.decode_located(buffer, table, *found, row.reshape(1), reasons)
        at += len(data)
    return rows, buffer


def compare(plain, records, packets, rows, of) -> None:
    """Each layer is what the oracle says when it reads so far in."""
    for row, each in zip(rows, of.tolist(), strict=True):
        link, data = records[each]
        around = row["depth"] < packets["depth"][each]
        want = plain.decode(data, len(data), link, int(row["depth"]) if around else 5)
        if around and want["proto"] != 17:
            want |= {"payload_at": want["payload_at"] + want["payload"], "payload": 0}
        assert {name: int(row[name]) for name in plain.FIELDS} == want
        assert row["offset"] == packets["offset"][each]


@pytest.fixture
def nested() -> bytes:
    """UDP in IP in GRE in VXLAN."""
    gre = ip(2, 47, struct.pack(">HH", 0, 0x0800) + ip(1, 4, ip(0, *udp())))
    return ip(3, *udp(struct.pack(">II", 8 << 24, 77 << 8) + ethernet(gre), (1000, 4789)))


def test_each_layer_is_a_row_behind_the_one_inside(plain, nested):
    records = [(1, ethernet(ip(9, *udp()))), (1, ethernet(nested)), (12, ip(5, 4, ip(4, *udp())))]
    packets, buffer = decoded(records)
    assert packets["depth"].tolist() == [0, 3, 1]
    rows, of = with_layers(packets, buffer, LINKS)
    assert of.tolist() == [0, 1, 1, 1, 1, 2, 2]
    assert rows["depth"].tolist() == [0, 3, 2, 1, 0, 1, 0]
    compare(plain, records, packets, rows, of)
    assert len(set(rows["hash"][1:5].tolist())) == 4


def test_plain_packets_are_handed_back_as_they_are():
    packets, buffer = decoded([(1, ethernet(ip(9, *udp())))] * 3)
    rows, of = with_layers(packets, buffer, LINKS)
    assert rows is packets
    assert of is None
    numbers = np.arange(3)
    assert chosen(numbers, of) is numbers
    assert chosen(numbers, np.array([2, 2])).tolist() == [2, 2]


def test_a_link_type_that_is_not_named_leaves_a_packet_alone(nested):
    packets, buffer = decoded([(1, ethernet(nested)), (12, nested)])
    rows, of = with_layers(packets, buffer, np.array([12], np.int64))
    assert of.tolist() == [0, 1, 1, 1, 1]
    assert rows["depth"].tolist() == [3, 3, 2, 1, 0]
    assert rows["network"][1:4].tolist() == [packets["network"][1], *rows["network"][2:4].tolist()]


def test_a_datagram_put_together_begins_with_its_ip_header(nested):
    packets, buffer = decoded([(12, nested), (12, nested)])
    packets["marks"][1] = REBUILT
    rows, of = with_layers(packets, buffer, LINKS)
    assert of.tolist() == [0, 0, 0, 0, 1]
    rows, of = of_rebuilt(packets, buffer, np.array([5, 6], np.uint32))
    assert of.tolist() == [0, 1, 1, 1, 1]
    assert rows["marks"].tolist() == [0] + [REBUILT] * 4
    assert rows["vlan"][-1] == 6


def test_hostile_records_have_the_layers_that_the_oracle_sees(plain):
    """Whatever the bytes are; what is around lies nearer to the beginning."""
    rng = random.Random(7)
    base = ethernet(ip(3, 4, ip(2, 47, struct.pack(">HH", 0, 0x6558) + ethernet(ip(0, *udp())))))
    records = []
    for _ in range(400):
        data = bytearray(base)
        for _ in range(rng.randrange(3)):
            data[rng.randrange(14, len(data))] = rng.randrange(256)
        records.append((1, bytes(data[: rng.choice([len(data), rng.randrange(34, len(data))])])))
    packets, buffer = decoded(records)
    rows, of = with_layers(packets, buffer, LINKS)
    assert len(rows) == len(of) == len(packets) + int(packets["depth"].sum())
    compare(plain, records, packets, rows, of)
    inner, around = rows[:-1], rows[1:]
    same = of[1:] == of[:-1]
    assert (around["network"][same] < inner["network"][same]).all()
    assert (around["depth"][same] + 1 == inner["depth"][same]).all()
    assert (rows["status"][of == 0] == TRANSPORT).any()
    assert (packets["depth"] == 2).sum() > 50


def test_the_kernel_compiles_without_a_tunnel():
    compile_layers()
