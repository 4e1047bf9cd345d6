from __future__ import annotations

from pathlib import Path
from typing import Any

from citywall.settings import Settings
from console.responding import Responding
from console.workdesk import Desk

PASSWORD = "Correct-Horse-9x"


def test_they_come_open_and_lead_to_their_alert(
    drive: Any, house: Path, settings: Settings, staff: dict[str, str], real_alerts: Any
):
    desk = Desk(house, settings)
    desk.log_in("li", PASSWORD, "test")
    alert = str(real_alerts(1)[0]["event"]["id"])

    async def story(it: Any) -> None:
        await it.until("No playbook was run yet")
        run = Responding(desk, house, settings).request("contain-scan", live=False, alert=alert).run.id
        await it.until("1-1 of 1", "dry run")  # by itself
        assert it.app.view.copied() == run
        assert [d["id"] for d in it.app.view.export_lines()()] == [run]
        await it.press("L")
        await it.until("演算", "网络扫描探测处置")
        await it.press("v")
        await it.until("为何触发")
        await it.press("escape", "enter")
        await it.until("运行详情", run)

    drive(story, begin=("runs", ""))
