"""The writer of captures against an obvious one that joins bytes."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.generator import capture, kernels
from bench.generator.capture import Profile

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(h: int) -> int:
    h = ((h ^ (h >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    h = ((h ^ (h >> 27)) * 0x94D049BB133111EB) & MASK
    return h ^ (h >> 31)


def draw(seed: int, stream: int, counter: int) -> int:
    return mix((seed + stream * GOLDEN + (counter + 1) * GOLDEN) & MASK)


class Flow:
    """One flow of the oracle."""

    def __init__(self, serial: int, seed: int, profile: Profile, tables) -> None:
        w = draw(seed, 0x2545F491, serial)
        self.sent, self.seen = 0, False
        self.client, turn = serial % profile.clients, serial // profile.clients
        self.client_port = 1024 + (turn * 40507 + self.client * 17) % 64512
        self.seq = [w & 0xFFFFFFFF, w >> 32]
        self.proto = 6 if w & 255 < 179 else 17 if w & 255 < 243 else 1
        self.is6 = (w >> 8) % 1000 < 300
        self.extended = self.is6 and (w >> 20) & 31 == 0
        self.vlan = 1 + (w >> 25) % 4094 if (w >> 37) % 5 == 0 else 0
        length = int(tables.lengths[w >> 52])
        if self.proto == 1:
            self.server, self.server_port = (turn + self.client * 7) % 20000, 0
        else:
            self.server = int(tables.servers[(w >> 16) & 0xFFFF])
            ports = capture.TCP_PORTS if self.proto == 6 else capture.UDP_PORTS
            self.server_port = ports[self.server % len(ports)]
        if profile.fixed_length:
            self.total = profile.fixed_length
        elif self.proto == 6:
            self.total = {0: 1, 1: 2}.get((w >> 42) & 63, 2 * length)
        else:
            self.total = max(length // 2, 1)

    def address(self, is_server: bool, seed: int) -> bytes:
        host = self.server if is_server else self.client
        place = host * 7919 % 20000 if is_server else host
        if self.is6:
            suffix = draw(seed, 0x6A09E667 if is_server else 0x510E527F, host)
            return struct.pack(
                ">IIQ", 0x20010DB8, 65536 + place // 128 if is_server else 1 + host // 256, suffix
            )
        return struct.pack(">I", (0xAC100000 if is_server else 0x0A010000) + place)


def checksum(header: bytes) -> int:
    total = sum(struct.unpack(">10H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame_of(i: int, w: int, flow: Flow, seed: int, profile: Profile, tables) -> bytes:
    sent, total, newly_seen = flow.sent, flow.total, not flow.seen
    flow.seen = True
    flow.sent += 1
    size = int(tables.sizes[(w >> 20) & 63])
    by_chance = (w >> 16) & 7 < 4 if profile.burst == 1 else i % 2 == 1
    server_speaks = not newly_seen and (sent == 1 or by_chance)
    flags = 0x10 if size <= 90 else 0x18
    if flow.proto == 6 and (sent < 3 or sent >= total - 2):
        size = 0
        if sent == 0:
            flags = 0x02
        elif sent == 1:
            flags = 0x14 if total == 2 else 0x12
        elif sent == 2:
            server_speaks, flags = False, 0x10
        else:
            server_speaks, flags = sent == total - 1, 0x11
    link = b"\x81\x00" + struct.pack(">H", flow.vlan) if flow.vlan else b""
    network = 48 if flow.extended else 40 if flow.is6 else 20
    transport = 20 if flow.proto == 6 else 8
    headers = 14 + len(link) + network + transport
    payload_size = max(size - headers, 0)
    hosts = [(1, flow.client), (2, flow.server)]
    sender, receiver = (hosts[1], hosts[0]) if server_speaks else (hosts[0], hosts[1])
    ethernet = b"".join(struct.pack(">HI", 0x200 | role, host) for role, host in (receiver, sender))
    ethernet += link + (b"\x86\xdd" if flow.is6 else b"\x08\x00")
    addresses = flow.address(server_speaks, seed) + flow.address(not server_speaks, seed)
    if flow.is6:
        protocol = 58 if flow.proto == 1 else flow.proto
        ip = struct.pack(
            ">IHBB", 0x60000000, network - 40 + transport + payload_size, 0 if flow.extended else protocol, 64
        )
        ip += addresses
        if flow.extended:
            ip += bytes([protocol, 0, 5, 2, 0, 0, 1, 0])
    else:
        ip = struct.pack(
            ">BBHHHBBH", 0x45, 0, 20 + transport + payload_size, i & 0xFFFF, 0x4000, 64, flow.proto, 0
        )
        ip += addresses
        ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    ports = (flow.server_port, flow.client_port) if server_speaks else (flow.client_port, flow.server_port)
    if flow.proto == 1:
        kind = (129 if server_speaks else 128) if flow.is6 else (0 if server_speaks else 8)
        head = struct.pack(">BBHHH", kind, 0, 0, flow.client_port, sent & 0xFFFF)
    elif flow.proto == 17:
        head = struct.pack(">HHHH", *ports, 8 + payload_size, 0)
    else:
        side = int(server_speaks)
        ack = 0 if flags == 2 else flow.seq[1 - side]
        head = struct.pack(">HHIIBBHHH", *ports, flow.seq[side], ack, 0x50, flags, 0xFFFF, 0, 0)
        flow.seq[side] = (flow.seq[side] + payload_size + (1 if flags & 3 else 0)) & 0xFFFFFFFF
    payload = b""
    if payload_size:
        source = tables.noise if flow.server_port in (443, 22) else tables.text
        start = draw(seed, 0x3C6EF372, i) % (len(source) - 1500)
        payload = source[start : start + payload_size].tobytes()
    return (ethernet + ip + head + payload).ljust(60, b"\0")


def oracle(packets: int, profile: Profile, seed: int) -> tuple[bytes, int]:
    """The capture's bytes and the flows begun."""
    tables = capture._tables(profile, seed)
    slots: list[Flow | None] = [None] * profile.concurrent
    flows = 0
    out = [capture.FILE_HEADER]
    period = 1_000_000 // profile.packets_per_second
    for i in range(packets):
        w = draw(seed, 0x1B873593, i)
        if i % profile.sweep == 0:
            place = i // profile.sweep // profile.burst % profile.concurrent
        else:
            place = int(tables.weights[w & 0xFFFF])
        flow = slots[place]
        if flow is None or flow.sent == flow.total:
            under_way = flow is None
            flow = slots[place] = Flow(flows, seed, profile, tables)
            flows += 1
            if under_way and flow.total >= 6:
                flow.sent = 3 + draw(seed, 0x9B05688C, place) % (flow.total - 5)
        data = frame_of(i, w, flow, seed, profile, tables)
        time = 1_700_000_000_000_000 + i * period + (w >> 26) % period
        out += [struct.pack("<IIII", time // 10**6, time % 10**6, len(data), len(data)), data]
    return b"".join(out), flows


profiles = st.builds(
    Profile,
    concurrent=st.integers(1, 50),
    packets_per_second=st.integers(1, 1_000_000),
    sweep=st.sampled_from([1, 2, 8]),
    fixed_length=st.sampled_from([0, 0, 1, 7]),
    clients=st.sampled_from([1, 30, 1_000_000]),
    burst=st.sampled_from([1, 1, 2, 3]),
    bare=st.booleans(),
)


@settings(max_examples=25)
@given(profile=profiles, seed=st.integers(0, 2**63), packets=st.integers(0, 300), chunk=st.integers(1, 400))
def test_the_kernel_writes_what_the_oracle_writes(tmp_path_factory, profile, seed, packets, chunk):
    path = tmp_path_factory.mktemp("oracle") / "capture.pcap"
    facts = capture.write_capture(path, packets, profile, seed, chunk)
    expected, flows = oracle(packets, profile, seed)
    assert path.read_bytes() == expected
    assert facts.flows == flows


def test_the_kernel_never_needs_more_room_than_promised(tmp_path: Path):
    """The longest frames: IPv6 with options in a VLAN, and every size there is."""
    assert max(size for size, _ in capture.SIZES) <= kernels.MAX_FRAME
    longest_headers = 18 + 48 + 20
    assert kernels.RECORD_HEADER + max(kernels.MAX_FRAME, longest_headers) <= kernels.ROOM
    profile = Profile(concurrent=5)
    tables = capture._tables(profile, 3)
    buffer = np.full(500 * kernels.ROOM + 64, 0xAA, np.uint8)
    written = kernels.fill(
        buffer, 0, 500, np.uint64(3), 0, 200, np.zeros(5, capture.SLOT), np.zeros(3, np.int64),
        4000, tables.weights, 3, 1, tables.lengths, 0, tables.sizes, tables.servers,
        np.array(capture.TCP_PORTS, np.uint16), np.array(capture.UDP_PORTS, np.uint16),
        tables.text, tables.noise,
    )  # fmt: skip
    assert written <= 500 * kernels.ROOM
    assert (buffer[500 * kernels.ROOM :] == 0xAA).all()


@pytest.mark.parametrize("hosts", [1, 4001])
def test_words_of_a_stream_differ(hosts: int):
    words = {int(kernels.word(np.uint64(1), kernels.CLIENT_STREAM, i)) for i in range(hosts)}
    assert len(words) == hosts
