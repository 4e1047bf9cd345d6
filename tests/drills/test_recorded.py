"""A recording and its truth make a scenario."""

from __future__ import annotations

import shutil
from pathlib import Path

from drills.folder import Planned
from drills.recorded import scenario_of


def test_scenario_of(tmp_path: Path, small_drill: Planned):
    capture = tmp_path / "北门 office 1.pcap.bak"
    shutil.copy(small_drill.capture, capture)
    truth = tmp_path / "truth.yaml"
    truth.write_text(
        "attacks:\n  - {id: scan, kind: scan, attck: [T1046], sources: [192.0.2.9], targets: [10.20.1.10]}\n"
    )
    scenario = scenario_of(capture, truth, None)
    assert scenario.id == "office-1"
    assert scenario.title.text("zh") == "office-1"
    assert scenario.purpose.text("zh") != scenario.purpose.text("en")
    (expected,) = scenario.detections
    assert (expected.attack, expected.class_, expected.techniques) == ("scan", "scan", ("T1046",))
    assert (expected.sources, expected.targets, expected.within) == (("192.0.2.9",), ("10.20.1.10",), 0)
    assert (scenario.capture, scenario.truth) == (str(capture), str(truth))
