"""A scenario is played as it says, and expects what it says, or what is true."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from citywall.errors import FaultyInput
from drills import planning
from drills.scenario import Attack, Detection, Scenario


def test_the_same_scenario_gives_the_same_files(tmp_path: Path, small_scenario: Scenario):
    scenes = [planning.make_traffic(small_scenario, tmp_path / name) for name in ("a.pcap", "b.pcap")]
    assert scenes[0].path.read_bytes() == scenes[1].path.read_bytes()
    other = msgspec.structs.replace(small_scenario, seed=99)
    assert planning.make_traffic(other, tmp_path / "c.pcap").path.read_bytes() != scenes[0].path.read_bytes()


def test_the_truth_is_that_of_the_attacks(tmp_path: Path, small_scenario: Scenario):
    truth = planning.make_traffic(small_scenario, tmp_path / "a.pcap").truth
    assert [(a.id, a.kind, a.detector) for a in truth.attacks] == [
        ("ports", "scan", "scan"),
        ("theft", "exfiltration", "exfiltration"),
    ]
    scan, theft = truth.attacks
    begin = small_scenario.start + small_scenario.attacks[0].at * 10**9
    assert begin <= scan.start < scan.end <= begin + 6 * 10**9
    assert theft.sources == ("10.20.1.45",)
    assert "10.20.1.45" not in truth.benign_hosts
    assert "10.20.1.10" in truth.benign_hosts
    assert 8 < planning.seconds_of(truth) <= small_scenario.seconds


def test_what_is_expected(tmp_path: Path, small_scenario: Scenario):
    truth = planning.make_traffic(small_scenario, tmp_path / "a.pcap").truth
    said, found = planning.expected_of(small_scenario, truth)
    assert said == Detection(
        "ports", "scan", ("T1046",), ("192.0.2.9",), ("10.20.1.10",), within=30, severity=2
    )
    assert found == Detection("theft", "exfiltration", ("T1048", "T1041"), ("10.20.1.45",), ("192.0.2.9",))
    flood = msgspec.structs.replace(truth.attacks[0], id="flood", kind="dos", spoofed=True)
    only = msgspec.structs.replace(truth, attacks=(flood,))
    assert planning.expected_of(small_scenario, only)[0].sources == ()


def test_an_attack_without_packets_is_refused(tmp_path: Path, small_scenario: Scenario):
    options = {"source": "10.20.30.99", "network": "10.20.30.0/30", "seconds": 3600}
    late = Attack("late", "arp-sweep", small_scenario.seconds - 1, options)
    scenario = msgspec.structs.replace(small_scenario, attacks=(late,), detections=())
    with pytest.raises(FaultyInput) as caught:
        planning.make_traffic(scenario, tmp_path / "a.pcap")
    assert [(f.field, f.key) for f in caught.value.faults] == [("attacks.late", "drill_fault.never_played")]
