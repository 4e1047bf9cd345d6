from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from alerts.store import open_store


def test_a_card(invoke: Any, tmp_path: Path, real_alerts: Any, real_flows: Any):
    store = open_store("sqlite://", tmp_path)
    store.upsert(real_alerts(2))
    store.close()
    real_flows(tmp_path, 2)
    of = ("hosts", "show", "10.20.1.10", "--data", str(tmp_path), "--set", "register=example")
    said = invoke(*of).stdout
    for words in ("Portal server", "Alerts it appears in (2)", "192.0.2.2"):
        assert words in said
    told = json.loads(invoke(*of, "--json").stdout)
    assert told["places"][0]["asset"]["id"] == "portal"
    assert (told["address"], told["total"], len(told["alerts"]), len(told["flows"])) == (
        "10.20.1.10",
        2,
        2,
        2,
    )


def test_bad_use(invoke: Any, tmp_path: Path):
    done = invoke("hosts", "show", "portal", "--data", str(tmp_path))
    assert (done.exit_code, "no address" in done.stderr) == (2, True)
