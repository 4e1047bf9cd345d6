from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trust import chain


def test_cases_come_filter_and_open(drive: Any, case_id: str):
    async def story(it: Any) -> None:
        await it.until("1-1 of 1", "new")
        assert it.app.view.copied() == case_id
        (document,) = it.app.view.export_lines()()
        assert len(document["members"]) == 12
        await it.press("slash")
        await it.type("nobody.of.that.name")
        await it.until("No cases that somebody has to see to")
        await it.press("slash")
        await it.type("192.0.2.1 NEW")
        await it.until("1-1 of 1")
        await it.press("z")
        await it.until("closed ones too")
        await it.press("L")
        await it.until("含已关闭", "侦察")
        await it.press("enter")
        await it.until("事件详情", "处置")

    drive(story, begin=("cases", ""))


def test_a_liaison_sees_cases_of_their_unit_and_nothing_else(
    drive: Any, house: Path, staff: dict[str, str], case_id: str
):
    async def story(it: Any) -> None:
        await it.until("Newest")  # the overview is everybody's; who logs in as a liaison leaves it
        await it.app.run_action("log_in")
        await it.log_in(staff["liaison"])
        await it.until("1-1 of 1", "sun (liaison)")
        await it.press("2")
        await it.until("the role does not allow it")
        assert it.app.view.kind == "cases"
        await it.press("enter")
        await it.until("12 alerts")
        await it.press("tab", "enter")  # one alert, explained
        await it.reached(lambda: refusals(house) == ["alerts.read", "alerts.read"])
        assert it.app.view.kind == "case"
        await it.press("n")
        await it.type("mine")
        await it.reached(lambda: refusals(house)[2:] == ["cases.work"])
        await it.app.run_action("log_out")

    drive(story)


def test_a_liaison_of_another_unit_sees_none_of_it(drive: Any, staff: dict[str, str], case_id: str):
    async def story(it: Any) -> None:
        await it.until("1-1 of 1")
        await it.app.run_action("log_in")
        await it.log_in(staff["other"])
        await it.until("qian (liaison)")
        await it.press("r")
        await it.until("No cases that somebody has to see to")
        assert list(it.app.view.export_lines()()) == []
        it.app.show("case", case_id)
        await it.until(f"there is no case {case_id}")
        assert "192.0.2" not in it.text()

    drive(story, begin=("cases", ""))


def refusals(house: Path) -> list[str]:
    """Actions that were refused, as the audit log has them."""
    records = chain.records_after(chain.files_in(house / "audit"), 0)
    return [r.action for r in records if r.outcome == "refused"]


@pytest.mark.parametrize("keys", [("enter",), ("c",), ("y",)])
def test_keys_where_there_is_no_case(drive: Any, keys: tuple[str, ...]):
    async def story(it: Any) -> None:
        await it.until("No cases that somebody has to see to")
        await it.press(*keys)
        assert it.app.view.kind == "cases"

    drive(story, begin=("cases", ""))
