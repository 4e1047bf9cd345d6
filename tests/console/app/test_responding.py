"""Acts from views: what was refused, and what was not there, is told and changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playbooks.runfile import RunFile


def test_a_refusal_is_told_and_starts_nothing(
    drive: Any, house: Path, staff: dict[str, str], real_alerts: Any
):
    alert = str(real_alerts(1)[0]["event"]["id"])

    async def story(it: Any) -> None:
        await it.until("Why it fired")
        await it.press("p")
        await it.log_in("wang")  # who may look only
        await it.until("Start a playbook")
        await it.press("enter")
        await it.until("the role does not allow it")
        await it.press("p")
        await it.until("Start a playbook")
        await it.press("escape")
        assert it.app.view.kind == "alert"
        assert RunFile(house).everything() == []

    drive(story, begin=("alert", alert))
