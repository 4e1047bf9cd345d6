from __future__ import annotations

from typing import Any


def test_a_notice_until_it_is_struck_off(drive: Any, staff: dict[str, str], notice_id: str):
    """通报—签收—整改—复测—销号, by the two who may."""

    async def story(it: Any) -> None:
        await it.until("What was found", "弱口令三处", "issued")
        assert it.app.view.copied() == notice_id
        await it.press("a")
        await it.log_in(staff["liaison"])
        await it.until("enter: store")
        await it.press("enter")
        await it.until("sun  acknowledged")
        await it.press("d")
        await it.until("enter: store")
        await it.press("enter")  # a text is needed
        await it.until("text")
        await it.type("三处口令均已修改")
        await it.until("sun  rectification  三处口令均已修改")
        await it.press("w")  # not theirs to say
        await it.until("enter: store")
        await it.press("tab")
        await it.type("ok")
        await it.until("the role does not allow it")
        await it.app.run_action("log_out")

    async def office(it: Any) -> None:
        await it.until("answered")
        await it.press("w")
        await it.log_in(staff["analyst"])
        await it.until("enter: store")
        await it.press("down", "tab")
        await it.type("仍有一处")
        await it.until("retest  retest failed  仍有一处")
        await it.press("v")
        await it.until("12 alerts")

    drive(story, begin=("notice", notice_id))
    drive(office, begin=("notice", notice_id))
