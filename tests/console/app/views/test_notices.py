from __future__ import annotations

from typing import Any


def test_notices_come_filter_and_open(drive: Any, notice_id: str):
    async def story(it: Any) -> None:
        await it.until("门户弱口令", "issued", "1-1 of 1")
        assert it.app.view.copied() == notice_id
        [told] = it.app.view.export_lines()()
        assert (told["id"], told["status"], told["overdue"]) == (notice_id, "issued", "")
        await it.press("slash")
        await it.type("no such words")
        await it.until("No notices that anybody has to see to")
        await it.press("slash")
        await it.type("门户 issued")
        await it.until("1-1 of 1")
        await it.press("z")
        await it.until("closed ones too")
        await it.press("L")
        await it.until("待签收", "整改期限")
        await it.press("enter")
        await it.until("通报详情", "弱口令三处", "整改要求")

    drive(story, begin=("notices", ""))


def test_a_liaison_sees_those_of_their_own_unit(drive: Any, staff: dict[str, str], notice_id: str):
    async def story(it: Any) -> None:
        await it.until("1-1 of 1")
        await it.app.run_action("log_in")
        await it.log_in(staff["other"])
        await it.until("qian (liaison)", "No notices that anybody has to see to")

    drive(story, begin=("notices", ""))
