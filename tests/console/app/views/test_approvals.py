from __future__ import annotations

from pathlib import Path
from typing import Any

from citywall.settings import Settings
from console.responding import Responding
from console.workdesk import Desk

PASSWORD = "Correct-Horse-9x"


def test_only_what_waits(
    drive: Any, house: Path, settings: Settings, staff: dict[str, str], real_alerts: Any
):
    desk = Desk(house, settings)
    desk.log_in("li", PASSWORD, "test")
    doing = Responding(desk, house, settings)
    alert = str(real_alerts(1)[0]["event"]["id"])
    doing.request("contain-scan", live=False, alert=alert)
    waiting = doing.request("contain-scan", live=True, alert=alert).run.id

    async def story(it: Any) -> None:
        await it.until("1-1 of 1", "running")
        assert it.app.view.copied() == waiting
        doing.abort(waiting, "enough")
        await it.until("Nothing waits for anybody")

    drive(story, begin=("approvals", ""))
