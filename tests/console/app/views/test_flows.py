from __future__ import annotations

from typing import Any


def test_flows_hosts_and_alerts(drive: Any):
    async def story(it: Any) -> None:
        await it.until("1-6 of 6", "05-01 12:00:06")
        await it.press("slash")
        await it.type("src:192.0.2.3")
        await it.until("1-1 of 1")
        assert it.app.view.copied() == "1:000000000000000000000000002="
        assert len(list(it.app.view.export_lines()())) == 1
        await it.press("v")
        await it.until("Flows > Alerts", "ip:192.0.2.3 ip:10.20.1.10", "1-1 of 1")
        await it.press("escape", "enter")
        await it.until("Flows > Host", "192.0.2.3")

    drive(story, begin=("flows", ""))
