"""Going from view to view, the palette, copying, exporting, the pulse."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from alerts.store import open_store
from stream import health
from stream.health import Health, StoreHealth
from stream.local.lock import FolderLock


def test_drill_down_and_back(drive: Any):
    async def story(it: Any) -> None:
        await it.until("Newest", "One port on many hosts")
        await it.press("enter")
        await it.until("Overview > Alert", "Why it fired")
        await it.press("t")
        await it.until("Overview > Alert > Host", "市政府办公室", "192.0.2.1", "Flows  1-6 of 6")
        await it.press("escape", "escape", "escape", "escape")
        await it.reached(lambda: [v.kind for v in it.app.trail()] == ["overview"])
        await it.press("2")
        await it.until("1-12 of 12")
        assert [v.kind for v in it.app.trail()] == ["alerts"]
        await it.press("question_mark")
        await it.until("Everywhere", "In an alert")
        await it.press("escape", "colon")
        await it.type("flows dport:22")
        await it.until("1-6 of 6", "dport:22")
        await it.press("colon")
        await it.type("nonsense")
        await it.until("There is no view nonsense")
        await it.type("host portal")
        await it.until("is no address")
        await it.type("host FD20::0A")
        await it.until("fd20::a")
        await it.press("colon")
        await it.type("q")
        await it.reached(lambda: it.app._exit)

    drive(story)


def test_language_palette_and_log_out(drive: Any):
    async def story(it: Any) -> None:
        await it.until("总览", "最新告警", "水平扫描")
        names = [command.title for command in it.app.get_system_commands(it.app.screen)]
        assert names[:4] == ["总览", "告警", "流", "运行状况"]
        assert "登录" in names
        await it.press("ctrl+p")
        await it.until("查找命令", "退出登录" if it.app.desk.identity else "登录以处置告警")
        await it.press("escape", "L")
        await it.until("Overview", "Newest", "One port on many hosts")
        it.app.action_log_out()
        await it.until("Logged out.")

    drive(story, speech="zh")


def test_copy_and_export(drive: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    async def story(it: Any) -> None:
        await it.until("1-4 of 4")
        document = it.app.view.document()
        await it.press("c")
        await it.reached(lambda: it.app.clipboard == document["event"]["id"])
        await it.press("y")
        await it.reached(lambda: it.app.clipboard.startswith("{"))
        assert json.loads(it.app.clipboard) == document
        await it.press("e")
        await it.press("enter")
        await it.until("4 rows written")
        lines = (tmp_path / "citywall-alerts.jsonl").read_text("utf-8").splitlines()
        assert [json.loads(line)["event"]["severity"] for line in lines] == [5, 4, 5, 4]
        await it.press("e", "enter")
        await it.until("exists already")

    drive(story, begin=("alerts", "severity>=4"))


def test_it_lives_while_the_stream_runs(drive: Any, house: Path, real_alerts: Any):
    store = open_store("sqlite://", house)
    lock = FolderLock(house)
    begun = Health("running", "", 7, time.time_ns(), 1, "local://", 1, 1, "eth0", {"packets": 5}, 0, 0,
                   StoreHealth("sqlite://"), [])  # fmt: skip

    async def story(it: Any) -> None:
        await it.until("1-12 of 12", "no run")
        health.write(house, begun)
        store.upsert(real_alerts(3, first=100))
        await it.until("1-15 of 15", "live")  # at the top they come in by themselves
        await it.press("down")
        row = it.app.view.document()
        store.upsert(real_alerts(2, first=200))
        await it.until("2 new: g")  # below it the rows stay where they are
        assert it.app.view.document() == row
        await it.press("g")
        await it.until("1-17 of 17")
        assert "new: g" not in it.text()
        lock.release()
        await it.until("cut off")

    drive(story, begin=("alerts", ""))
    store.close()
