from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from alerts.store import open_store


def test_text_and_json(invoke: Any, tmp_path: Path, real_alerts: Any):
    store = open_store("sqlite://", tmp_path)
    store.upsert(real_alerts(12))
    store.close()
    said = invoke("overview", "--data", str(tmp_path), "--lang", "zh").stdout
    for words in ("告警总数  12", "网络攻击事件", "截至 2024-05-01 12:01", "最新告警", "192.0.2.12"):
        assert words in said
    done = invoke("overview", "--data", str(tmp_path), "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["total"], told["by_class"]) == (0, 12, {"attack": 12})
    assert len(told["newest"]) == 12


def test_no_data_yet(invoke: Any, tmp_path: Path):
    done = invoke("overview", "--data", str(tmp_path / "absent"))
    assert (done.exit_code, "there is no data" in done.stderr) == (1, True)
