from __future__ import annotations

from pathlib import Path
from typing import Any

from drills import folder, reading

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


def test_planned_damaged_and_opened(drive: Any, house: Path):
    path = house / "tiny.yaml"
    path.write_text(TEXT, "utf-8")
    folder.plan(reading.read(str(path)), folder.root_of(house), "one", 10**18, source=path)
    (folder.root_of(house) / "two").mkdir()
    (folder.root_of(house) / "two" / "plan.json").write_text("{")

    async def story(it: Any) -> None:
        await it.until("1-2 of 2", "one", "Tiny", "not run yet", "two")
        assert it.app.view.copied() == "one"
        await it.press("enter")
        await it.until("Drill", "Tiny")
        assert "192.0.2.9" not in it.text()  # what is to be found is nobody's to read before
        await it.press("L")
        await it.until("演练详情", "小演练")
        await it.press("escape", "down", "enter")
        await it.until("plan.json")

    drive(story, begin=("drills", ""))


def test_there_are_none(drive: Any):
    async def story(it: Any) -> None:
        await it.until("No drills planned")
        await it.press("enter", "c", "y")
        assert it.app.view.kind == "drills"

    drive(story, begin=("drills", ""))
