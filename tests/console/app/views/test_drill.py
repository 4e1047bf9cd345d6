from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from drills import folder, reading
from drills.running import Attempt, Run

TEXT = """\
version: 1
id: tiny
title: 小演练
title_en: Tiny
purpose: 检验
briefing: 值守
storyline: 扫描
seconds: 12
background: [clocks]
attacks:
  - {id: ports, kind: vertical-scan, at: 2, options: {source: 192.0.2.9, ports: 30, seconds: 5}}
"""


def test_the_score_is_told_once_it_has_run(drive: Any, house: Path):
    path = house / "tiny.yaml"
    path.write_text(TEXT, "utf-8")
    planned = folder.plan(reading.read(str(path)), folder.root_of(house), "one", 10**18, source=path)
    run = Run("5e55", "1", "r", {"scan": ("T1046",)}, (Attempt(10**18, 0.0),))

    def write(made: Run) -> None:
        (planned.folder / "run.json").write_bytes(msgspec.json.encode(made))

    async def story(it: Any) -> None:
        await it.until("Tiny")
        write(run)  # it goes on
        await it.press("r")
        await it.until("Tiny")
        assert "192.0.2.9" not in it.text()
        write(msgspec.structs.replace(run, ended=2 * 10**18))
        await it.press("r")
        await it.until("ports")
        await it.press("L")
        await it.until("演练详情", "ports")
        assert it.app.view.copied() == "one"

    drive(story, begin=("drill", "one"), size=(120, 60))


def test_one_that_is_not_there(drive: Any):
    async def story(it: Any) -> None:
        await it.until("no drill 'nothing'")
        assert it.app.view.kind == "drill"

    drive(story, begin=("drill", "nothing"))
