from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_a_scene_and_its_truth(invoke: Any, tmp_path: Path):
    path = tmp_path / "made" / "scene.pcap"
    done = invoke("synth", str(path), "--minutes", "1", "--seed", "7")
    assert done.exit_code == 0
    truth = json.loads((tmp_path / "made" / "scene.pcap.truth.json").read_text("utf-8"))
    assert truth["seed"] == 7
    assert path.stat().st_size > 24
    assert done.stderr == "synthesising a scene (minutes: 1, seed: 7)\n"
    assert done.stdout.startswith(f"{path}: {truth['packets']:,} packets")


def test_bad_use(invoke: Any, tmp_path: Path):
    assert invoke("synth", str(tmp_path / "x.pcap"), "--minutes", "0").exit_code == 2
    assert invoke("synth").exit_code == 2


def test_a_place_that_cannot_be_written(invoke: Any, tmp_path: Path):
    (tmp_path / "file").touch()
    done = invoke("synth", str(tmp_path / "file" / "scene.pcap"), "--minutes", "1")
    assert done.exit_code == 1
    assert "Traceback" not in done.stderr
