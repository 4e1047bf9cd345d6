"""Scans: what is one, what is none, and what is said of it."""

from __future__ import annotations

import math

import detector_scenes as scenes
import numpy as np
import pytest
from detector_scenes import Scene, address

from citywall.batches import EVENT
from citywall.findings import Severity
from citywall.settings import PRIVATE
from detectors.registry import build
from detectors.scan import ScanParameters

SCANNER, SERVER = "198.51.100.9", "192.168.2.7"


def judge(scene, home=PRIVATE, **parameters):
    detectors = build({"scan": parameters, "flood": {"enabled": False}}, home)
    found = detectors.process(scene.reports(), scene.events(), "s", "live")
    return [f for f in found if f.detector == "scan"]


def worst(found):
    return {
        (f.kind, f.entity): max(g.severity for g in found if (g.kind, g.entity) == (f.kind, f.entity))
        for f in found
    }


def ports(n, form, src=SCANNER, gap=0.02):
    scene = Scene()
    for i in range(n):
        scene.tcp(i * gap, src, SERVER, 100 + i, form)
    return scene


def hosts(n, form, port=22, src=SCANNER, gap=0.05):
    scene = Scene()
    for i in range(n):
        scene.tcp(i * gap, src, address(i, net=2), port, form)
    return scene


def test_the_test_of_jung_and_others():
    p = ScanParameters(benign_success=0.8, scanner_success=0.2, detection=0.99, false_alarm=0.01)
    assert p.step_failure == pytest.approx(math.log(4))
    assert p.step_success == pytest.approx(math.log(4))
    assert math.ceil(p.accept / p.step_failure) == 4


@pytest.mark.parametrize("form", ["silent", "refused", "null", "xmas", "ack_probe"])
def test_vertical_scans_of_all_kinds(form):
    found = judge(ports(60, form))
    assert worst(found)["vertical", SCANNER] == Severity.MEDIUM
    finding = next(f for f in found if f.kind == "vertical" and f.severity == Severity.MEDIUM)
    assert finding.target.address == SERVER
    assert finding.facts["refused"] in (0, finding.facts["failures"])
    assert finding.facts["lowest_port"] == 100
    assert finding.facts["failure_ratio"] == 1.0


def test_a_port_scan_whose_ports_are_all_open():
    for form in ("half_open", "connect_only"):
        found = judge(ports(80, form))
        assert worst(found) == {("vertical", SCANNER): Severity.MEDIUM}
        assert found[0].facts["answered_without_payload"] >= 20


def test_a_horizontal_scan_most_of_which_is_answered():
    scene = Scene()
    for i in range(300):
        scene.tcp(i * 0.05, SCANNER, address(i, net=2), 3389, "silent" if i % 3 == 0 else "talk")
    assert worst(judge(scene)) == {("horizontal", SCANNER): Severity.MEDIUM}


def test_health_checks_of_many_backends_are_no_more_than_low():
    assert worst(judge(hosts(40, "half_open"))) == {}
    assert worst(judge(hosts(120, "half_open"))) == {("horizontal", SCANNER): Severity.LOW}


@pytest.mark.parametrize(("n", "expected"), [(4, None), (7, Severity.INFORMATIONAL), (12, Severity.MEDIUM)])
def test_few_failures_are_told_softly(n, expected):
    assert worst(judge(hosts(n, "silent"))).get(("horizontal", SCANNER)) == expected
    assert worst(judge(ports(n, "refused"))).get(("vertical", SCANNER)) == expected


def test_web_ports_and_udp_need_more():
    assert worst(judge(hosts(20, "silent", 443))) == {("horizontal", SCANNER): Severity.INFORMATIONAL}
    assert worst(judge(hosts(30, "silent", 443))) == {("horizontal", SCANNER): Severity.MEDIUM}
    scene = Scene()
    for i in range(30):
        scene.udp(i * 0.1, SCANNER, address(i, net=2), 161, 1, 0)
    assert worst(judge(scene)) == {("horizontal", SCANNER): Severity.MEDIUM}


def test_as_many_as_asked_for_are_enough():
    """The first failure of a source makes it known only, yet it counts once there is a second."""
    udp_hosts, udp_ports = Scene(), Scene()
    for i in range(25):
        udp_hosts.udp(i * 0.1, SCANNER, address(i, net=2), 161, 1, 0)
    for i in range(20):
        udp_ports.udp(i * 0.1, SCANNER, SERVER, 100 + i, 1, 0)
    for kind, scene, threshold in (
        ("horizontal", hosts(10, "silent"), "targets"),
        ("vertical", ports(10, "refused"), "ports"),
        ("vertical", ports(10, "xmas"), "ports"),
        ("horizontal", hosts(25, "silent", 443), "common_targets"),
        ("horizontal", udp_hosts, "common_targets"),
        ("vertical", udp_ports, "udp_ports"),
    ):
        assert worst(judge(scene))[kind, SCANNER] == Severity.MEDIUM, (kind, threshold)
        default = getattr(ScanParameters(), threshold)
        told = worst(judge(scene, **{threshold: default + 1}))
        assert told[kind, SCANNER] == Severity.INFORMATIONAL, (kind, threshold)


def test_a_first_failure_that_was_a_slow_answer_does_not_count():
    scene = Scene()
    scene.tcp(0, SCANNER, address(200, net=2), 22, "talk", lasts=3, slow=1.2)
    for i in range(9):
        scene.tcp(5 + i * 0.05, SCANNER, address(i, net=2), 22, "silent")
    assert worst(judge(scene)) == {("horizontal", SCANNER): Severity.INFORMATIONAL}


def test_our_own_hosts_scanning_much_is_worse():
    found = judge(hosts(100, "silent", src="10.1.0.9"))
    assert worst(found) == {("horizontal", "10.1.0.9"): Severity.HIGH}
    assert [f.severity for f in found][-1] == Severity.HIGH
    assert worst(judge(hosts(100, "silent", src="10.1.0.9"), home=("192.168.0.0/16",))) == {
        ("horizontal", "10.1.0.9"): Severity.MEDIUM
    }


def test_a_block_scan():
    scene = Scene()
    for i in range(900):
        scene.tcp(i * 0.01, SCANNER, address(i % 30, net=2), 1000 + i // 30 * 7, "silent")
    kinds = {f.kind for f in judge(scene, targets=60000, ports=60000, weak=60000, answered_ports=60000)}
    assert kinds == {"block"}


def test_slow_answers_are_no_failures():
    """Servers that take 1.2 s to answer are tentatively failures, then forgiven."""
    scene = Scene()
    for i in range(200):
        scene.tcp(i * 2.0, SCANNER, address(i, net=2), 22, "talk", lasts=3, slow=1.2)
    assert judge(scene) == []


def test_one_sided_captures_are_no_scans():
    assert judge(hosts(200, "one_sided")) == []


def test_a_scan_slower_than_the_window_is_not_seen_and_one_within_it_is():
    assert judge(hosts(40, "silent", gap=400)) == []
    assert worst(judge(hosts(40, "silent", gap=200))) == {("horizontal", SCANNER): Severity.MEDIUM}


def test_a_client_that_tries_one_dead_server_for_ever():
    scene = Scene()
    for i in range(2000):
        scene.tcp(i * 0.5, SCANNER, SERVER, 22, "silent")
    assert judge(scene) == []


def test_multicast_and_broadcast_are_no_targets():
    scene = Scene()
    for i in range(100):
        scene.udp(i * 0.1, "10.1.0.9", f"239.1.1.{i}", 5000, 1, 0)
        scene.udp(i * 0.1, "10.1.0.9", "255.255.255.255", 1000 + i, 1, 0)
        scene.ping(i * 0.1, "fe80::9", f"ff02::{i + 1:x}", 1, 0)
    assert judge(scene) == []


def test_late_replies_of_a_name_server_are_no_scan():
    scene = Scene()
    for i in range(300):
        scene.udp(i * 0.05, "198.51.100.53", SERVER, 20000 + i * 7, 1, 0, sport=53)
    assert judge(scene) == []


def test_odd_flags_alone():
    scene = Scene()
    for i in range(4):
        scene.tcp(i * 0.1, SCANNER, SERVER, 80, "null")
    assert worst(judge(scene)) == {("odd_flags", SCANNER): Severity.LOW}
    assert judge(scene.logged()) == []


@pytest.mark.parametrize("answered", [True, False])
def test_pings_of_hosts_that_are_there(answered):
    scene = Scene()
    for i in range(60):
        scene.ping(i * 0.1, "10.1.0.9", address(i, net=2), 1, 1 if answered else 0)
    assert bool(judge(scene)) != answered


def test_address_resolution():
    found = judge(scenes.arp_sweep())
    assert worst(found) == {("arp_sweep", "10.1.0.9"): Severity.HIGH}
    assert found[0].source.mac == "02:aa:00:00:00:01"
    assert found[0].target.prefix == 26
    assert all(e.kind == "packet" and e.frame for e in found[0].evidence)
    found = judge(scenes.arp_sweep(six=True))
    assert worst(found) == {("neighbour_sweep", "2001:db8:1::a"): Severity.MEDIUM}
    assert found[0].facts["protocol"] == "ipv6-icmp"


def test_a_gateway_that_resolves_hosts_that_are_there():
    scene = Scene()
    for i in range(250):
        scene.arp(i * 0.01, "10.1.0.1", address(i, net=1), answered=i % 10 != 0)
    assert judge(scene) == []


@pytest.mark.parametrize(("gap", "told"), [(3.5, True), (4.5, False)])
def test_a_gateway_asks_for_hosts_that_are_gone_at_its_leisure(gap: float, told: bool):
    scene = Scene()
    for i in range(60):
        scene.arp(i * gap, "10.1.0.1", address(i, net=1))
    assert bool(judge(scene)) == told


def test_an_asker_without_an_address_is_its_mac():
    scene = Scene()
    for i in range(1, 60):
        scene.arp(i * 0.01, "0.0.0.0", address(i, net=1), mac=0x02AA000000FF)
    assert [f.entity for f in judge(scene)][:1] == ["02:aa:00:00:00:ff"]


def test_a_scan_is_told_by_its_refusals_alone():
    """The probes went another way; the source is who was refused."""
    scene = Scene()
    for i in range(60):
        scene.tcp(i * 0.02, SERVER, SCANNER, 40000, "refusal", sport=100 + i)
    found = judge(scene)
    assert worst(found) == {("vertical", SCANNER): Severity.MEDIUM}
    finding = max(found, key=lambda f: f.severity)
    assert (finding.target.address, finding.facts["refused"]) == (SERVER, finding.facts["failures"])
    assert all(e.target.address == SERVER for e in finding.evidence[:2])


@pytest.mark.parametrize(
    ("sport", "dport"),
    [
        (lambda i: 50000 + i, 443),  # a client lets go of what it held idle
        (lambda i: 50000 + i, 60000),
        (lambda i: 443, 40000),  # a server lets go of one client after the other
        (lambda i: 3000 + i, 80),
    ],
)
def test_resets_of_idle_connections_are_none(sport, dport):
    scene = Scene()
    for i in range(60):
        scene.tcp(i * 0.02, SERVER, SCANNER, dport, "refusal", sport=sport(i))
    assert judge(scene) == []


def test_refusals_by_many_accuse_nobody():
    """As forged questions leave them: who receives them asked for nothing."""
    scene = Scene()
    for i in range(200):
        scene.tcp(i * 0.02, address(i, net=2), SCANNER, 40000, "refusal", sport=80)
    assert judge(scene) == []


def test_evidence_leads_to_the_packets():
    scene = hosts(30, "silent")
    finding = next(f for f in judge(scene) if f.severity == Severity.MEDIUM)
    assert len(finding.evidence) == 3
    by_id = {r["flow_id"]: r for r in scene.rows}
    for evidence in finding.evidence:
        row = by_id[evidence.flow_id]
        assert (evidence.frame, evidence.offset, evidence.time) == (row["frame"], row["offset"], row["first"])
        assert evidence.source.address == SCANNER
        assert evidence.target.port == 22
    assert finding.target.prefix is not None
    assert judge(hosts(30, "silent").logged())[0].evidence[0].frame is None


def test_events_are_none_of_the_other_detectors_business():
    empty = np.empty(0, EVENT)
    detectors = build({"scan": {"enabled": False}}, PRIVATE)
    scene = scenes.arp_sweep()
    assert detectors.process(scene.reports(), scene.events(), "s", "live") == []
    assert detectors.process(scene.reports(), empty, "s", "live") == []
