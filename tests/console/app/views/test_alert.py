from __future__ import annotations

from typing import Any


def test_it_explains_itself_in_both_languages(drive: Any, real_alerts: Any):
    alert_id = str(real_alerts(1)[0]["event"]["id"])

    async def story(it: Any) -> None:
        await it.until("为何触发", "来源、目标与归属", "门户网站服务器", "25（阈值 20）")
        await it.press("L")
        await it.until("Why it fired", "25 (threshold 20)")
        await it.press("f")
        await it.until("Flows", "1-1 of 1", "192.0.2.1")
        await it.press("escape", "G")
        await it.until("What to do", "May be fooled by")
        assert it.app.view.copied() == alert_id
        assert [d["event"]["id"] for d in it.app.view.export_lines()()] == [alert_id]

    drive(story, speech="zh", begin=("alert", alert_id))


def test_one_that_is_not_there(drive: Any):
    async def story(it: Any) -> None:
        await it.until("there is no alert ffff")
        await it.press("a", "f", "h", "y")
        assert it.app.view.kind == "alert"

    drive(story, begin=("alert", "ffff"))
