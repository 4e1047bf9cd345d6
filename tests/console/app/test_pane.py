from __future__ import annotations

import asyncio
from typing import Any

from textual.app import App, ComposeResult

from console.app.pane import Pane
from console.display.sheet import Section
from console.text import width


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield Pane()

    def shown(self) -> list[str]:
        return ["".join(s.text for s in strip) for strip in self.screen._compositor.render_strips()]


def test_prose_wraps_scrolls_and_follows_the_width():
    async def run() -> None:
        app = Host()
        async with app.run_test(size=(40, 8)) as pilot:
            pane: Any = app.query_one(Pane)
            pane.show([Section("标题", prose=["一城墙守望数字政府 " * 30])])
            await pilot.pause()
            assert app.shown()[0].strip().startswith("标题")
            assert all(width(line) == 40 for line in app.shown())
            before = len(pane.lines)
            await pilot.press("G")
            await pilot.pause()
            await pilot.wait_for_animation()
            assert pane.scroll_offset.y == before - 8
            await pilot.resize_terminal(100, 8)
            await pilot.pause()
            assert len(pane.lines) < before
            assert all(width(line) == 100 for line in app.shown())

    asyncio.run(run())
