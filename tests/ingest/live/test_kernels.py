"""The copy out of the ring against a slow, obvious oracle."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.capture.sparse import PassingCapture
from ingest.decode.blocks import BlockRef, Interface, Section
from ingest.decode.reading import decode_block
from ingest.live import kernels

SNAP = 200
VLAN, TPID = 1 << 4, 1 << 6
ORIGIN = 5000


@pytest.fixture(autouse=True)
def _hashes_wrap() -> Iterator[None]:
    """Without the JIT, NumPy warns of the overflow that hashing is made of."""
    with np.errstate(over="ignore"):
        yield


def ring_block(packets: list[tuple[int, int, int, int, int, int, bytes]], lead: int = 64) -> bytes:
    """A block as the kernel lays it out: (sec, nsec, status, tci, tpid, wire, data held)."""
    block = bytearray(lead)
    for i, (sec, nsec, status, tci, tpid, wire, data) in enumerate(packets):
        mac = 82  # behind the header and the address, as for Ethernet
        size = -(-(mac + len(data)) // 16) * 16
        following = 0 if i == len(packets) - 1 else size
        head = struct.pack(
            "<6I2H2I2H", following, sec, nsec, len(data), wire, status, mac, mac + 14, 0, tci, tpid, 0
        )
        block += (head.ljust(mac, b"\xee") + data).ljust(size, b"\xee")
    return bytes(block)


def slowly(packets, snap: int = SNAP) -> tuple[bytes, int]:
    """The records, and the newest time."""
    told, newest = b"", -(1 << 63)
    for sec, nsec, status, tci, tpid, length, held in packets:
        data, wire = held, length
        if status & VLAN and len(data) >= 12:
            kind = tpid if status & TPID else 0x8100
            data, wire = data[:12] + struct.pack(">HH", kind, tci) + data[12:], wire + 4
        data = data[:snap]
        told += struct.pack("<4I", sec, nsec, len(data), max(wire, len(data))) + data
        newest = max(newest, sec * 10**9 + nsec)
    return told, newest


def copy(block: bytes, count: int, room: int = 1 << 16, snap: int = SNAP, lead: int = 64):
    """All of a block, through outputs of `room` bytes: (records of each, newest, digests, why it ended)."""
    ring = np.frombuffer(block, np.uint8)
    at, left, told, newest, digests, why = lead, count, [], -(1 << 63), [], kernels.FULL
    origin = ORIGIN
    while why == kernels.FULL:
        out = np.zeros(room, np.uint8)
        why, at, left, filled, latest, digest = kernels.copy_packets(
            ring, at, len(block), left, snap, out, 0, origin, np.uint64(0)
        )
        if why == kernels.FULL and not filled:
            break
        told.append(out[:filled].tobytes())
        newest = max(newest, latest)
        digests.append(int(digest))
        origin += filled
    return told, newest, digests, why


def some(seed: int, count: int) -> list[tuple[int, int, int, int, int, int, bytes]]:
    dice = random.Random(seed)
    found = []
    for _ in range(count):
        data = dice.randbytes(dice.choice((0, 5, 11, 12, 14, 60, 196, 198, 200)))
        status = 1 | dice.choice((0, VLAN, VLAN | TPID, TPID))
        tpid = dice.choice((0x8100, 0x88A8))
        wire = len(data) + dice.choice((0, 0, 1000))
        found.append(
            (
                dice.randrange(1 << 32),
                dice.randrange(10**9),
                status,
                dice.randrange(1 << 16),
                tpid,
                wire,
                data,
            )
        )
    return found


@given(seed=st.integers(0, 1 << 30), count=st.integers(0, 40), room=st.sampled_from((300, 1000, 1 << 16)))
def test_records_are_those_of_the_oracle(seed: int, count: int, room: int):
    packets = some(seed, count)
    told, newest, digests, why = copy(ring_block(packets), count, room)
    assert why == kernels.DONE
    assert (b"".join(told), newest) == slowly(packets)
    assert len(digests) == len(told)
    assert all(len(each) <= room for each in told)


def test_the_digest_is_what_decode_finds():
    packets = some(3, 30)
    (told,), newest, (digest,), _ = copy(ring_block(packets), 30)
    section = Section("pcap", big_endian=False, interfaces=(Interface(link=1, multiply=1),))
    ref = BlockRef("s", "p", 0, ORIGIN, len(told), 30, 1, digest, newest, section)
    passing = PassingCapture("p")
    passing.put(ref, told)
    rows = np.concatenate(list(decode_block(ref, passing.buffer, 7)))  # raises where it differs
    assert rows["time"].tolist() == [sec * 10**9 + nsec for sec, nsec, *_ in packets]


@pytest.mark.parametrize("hurt", [16, 0])
def test_what_reaches_out_of_its_block_is_refused(hurt: int):
    block = bytearray(ring_block(some(1, 3)))
    struct.pack_into("<I", block, 64 + 12 if hurt else 64, 1 << 20 if hurt else 0)
    _, _, _, why = copy(bytes(block), 3)
    assert why == kernels.MALFORMED
    assert copy(ring_block(some(1, 3))[:100], 3)[3] == kernels.MALFORMED
