"""Frames and files made by hand, read back by Scapy."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drills import packets
from drills.packets import (
    ACK,
    PSH,
    SOURCE_MAC,
    TARGET_MAC,
    arp,
    checksum,
    ethernet,
    icmp_frame,
    ip,
    ipv4,
    mac_bytes,
    neighbour_advert,
    neighbour_solicit,
    tcp,
    tcp_frame,
    udp_frame,
    write_pcap,
    write_pcapng,
)

FAR = ("10.0.0.1", "192.0.2.9"), ("fd00::1", "2001:db8::9")
FRAMES = [
    make(src, dst)
    for src, dst in FAR
    for make in (
        lambda s, d: tcp_frame(s, d, 4000, 80),
        lambda s, d: tcp_frame(s, d, 4000, 80, ACK | PSH, payload=b"odd", seq=7, ack=9, vlans=(5,)),
        lambda s, d: udp_frame(s, d, 5, 53, b"question", vlans=(100, 7)),
        lambda s, d: udp_frame(s, d, 5, 53),
        lambda s, d: icmp_frame(s, d, payload=b"ping"),
        lambda s, d: icmp_frame(s, d, 3, 1),
    )
] + [
    arp(1, SOURCE_MAC, "10.0.0.1", "10.0.0.2"),
    arp(2, SOURCE_MAC, "10.0.0.1", "10.0.0.2", TARGET_MAC, vlans=(9,)),
    neighbour_solicit(SOURCE_MAC, "fe80::1", "fe80::2"),
    neighbour_advert(SOURCE_MAC, "fe80::1", "fe80::2", TARGET_MAC),
    ethernet(
        ipv4(
            "10.0.0.1",
            "10.0.0.2",
            6,
            tcp("10.0.0.1", "10.0.0.2", 1, 2, options=b"\x02\x04\x05\xb4\x01"),
            options=b"\x94\x04\x00\x00",
        )
    ),
]


@pytest.mark.parametrize("frame", FRAMES, ids=range(len(FRAMES)))
def test_scapy_would_have_built_the_same(frame: bytes):
    from scapy.layers.l2 import Ether

    read = Ether(frame)
    assert (
        "Raw" not in read or read["Raw"].underlayer.name in {"TCP", "UDP", "ICMP"} or "ICMPv6" in repr(read)
    )
    layer = read
    while layer:
        for name in ("chksum", "cksum", "len", "plen", "ihl", "dataofs"):
            if name in layer.fields:
                del layer.fields[name]
        layer = layer.payload
    assert bytes(read) == frame


def test_vlans_and_macs():
    frame = tcp_frame("10.0.0.1", "10.0.0.2", 1, 2, vlans=(100, 7))
    assert frame[:22] == mac_bytes(TARGET_MAC) + mac_bytes(SOURCE_MAC) + bytes.fromhex(
        "88a80064 81000007 0800"
    )
    assert ethernet(b"", 0x1234)[12:] == b"\x12\x34"


@given(st.binary(max_size=40))
def test_checksum(data: bytes):
    words = [int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big") for i in range(0, len(data), 2)]
    total = sum(words)
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    assert checksum(data) == 0xFFFF - total


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.integers(0, (1 << 32) * 10**9 - 1), st.binary(min_size=1, max_size=30)), max_size=5
    ),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_files_read_back(tmp_path_factory, frames, ng, nanosecond, big):
    from scapy.utils import RawPcapNgReader, RawPcapReader

    path = tmp_path_factory.mktemp("files") / "x"
    write = write_pcapng if ng else write_pcap
    assert write(path, frames, 1, nanosecond, big, snap=20) == len(frames)
    unit = 1 if nanosecond else 1000
    got = []
    if not ng or frames:
        with (RawPcapNgReader if ng else RawPcapReader)(str(path)) as reader:
            for data, facts in reader:
                if ng:
                    time = (facts.tshigh << 32 | facts.tslow) * (10**9 // facts.tsresol)
                else:
                    time = facts.sec * 10**9 + facts.usec * unit
                got.append((time, data, facts.wirelen))
    assert got == [(time // unit * unit, data[:20], len(data)) for time, data in frames]


@pytest.mark.skipif(not shutil.which("tcpdump"), reason="tcpdump is not here")
@pytest.mark.parametrize("name", ["write_pcap", "write_pcapng"])
def test_tcpdump_finds_nothing_wrong(tmp_path: Path, name: str):
    path = tmp_path / "x"
    getattr(packets, name)(path, [(i * 10**9, frame) for i, frame in enumerate(FRAMES)])
    done = subprocess.run(["tcpdump", "-nvvr", str(path)], capture_output=True, text=True, check=True)
    assert "bad" not in done.stdout
    assert "incorrect" not in done.stdout
    assert len([line for line in done.stdout.splitlines() if line[:1].isdigit()]) == len(FRAMES)


def test_ip_takes_the_version_of_its_addresses():
    assert ip("10.0.0.1", "10.0.0.2", 99, b"x")[0] >> 4 == 4
    assert ip("::1", "::2", 99, b"x")[0] >> 4 == 6
