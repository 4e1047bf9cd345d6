"""Floods: what is one, what is none, and what is said of it."""

from __future__ import annotations

import math

import detector_scenes as scenes
import numpy as np
import pytest
from detector_scenes import Scene, address

from citywall.batches import ACK, END, END_LOGGED, FIN, PSH, RST, SYN
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.features import kernels
from detectors.flood import FloodParameters, distinct_sources, entropy
from detectors.registry import build

VICTIM = "10.2.0.7"


def judge(scene, **parameters):
    detectors = build({"flood": parameters, "scan": {"enabled": False}}, PRIVATE)
    found = detectors.process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "flood"]


def kinds(found):
    return {(f.kind, f.entity) for f in found}


def test_entropy():
    bins = np.zeros((4, 16), np.uint16)
    bins[1, 3] = 9
    bins[2] = 5
    bins[3, :2] = 8
    assert entropy(bins).tolist() == pytest.approx([0, 0, 1, 0.25])


@pytest.mark.parametrize("n", [1, 10, 40, 100, 854, 5000])
def test_distinct_sources(n):
    """HyperLogLog of 32 registers (Flajolet et al. 2007): a relative error of 1.04 / sqrt(32) at most."""
    rounds = 200
    values = np.random.default_rng(n).integers(0, 2**63, (rounds, n))
    rest = values >> 5
    ranks = np.log2(rest & -rest).astype(np.uint8) + 1
    registers = np.zeros((rounds, 32), np.uint8)
    np.maximum.at(registers, (np.arange(rounds)[:, None], values & 31), ranks)
    errors = distinct_sources(registers) / n - 1
    assert abs(errors.mean()) < 0.05
    assert math.sqrt((errors**2).mean()) < 1.2 * 1.04 / math.sqrt(32)


def test_limits_by_level_and_channel():
    table = FloodParameters().limits()
    assert table.shape == (2, kernels.CHANNELS, 4)
    assert table[1, kernels.SYN_HALF_OPEN, 0] == 4 * table[0, kernels.SYN_HALF_OPEN, 0]


@pytest.mark.parametrize("n", [80, 100, 200])
def test_syn_in_a_fraction_of_a_second_from_one_source(n):
    """Fifty a second may come, forty more are a flood: a hundred at once are, however seconds cut them."""
    scene = Scene()
    for i in range(n):
        scene.tcp(i * 0.001, "192.0.2.10", "198.51.100.5", 443, "silent", sport=40000 + i)
    found = judge(scene)
    if n < 100:
        assert found == []
        return
    finding = found[0]
    assert finding.facts["observed"] == finding.facts["threshold"] == 40
    assert (finding.kind, finding.entity, finding.severity) == ("syn_flood", "198.51.100.5", Severity.HIGH)
    assert finding.source.address == "192.0.2.10"
    assert finding.target.port == 443


@pytest.mark.parametrize("form", ["silent", "refused"])
def test_a_fast_vertical_scan_is_no_flood(form):
    scene = Scene()
    for i in range(3000):
        scene.tcp(i * 0.001, "192.0.2.10", VICTIM, 1 + i * 17 % 60000, form, sport=40000)
    assert judge(scene) == []


def test_syn_flood_on_all_ports_from_many_sources():
    scene = Scene()
    for i in range(1500):
        scene.tcp(i * 0.001, f"198.51.{i % 200}.{i % 251}", VICTIM, 1 + i * 17 % 60000, "unfinished")
    assert kinds(judge(scene)) == {("syn_flood", VICTIM)}


def test_finished_handshakes_are_no_flood():
    scene = Scene()
    for i in range(3000):
        scene.tcp(i * 0.0005, address(i % 400, net=9), VICTIM, 443, "connect_only")
    assert judge(scene) == []


def test_a_slow_trickle_never_adds_up():
    scene = Scene()
    for i in range(1200):
        scene.tcp(i * 0.03, address(i % 400, net=9), VICTIM, 443, "silent")  # 33 a second for 36 s
    assert judge(scene) == []


def test_a_moderate_rate_adds_up():
    scene = Scene()
    for i in range(1200):
        scene.tcp(i * 0.0125, address(i % 400, net=9), VICTIM, 443, "silent")  # 80 a second
    found = judge(scene)
    assert kinds(found) == {("syn_flood", VICTIM)}
    assert 2 <= (found[0].time - scenes.T0) / scenes.SECOND <= 6


def test_udp_floods():
    few = Scene().udp(0, "198.51.100.9", VICTIM, 5000, 40000, 0, lasts=3)
    found = judge(few)
    assert kinds(found) == {("udp_flood", VICTIM)}
    assert found[0].source.address == "198.51.100.9"
    many = Scene()
    for i in range(1500):
        many.udp(
            i * 0.001, f"198.51.{i % 200}.{i % 251}", VICTIM, 5000 + i % 3, 1, 0, sport=20000 + i * 11 % 40000
        )
    assert kinds(judge(many)) == {("udp_flood", VICTIM)}


def test_a_udp_scan_is_no_flood():
    scene = Scene()
    for i in range(2000):
        scene.udp(i * 0.001, "198.51.100.9", VICTIM, 1 + i * 29 % 60000, 1, 0, sport=40001)
    assert judge(scene) == []


def test_reflection_from_a_service_nobody_has_listed():
    scene = Scene()
    for i in range(1500):
        scene.udp(i * 0.0008, f"198.51.{i % 200}.{i % 251}", VICTIM, 40000 + i % 50, 1, 0, sport=999)
    assert kinds(judge(scene)) == {("udp_reflection", VICTIM)}


def test_answers_to_questions_are_no_reflection():
    scene = Scene()
    for i in range(3000):
        scene.udp(i * 0.001, VICTIM, address(i % 300, net=30), 53, 1, 3)
    assert judge(scene) == []


def test_an_amplifier_whose_question_was_forged():
    """Seen at the amplifier: one packet asks, a thousand go to who never asked."""
    scene = Scene()
    for i in range(40):
        scene.udp(i * 0.02, VICTIM, address(i, net=30), 123, 1, 400, sport=80, lasts=2)
    found = judge(scene)
    assert kinds(found) == {("udp_reflection", VICTIM)}


def test_unasked_handshakes():
    found = judge(scenes.tcp_reflection())
    assert found[0].facts["sources_estimated"] > 100
    assert found[0].facts["source_port"] == 80
    one = Scene()
    for i in range(300):
        one.tcp(i * 0.001, "198.51.100.9", VICTIM, 1000 + i, "syn_ack", sport=80)
    assert judge(one) == []  # one server's handshakes: the other direction was not captured


def test_pings_from_a_multicast_source():
    scene = Scene().ping(0, "ff02::1", "ff02::1", 1000, 0, lasts=0.008)
    assert kinds(judge(scene)) == {("icmp_flood", "ff02::1")}


def test_a_flood_whose_capture_begins_with_the_victim():
    """Hosts share one flow of ICMP: the victim's neighbour advertisement came first."""
    scene = Scene().ping(0, "2001:db8::1", "2001:db8::2", 10, 20000, lasts=2, kind=136)
    assert kinds(judge(scene)) == {("icmp_flood", "2001:db8::1")}


def test_ordinary_pings():
    scene = Scene()
    for i in range(40):
        scene.ping(0, address(i, net=9), VICTIM, 60, 60, lasts=60)
    assert judge(scene) == []


def test_stray_segments():
    scene = Scene()
    for i in range(3000):
        scene.tcp(i * 0.001, f"198.51.{i % 200}.{i % 251}", VICTIM, 80, "stray")
    assert kinds(judge(scene)) == {("packet_flood", VICTIM)}


@pytest.mark.parametrize("six", [False, True])
def test_carpet_bombing(six):
    """No host gets much, their network gets a lot."""
    scene = Scene()
    for i in range(6000):
        scene.tcp(
            i * 0.0005,
            address(i * 7 % 3000, six, 60 + i % 9),
            address(i * 13 % 120, six, 2),
            443,
            "unfinished",
        )
    found = judge(scene)
    assert {f.kind for f in found} == {"carpet_bombing"}
    assert {f.entity for f in found} == {"2001:db8:2::/64" if six else "10.2.0.0/24"}
    assert found[0].facts["flood"] == "syn_flood"


def test_a_horizontal_scan_is_no_carpet_bombing():
    scene = Scene()
    for i in range(6000):
        scene.tcp(i * 0.0005, "198.51.100.9", address(i * 13 % 250, net=2), 1 + i % 50, "silent")
    assert judge(scene) == []


def test_logged_flows_count_by_the_second():
    """100,000 one-way packets in an hour are 28 a second; in two seconds they are a flood."""
    slow = Scene().udp(0, "198.51.100.9", VICTIM, 5000, 100_000, 0, lasts=3600).logged()
    fast = Scene().udp(0, "198.51.100.9", VICTIM, 5000, 100_000, 0, lasts=2).logged()
    assert judge(slow) == []
    assert kinds(judge(fast)) == {("udp_flood", VICTIM)}


def test_a_second_flood_after_a_pause_is_told_again():
    scene = Scene()
    for start in (0, 600):
        for i in range(1000):
            scene.tcp(start + i * 0.001, address(i % 300, net=9), VICTIM, 443, "silent")
    began = {f.began for f in judge(scene)}
    assert len(began) == 2


def sampled(scene, rate, seed):
    """The scene's packets as an exporter tells them that looks at one in `rate` (sFlow): a row a sample."""
    rng = np.random.default_rng(seed)
    rows = []
    for row in (r for r in scene.rows if r["kind"] == END):
        for side, other in (("src", "dst"), ("dst", "src")):
            count = row[f"{side}_packets"]
            opening = (row["first_flags"] if side == "src" else row["dst_flags"] & (SYN | ACK)) or ACK
            for place in np.flatnonzero(rng.random(count) < 1 / rate).tolist():
                flags = opening if place == 0 else (row[f"{side}_flags"] & ~SYN or opening) | (opening & ACK)
                time = row["first"] + int((row["last"] - row["first"]) * place / max(count, 1))
                rows.append(
                    row
                    | {
                        "flow_id": int(rng.integers(1, 2**63)), "time": time, "first": time, "last": time,
                        "report": 0, "reason": END_LOGGED, "frame": -1, "offset": -1, "sampling": rate,
                        "src_head": 0, "dst_head": 0,
                        "src_hi": row[f"{side}_hi"], "src_lo": row[f"{side}_lo"],
                        "dst_hi": row[f"{other}_hi"], "dst_lo": row[f"{other}_lo"],
                        "src_port": row[f"{side}_port"], "dst_port": row[f"{other}_port"],
                        "src_packets": rate, "src_packets_delta": rate, "src_bytes": 60 * rate,
                        "src_bytes_delta": 60 * rate, "src_payload": 0, "dst_packets": 0, "dst_bytes": 0,
                        "dst_packets_delta": 0, "dst_bytes_delta": 0, "dst_payload": 0,
                        "src_flags": flags, "first_flags": SYN if flags & SYN else flags & ~(FIN | RST),
                        "dst_flags": 0,
                    }
                )  # fmt: skip
    return Scene(rows, [], 0)


def busy(seconds=60):
    """A portal with 60 connections a second, a resolver with 60 questions and answers, pings between."""
    scene = Scene()
    for i in range(60 * seconds):
        at = i / 60
        client = address(i % 997, False, 30)
        scene.flow(
            at, client, VICTIM, 6, None, 443, 12, 10, 2000, 9000, 0.8, first=SYN,
            flags=(SYN | ACK | PSH | FIN, SYN | ACK | PSH | FIN),
        )  # fmt: skip
        scene.udp(at, "10.2.0.53", address(i % 7, False, 31), 53, size=60)
        if i % 60 == 0:
            scene.flow(at, client, VICTIM, 1, 0, 0, 1, 1, 56, 56, 0.01, icmp=8)
    return scene


@pytest.mark.parametrize("rate", [2, 16, 128, 2048])
def test_few_packets_that_stand_for_many_are_no_flood(rate):
    """An exporter that samples tells a ping as a thousand, and every handshake as half of one."""
    for seed in range(3):
        assert judge(sampled(busy(), rate, seed)) == []
    one = sampled(Scene().flow(0, "10.2.0.9", VICTIM, 1, 0, 0, 1, 0, 56, 0, 0.01, icmp=8), 1, 0)
    one.rows[0] |= {"sampling": rate, "src_packets": rate, "src_packets_delta": rate}
    assert judge(one) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (scenes.syn_flood, "syn_flood"),
        (scenes.ping_flood, "icmp_flood"),
        (scenes.udp_reflection, "udp_reflection"),
        (scenes.tcp_reflection, "tcp_reflection"),
    ],
)
def test_floods_are_found_in_samples(name, kind):
    assert kind in {f.kind for f in judge(sampled(name(False), 16, 1))}
