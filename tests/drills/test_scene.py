"""The scene: the same every time, in order, and its truth exact to the frame."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from itertools import groupby

import pytest

from citywall.errors import InputError
from drills.register import example
from drills.scene import START, Scene, synthesise
from drills.traffic import ATTACKS
from drills.truth import load


def test_the_same_seed_gives_the_same_bytes(short_scene: Scene, tmp_path):
    again = synthesise(tmp_path / "scene.pcap", minutes=1)
    assert again.path.read_bytes() == short_scene.path.read_bytes()
    assert again.truth_path.read_bytes() == short_scene.truth_path.read_bytes()
    other = synthesise(tmp_path / "other.pcap", seed=2, minutes=1)
    assert other.path.read_bytes() != short_scene.path.read_bytes()


KNOWN = {a for host in example().hosts.values() for a in (host.v4, host.v6)}
ATTACKERS = {
    "192.0.2.99": "icmp-sweep",
    "10.20.30.66": "horizontal-scan",
    "192.0.2.66": "vertical-scan",
    "192.0.2.140": "ssh-guessing",
    "fd20:0:30::bad": "ipv6-scan",
}


def ends_of(frame: bytes) -> tuple[set[str], int]:
    """Both addresses of a frame and its IP protocol (0 for ARP), cut out by hand."""
    kind = frame[12:14]
    if kind == b"\x08\x06":
        return {str(ipaddress.IPv4Address(frame[at : at + 4])) for at in (28, 38)}, 0
    if kind == b"\x08\x00":
        return {str(ipaddress.IPv4Address(frame[at : at + 4])) for at in (26, 30)}, frame[23]
    assert kind == b"\x86\xdd"
    return {str(ipaddress.IPv6Address(frame[at : at + 16])) for at in (22, 38)}, frame[20]


def judged(frame: bytes) -> str:
    """Which attack a frame belongs to, by its own looks alone."""
    ends, proto = ends_of(frame)
    if proto == 0:
        return "arp-sweep" if "10.20.30.99" in ends else ""
    for name in ends & set(ATTACKERS):
        return ATTACKERS[name]
    if any(a.startswith("2001:db8:bad:") for a in ends):
        return "udp6-flood"
    if "10.20.1.10" in ends and not ends <= KNOWN:
        return "syn-flood" if proto == 6 else "ntp-reflection"
    return ""


def test_the_truth_is_exact_to_the_frame(short_scene: Scene):
    from scapy.layers.l2 import Ether
    from scapy.utils import RawPcapReader

    labels, times, size = [], [], 0
    with RawPcapReader(str(short_scene.path)) as reader:
        for frame, facts in reader:
            labels.append(judged(frame))
            times.append(facts.sec * 10**9 + facts.usec * 1000)
            size += facts.wirelen
            if len(labels) % 40 == 0:  # Scapy sees the same ends
                packet = Ether(frame)
                layer = next(packet[n] for n in ("IP", "IPv6", "ARP") if n in packet)
                seen = {layer.psrc, layer.pdst} if layer.name == "ARP" else {layer.src, layer.dst}
                assert seen == ends_of(frame)[0]
    truth = short_scene.truth
    assert truth == load(short_scene.path)
    assert (truth.packets, truth.bytes) == (len(labels), size)
    assert times == sorted(times)
    assert (truth.start, truth.end) == (times[0], times[-1])
    runs: dict[str, list[tuple[int, int]]] = {}
    at = 1
    for label, group in groupby(labels):
        length = len(list(group))
        runs.setdefault(label, []).append((at, at + length - 1))
        at += length
    assert [a.id for a in truth.attacks] == [plan.id for plan in ATTACKS]
    for attack in truth.attacks:
        assert list(attack.frames) == runs[attack.id], attack.id
        assert (attack.first_frame, attack.last_frame) == (runs[attack.id][0][0], runs[attack.id][-1][1])
        assert attack.packets == labels.count(attack.id)
        assert (attack.start, attack.end) == (times[attack.first_frame - 1], times[attack.last_frame - 1])
    assert labels.count("") > 1000


def test_attackers_are_no_benign_hosts(short_scene: Scene):
    benign = set(short_scene.truth.benign_hosts)
    for attack in short_scene.truth.attacks:
        assert not benign & set(attack.sources)
        for target in attack.targets:
            ipaddress.ip_network(target)
        assert {":" in t for t in attack.targets} == {attack.id in {"ipv6-scan", "udp6-flood"}}


def test_time_and_progress(tmp_path):
    seen: list[float] = []
    scene = synthesise(tmp_path / "x.pcap", minutes=2, progress=seen.append)
    assert seen[-1] == 1.0
    assert START <= scene.truth.start < scene.truth.end < START + 120 * 10**9
    assert scene.packets == scene.truth.packets


@pytest.mark.slow
def test_a_long_scene_is_played_in_windows(tmp_path):
    from scapy.utils import RawPcapReader

    seen: list[float] = []
    scene = synthesise(tmp_path / "x.pcap", minutes=12, progress=seen.append)
    assert seen == [pytest.approx(10 / 12), 1.0]
    with RawPcapReader(str(scene.path)) as reader:
        times = [(facts.sec, facts.usec) for _, facts in reader]
    assert times == sorted(times)
    assert len(scene.truth.attacks) == len(ATTACKS)


@pytest.mark.skipif(not shutil.which("tcpdump"), reason="tcpdump is not here")
def test_tcpdump_reads_it_and_finds_every_checksum_right(short_scene: Scene):
    done = subprocess.run(
        ["tcpdump", "-nvvr", str(short_scene.path)], capture_output=True, text=True, check=True
    )
    assert (
        sum(line[:2].isdigit() and line[2] == ":" for line in done.stdout.splitlines()) == short_scene.packets
    )
    assert "bad cksum" not in done.stdout
    assert "(incorrect" not in done.stdout


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(InputError):
        synthesise(tmp_path / "no" / "such" / "folder.pcap", minutes=1)
    with pytest.raises(ValueError, match="minute"):
        synthesise(tmp_path / "x.pcap", minutes=0)
