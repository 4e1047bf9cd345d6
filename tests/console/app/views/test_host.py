from __future__ import annotations

from typing import Any

import pytest

from citywall.errors import UsageError
from console.app.views.host import HostView


def test_register_alerts_and_flows(drive: Any):
    async def story(it: Any) -> None:
        await it.until(
            "门户网站服务器", "责任领导", "涉及的告警  第 1-", "共 12 条", "流  第 1-6 条，共 6 条"
        )
        assert it.app.focused.id == "alerts"
        await it.press("tab", "enter")  # the other host of the newest flow
        await it.until("主机 > 主机", "192.0.2.6", "登记册中没有此地址", "共 1 条")
        assert len(list(it.app.view.export_lines()())) == 1
        await it.press("enter")
        await it.until("为何触发")
        await it.press("escape", "f")
        await it.until("ip:192.0.2.6")

    drive(story, speech="zh", begin=("host", "10.20.1.10"), size=(120, 40))


def test_it_needs_an_address():
    for argument in ("", "portal"):
        with pytest.raises(UsageError):
            HostView(argument).check(argument, "en")
