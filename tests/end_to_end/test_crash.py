"""Killed at any moment and started again, a run ends with the alerts of an undisturbed run."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import Citywall

# Small blocks and a checkpoint at every chance, so that a short capture has many moments to die in; larger
# ones and fewer where more stations save.
MOMENTS = {1: (4096, 0.01, 10), 3: (32_768, 0.1, 4)}


@pytest.mark.slow
@pytest.mark.parametrize("partitions", MOMENTS)
def test_kill_at_random_moments(busy: Path, tmp_path: Path, partitions: int):
    block, interval, kills = MOMENTS[partitions]
    options = ("--set", f"capture.block_bytes={block}", "--set", f"checkpoint.interval_s={interval}",
               "--set", "checkpoint.cost_factor=1")  # fmt: skip
    undisturbed = Citywall(tmp_path / "undisturbed")
    undisturbed.run(busy, *options)
    expected = undisturbed.alerts()
    assert expected
    options = (*options, "--set", f"partitions={partitions}")
    began = time.monotonic()
    undisturbed.run(busy, *options)
    took = time.monotonic() - began

    dice = random.Random(20261122)
    citywall = Citywall(tmp_path / "killed")
    killed = 0
    for _ in range(4 * kills):
        began = time.monotonic()
        process = citywall.start("run", busy, *options, "--json")
        try:
            process.communicate(timeout=dice.uniform(0.2, 0.9) * took)
            took = min(took, time.monotonic() - began)  # the machine is quicker than it was
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            killed += 1
        if killed == kills:
            break
    assert killed == kills
    citywall.run(busy, *options)
    assert citywall.alerts() == expected
