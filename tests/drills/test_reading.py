"""Scenarios are read whole, or every fault of them is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.errors import FaultyInput
from citywall.i18n import LANGUAGES
from drills import reading
from drills.scenario import Detection, Response

GOOD = """\
version: 1
id: small
title: 小
purpose: 目的
briefing: 任务
participants: [big-data]
seconds: 30
background: [clocks]
cast: {portal: mobile-app-1}
attacks:
  - {id: a, kind: vertical-scan, at: 3, options: {source: 192.0.2.9, target: portal, ports: 30}}
detections:
  - {attack: a, class: scan, techniques: [T1046], sources: [192.0.2.9], within: 10}
responses:
  - {attack: a, acknowledge: 60}
"""
BAD = """\
version: 2
id: sm all
title: 小
briefing: 任务
participants: [big-data, nobody]
seconds: 30
sedes: 4
cast: {portal: no-such, wizard: x}
attacks:
  - {id: a, kind: teapot, at: 3}
  - {id: a, kind: horizontal-scan, at: 40, options: {source: 192.0.2.300, networks: [10.0.0.0/8], speed: 1}}
  - {id: c, kind: ipv6-scan, at: 1, options: {source: 10.0.0.1, port: 0}}
  - {id: d, kind: syn-flood, at: 1, options: {target: nowhere}}
detections:
  - {attack: x, severity: 9}
responses:
  - {attack: a, start_playbook: 5}
  - {attack: a}
"""


def examine(tmp_path: Path, text: str):
    path = tmp_path / "s.yaml"
    path.write_text(text, "utf-8")
    return reading.examine(path)


def test_a_good_one(tmp_path: Path):
    scenario, faults = examine(tmp_path, GOOD)
    assert faults == []
    assert scenario is not None
    assert scenario.background == ("clocks",)
    assert scenario.cast == {"portal": ("mobile-app-1",)}
    assert scenario.start == reading.START
    assert scenario.attacks[0].options == {"source": "192.0.2.9", "target": "portal", "ports": 30}
    assert scenario.detections == (Detection("a", "scan", ("T1046",), ("192.0.2.9/32",), within=10),)
    assert scenario.responses == (Response("a", acknowledge=60),)


def test_every_fault_is_told(tmp_path: Path):
    scenario, faults = examine(tmp_path, BAD)
    assert scenario is None
    assert [(f.line, f.field, f.key.partition(".")[2]) for f in faults] == [
        (1, "version", "not_version"),
        (1, "purpose", "missing"),
        (2, "id", "not_id"),
        (5, "participants[2]", "no_such_unit"),
        (7, "sedes", "unknown"),
        (8, "cast.wizard", "unknown"),
        (8, "cast.portal", "no_such_asset"),
        (10, "attacks[1].kind", "not_choice"),
        (11, "attacks[2].id", "same_id"),
        (11, "attacks[2].at", "after_end"),
        (11, "attacks[2].options.source", "not_party"),
        (11, "attacks[2].options.speed", "unknown"),
        (11, "attacks[2].options.networks", "prefix_size"),
        (12, "attacks[3].options.port", "not_number"),
        (12, "attacks[3].options.source", "wrong_version"),
        (15, "detections[1].severity", "not_number"),
        (15, "detections[1].attack", "no_such_attack"),
        (17, "responses[1].start_playbook", "which_playbook"),
        (18, "responses[2].attack", "same_id"),
    ]
    for fault in faults:
        for language in LANGUAGES:
            assert "s.yaml" in fault.text(language)
    with pytest.raises(FaultyInput) as caught:
        reading.read(tmp_path / "s.yaml")
    assert len(caught.value.faults) == len(faults)


def test_hosts_are_those_of_the_cast(tmp_path: Path):
    text = GOOD.replace("target: portal", "target: nowhere")
    _, faults = examine(tmp_path, text)
    assert [(f.field, f.key) for f in faults] == [("attacks[1].options.target", "drill_fault.no_such_host")]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "drill_fault.nothing"),
        ("a: [", "register_fault.not_yaml"),
        ("a: &x 1", "register_fault.anchor"),
        ("- 1", "register_fault.not_map"),
        ("id: a\nid: b", "register_fault.twice"),
    ],
)
def test_what_is_no_scenario(tmp_path: Path, text: str, key: str):
    scenario, faults = examine(tmp_path, text)
    assert scenario is None
    assert key in {f.key for f in faults}


def test_a_recording_has_no_attacks_of_its_own(tmp_path: Path):
    head = "version: 1\nid: r\ntitle: r\npurpose: p\nbriefing: b\ncapture: x.pcap\n"
    _, faults = examine(tmp_path, head + "seed: 3\n")
    assert [(f.line, f.field, f.key) for f in faults] == [
        (0, "", "drill_fault.capture_and_truth"),
        (7, "seed", "drill_fault.recorded"),
    ]
    scenario, faults = examine(tmp_path, head + "truth: t.yaml\ndetections: [{attack: any}]\n")
    assert faults == []
    assert scenario is not None
    assert scenario.capture == str(tmp_path / "x.pcap")
    assert scenario.detections[0].attack == "any"


def test_files_that_cannot_be_read(tmp_path: Path):
    assert reading.examine(tmp_path / "none.yaml")[1][0].key == "register_fault.unreadable"
    big = tmp_path / "big.yaml"
    big.write_bytes(b"#" * (reading.MAX_BYTES + 1))
    assert reading.examine(big)[1][0].key == "drill_fault.too_large"
    big.write_bytes(b"id: a\nx: \xff")
    fault = reading.examine(big)[1][0]
    assert (fault.line, fault.key) == (2, "register_fault.not_utf8")


def test_faults_of_its_register_are_told_too(tmp_path: Path):
    (tmp_path / "r.yaml").write_text("version: 1\nunits: 3\n")
    _, faults = examine(tmp_path, GOOD + "register: r.yaml\n")
    assert {f.path for f in faults} == {str(tmp_path / "r.yaml")}


LINES = [line for line in GOOD.splitlines() if line]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, len(LINES) - 1), max_size=4), st.text(max_size=12), st.integers(0, 400))
def test_whatever_is_in_it(drop, junk, at):
    text = "\n".join(line for i, line in enumerate(LINES) if i not in drop) + "\n"
    text = text[:at] + junk.encode("utf-8", "ignore").decode() + text[at:]
    scenario, faults = reading.read_text(text, Path("s.yaml"))
    assert (scenario is None) == bool(faults)
    for fault in faults:
        assert fault.text("zh")
