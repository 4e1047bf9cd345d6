"""A drill's folder: whole or not there, the same for the same scenario, and nothing of it changes unseen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from citywall.errors import DrillError, FaultyInput
from drills import folder, reading, recorded
from drills.folder import Planned


def test_the_same_scenario_gives_the_same_digest(tmp_path: Path, small_file: Path, small_drill: Planned):
    again = folder.plan(reading.read(small_file), tmp_path, "other", 10**18 + 5, source=small_file)
    assert again.drill.digest == small_drill.drill.digest
    assert again.drill.files == small_drill.drill.files
    assert again.drill.id != small_drill.drill.id
    assert again.drill.seed == 4
    assert (again.folder / "scenario.yaml").read_bytes() == small_file.read_bytes()
    assert {p.path.split("/")[0] for p in again.drill.files} == {
        "capture.pcap", "capture.pcap.truth.json", "register", "scenario.json", "scenario.yaml",
    }  # fmt: skip
    assert folder.load(tmp_path, "other") == again
    assert again.folder.stat().st_mode & 0o077 == 0


def test_names(tmp_path: Path, small_drill: Planned):
    root = small_drill.folder.parent
    assert folder.names(root) == ["small-1"]
    assert folder.names(tmp_path / "none") == []
    assert folder.free_name(root, "small", "1") == "small-1-2"
    assert folder.free_name(tmp_path, "small", "20260302") == "small-20260302"
    with pytest.raises(DrillError, match="already"):
        folder.plan(small_drill.scenario, root, "small-1", 0)
    for name in ("../x", "", "a b", ".hidden"):
        with pytest.raises(DrillError, match="no name"):
            folder.load(root, name)
    with pytest.raises(DrillError, match="small-1"):
        folder.load(root, "none")


@pytest.mark.parametrize(
    "file",
    ["scenario.json", "capture.pcap.truth.json", "scenario.yaml", "register/0-assets.yaml", "plan.json"],
)
def test_what_was_changed_is_seen(tmp_path: Path, small_drill: Planned, file: str):
    copy = tmp_path / "small-1"
    shutil.copytree(small_drill.folder, copy)
    assert folder.load(tmp_path, "small-1").drill == small_drill.drill
    changed = copy / file
    data = (
        changed.read_bytes().replace(b"sm3", b"SM3", 1)
        if file == "plan.json"
        else b" " + changed.read_bytes()
    )
    changed.write_bytes(data)
    with pytest.raises(DrillError) as caught:
        folder.load(tmp_path, "small-1")
    assert caught.value.code in {"changed", "damaged"}
    assert file in str(caught.value)
    changed.unlink()
    with pytest.raises(DrillError):
        folder.load(tmp_path, "small-1")


def test_a_changed_capture_is_seen_before_it_is_replayed(tmp_path: Path, small_drill: Planned):
    copy = tmp_path / "small-1"
    shutil.copytree(small_drill.folder, copy)
    with (copy / folder.CAPTURE).open("ab") as capture:
        capture.write(b"x")
    planned = folder.load(tmp_path, "small-1")
    with pytest.raises(DrillError, match=r"capture\.pcap was changed"):
        folder.check(copy, planned.drill)


def test_a_recording(tmp_path: Path, small_drill: Planned):
    scenario = recorded.scenario_of(small_drill.capture, None, "录像")
    planned = folder.plan(scenario, tmp_path, "rec", 1)
    assert planned.capture.read_bytes() == small_drill.capture.read_bytes()
    assert planned.truth.attacks == small_drill.truth.attacks
    assert planned.scenario.recorded
    assert planned.drill.seed == 0


def test_nothing_is_left_of_what_could_not_be_planned(tmp_path: Path, small_drill: Planned):
    truth = tmp_path / "t.yaml"
    truth.write_text("attacks: [{id: a, kind: scan, sources: [192.0.2.250], targets: [10.0.0.0/8]}]\n")
    with pytest.raises(FaultyInput):
        recorded.scenario_of(small_drill.capture, truth, None)
    assert folder.names(tmp_path) == []
