"""Every view in both languages, at several sizes: no line is wider or narrower than the terminal."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from console.app import registry
from console.text import width

ARGUMENTS = {"host": "10.20.1.10"}


@pytest.mark.parametrize(("speech", "size"), [("en", (120, 36)), ("zh", (81, 24)), ("zh", (40, 12))])
def test_views_fit_the_terminal_cell_for_cell(
    drive: Any, real_alerts: Any, speech: str, size: tuple[int, int]
):
    alert_id = str(real_alerts(1)[0]["event"]["id"])

    async def story(it: Any) -> None:
        for name in registry.VIEWS:
            it.app.show(name, alert_id if name == "alert" else ARGUMENTS.get(name, ""))
            await it.reached(lambda name=name: it.app.view.kind == name and it.app.view.is_mounted)
            await it.app.workers.wait_for_complete()
            await it.pilot.pause()
            lines = it.lines()
            assert len(lines) == size[1]
            for line in lines:
                assert width(line) == size[0], (name, line)
            title = it.app.tr(f"app_view.{name}")
            assert title in lines[1] or size[0] < 60, name
            await it.press("L")
            await it.reached(lambda: it.app.view.speech != speech)
            await it.pilot.pause()
            assert all(width(line) == size[0] for line in it.lines())
            await it.press("L")
            it.app.pop_screen()
            await it.pilot.pause()

    drive(story, speech=speech, size=size)


@pytest.mark.parametrize("name", registry.VIEWS)
def test_what_was_read_may_come_at_any_moment_of_a_view_s_end(drive: Any, real_alerts: Any, name: str):
    alert_id = str(real_alerts(1)[0]["event"]["id"])

    async def story(it: Any) -> None:
        it.app.show("status")
        await it.reached(lambda: it.app.view.kind == "status" and it.app.view.stands)
        it.app.show(name, alert_id if name == "alert" else ARGUMENTS.get(name, ""))
        await it.reached(lambda: it.app.view.kind == name and it.app.view.stands)
        await it.app.workers.wait_for_complete()
        view = it.app.view
        it.app.pop_screen()
        asked = 0
        while view.is_attached or view.children:
            view.retell()
            asked += 1
            await asyncio.sleep(0)
        assert asked > 1
        assert not view.stands

    drive(story, size=(100, 30))
