"""The scene of `make run`: an alert for every attack, none for the benign hosts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drills.scene import synthesise
from drills.truth import score

from .conftest import Citywall


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_every_attack_and_no_benign_host(citywall: Citywall, tmp_path: Path, seed: int):
    path = tmp_path / "scene.pcap"
    scene = synthesise(path, seed=seed)
    citywall.run(path)
    alerts = list(citywall.alerts().values())
    result = score(scene.truth, alerts)
    assert not result.missed
    assert not result.false_alerts
    assert json.loads((tmp_path / "scene.pcap.truth.json").read_text())
