"""The command; what is found is tested in tests/console/doctor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from console.doctor.registry import CHECKS


def test_every_check_speaks(invoke: Any, tmp_path: Path):
    done = invoke("doctor", "--data", str(tmp_path), "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert list(dict.fromkeys(line["check"] for line in told)) == list(CHECKS)
    assert done.exit_code == (1 if any(line["state"] == "broken" for line in told) else 0)
    assert not any("{" in line["text"] for line in told)


def test_what_is_broken_sets_the_exit_code(invoke: Any, tmp_path: Path):
    (tmp_path / "desk.sqlite").write_bytes(b"no database" * 100)
    done = invoke("--lang", "zh", "doctor", "--data", str(tmp_path))
    assert done.exit_code == 1
    assert f"! {tmp_path / 'desk.sqlite'} 已损坏" in done.stdout
