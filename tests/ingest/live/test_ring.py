"""A ring on a wire of our own: what is refused, and that drops are counted."""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from citywall.errors import InputError, SettingsError
from drills import packets
from ingest.live.ring import PacketRing

MIB = 1 << 20


def ring(interface: str, size: int = MIB) -> PacketRing:
    return PacketRing(interface, ring_bytes=size, snaplen=1000, promiscuous=True)


def capture(path: Path, count: int) -> Path:
    frames = [
        (i * 1000, packets.tcp_frame("10.0.0.1", "10.0.0.2", 1000 + i, 80, 2, payload=b"x" * 600))
        for i in range(count)
    ]
    packets.write_pcap(path, frames)
    return path


def drain(opened: PacketRing) -> int:
    seen = 0
    opened.wait(0.2)
    while (block := opened.filled()) is not None:
        assert block.first < block.end <= opened.ring.size
        seen += block.packets
        opened.give_back()
        opened.wait(0.2)
    return seen


def test_packets_come_in_blocks(wire, tmp_path: Path):
    with ring(wire.interface) as opened:
        assert opened.link == 1
        assert opened.filled() is None
        wire.send(capture(tmp_path / "some.pcap", 300))
        assert drain(opened) == 300
        assert opened.dropped() == 0


def test_a_full_ring_drops_and_counts(wire, tmp_path: Path):
    with ring(wire.interface) as opened:
        wire.send(capture(tmp_path / "many.pcap", 2000), times=3)
        seen, dropped = drain(opened), opened.dropped()
        assert seen + dropped == 6000
        assert dropped > 1000
        assert opened.dropped() == 0  # told once


def test_an_interface_that_goes_and_comes(wire, tmp_path: Path):
    with ring(wire.interface) as opened:
        assert opened.wait(0.0)
        wire.unplug()
        assert not opened.wait(1.0)
        assert not opened.reopen()
        wire.plug()
        assert opened.reopen()
        wire.send(capture(tmp_path / "some.pcap", 10))
        assert drain(opened) == 10


def test_what_cannot_be_is_said(wire):
    with pytest.raises(InputError, match="there is no such interface"):
        ring("cwnot-there")
    with pytest.raises(SettingsError, match=r"sensor\.ring_mib: no memory for a ring of \d+ MiB"):
        ring(wire.interface, 4095 << 30)


def test_the_missing_right_is_named():
    script = (
        "import os\nfrom ingest.live.ring import PacketRing\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: PacketRing('lo', ring_bytes=1 << 20, snaplen=99, promiscuous=False)\n"
        "except Exception as e: print(type(e).__name__, e)\n"
    )
    if os.geteuid() != 0:
        pytest.skip("to give rights up one must have them")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("InputError lo: capturing needs the right CAP_NET_RAW"), done.stderr


@pytest.mark.skipif(ctypes.util.find_library("pcap") is None, reason="libpcap is not here")
def test_only_what_is_wanted_comes(wire, tmp_path: Path):
    with PacketRing(
        wire.interface, ring_bytes=MIB, snaplen=1000, promiscuous=True, wanted="tcp src port 1007"
    ) as opened:
        wire.send(capture(tmp_path / "some.pcap", 20))
        assert drain(opened) == 1
    with pytest.raises(SettingsError, match="no capture filter"):
        PacketRing(wire.interface, ring_bytes=MIB, snaplen=1000, promiscuous=True, wanted="tcp prt")


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setcap") is None, reason="needs root and setcap")
def test_capturing_without_root_by_a_file_capability():
    """As docs/sources.md has it: an interpreter of the sensor's own with the right, run as nobody."""
    try_it = "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0); print('captures')"
    folder = Path(tempfile.mkdtemp(prefix="citywall-capability-"))
    try:
        folder.chmod(0o755)
        python = Path(shutil.copy(Path(sys.executable).resolve(), folder / "python"))
        as_nobody = ["setpriv", "--reuid", "65534", "--clear-groups", str(python), "-I", "-c", try_it]

        def run() -> str:
            return subprocess.run(as_nobody, capture_output=True, text=True, cwd="/", check=False).stdout

        if subprocess.run(["setcap", "cap_net_raw+ep", str(python)], check=False).returncode:
            pytest.skip("this file system keeps no capabilities")
        assert run() == "captures\n"
        subprocess.run(["setcap", "-r", str(python)], check=True)
        assert run() == ""
    finally:
        shutil.rmtree(folder)
