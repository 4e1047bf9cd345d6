from __future__ import annotations

from pathlib import Path
from typing import Any


def test_bad_use_is_said(invoke: Any, tmp_path: Path):
    done = invoke("sensor", "--capture", str(tmp_path / "x.pcap"), "--to", "local://", "--name", "gate")
    assert done.exit_code == 2
    assert "a sensor needs kafka://HOST:PORT" in done.stderr
    assert invoke("sensor", "--to", "kafka://a:1", "--name", "gate").exit_code == 2


def test_help_names_what_waits_for_it(invoke: Any):
    assert "citywall run sensor:NAME" in " ".join(invoke("sensor", "--help").output.split())
    assert "探针" in invoke("sensor", "--lang", "zh", "--help").output
