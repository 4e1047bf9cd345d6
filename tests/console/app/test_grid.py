"""A grid over a store of its own, and what it asks for while it is moved."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.app import App, ComposeResult

from console.app.grid import Entry, Grid
from console.app.paging import KEPT, PAGE
from console.display.table import Column

ROWS = 2345


class Host(App[None]):
    """Answers as a store would, at once."""

    def __init__(self, rows: int = ROWS) -> None:
        super().__init__()
        self.rows = rows
        self.asked = 0
        self.opened: list[int] = []

    def compose(self) -> ComposeResult:
        yield Grid(lambda language: [Column("号" if language == "zh" else "no"), Column("名", least=6)], "en")

    def on_mount(self) -> None:
        self.query_one(Grid).restart()

    def on_grid_wanted(self, event: Grid.Wanted) -> None:
        self.asked += 1
        first = int(event.ask.cursor or 0)
        stop = min(first + PAGE, self.rows)
        entries = [
            Entry({"n": n, "event": {"id": str(n)}}, lambda e, _: [str(e.document["n"]), "一城墙" * 60])
            for n in range(first, stop)
        ]
        event.grid.take(event.ask, entries, str(stop) if stop < self.rows else None)

    def on_grid_opened(self, event: Grid.Opened) -> None:
        self.opened.append(event.entry.document["n"])

    def shown(self) -> list[str]:
        return ["".join(s.text for s in strip) for strip in self.screen._compositor.render_strips()]


def play(story: Any, rows: int = ROWS) -> None:
    async def run() -> None:
        app = Host(rows)
        async with app.run_test(size=(60, 21)) as pilot:
            await pilot.pause()
            await story(app, pilot, app.query_one(Grid))

    asyncio.run(run())


def test_down_to_the_end_and_back_with_a_window_in_memory():
    async def story(app: Host, pilot: Any, grid: Grid) -> None:
        seen = 0
        while not (grid.window.complete and grid.cursor == ROWS - 1):
            await pilot.press("pagedown")
            assert grid.cursor > seen or grid.cursor == ROWS - 1
            seen = grid.cursor
            assert len(grid.window.rows) <= KEPT * PAGE
            assert grid.current is not None
            assert grid.current.document["n"] == grid.cursor
            assert grid.top <= grid.cursor < grid.top + grid.lines
        assert str(ROWS - 1) in app.shown()[-1]
        for _ in range(60):
            await pilot.press("pageup")
        assert grid.current is not None
        assert grid.current.document["n"] == grid.cursor < ROWS - 1 - 60 * 17
        await pilot.press("home")
        assert (grid.cursor, grid.top) == (0, 0)
        assert app.shown()[1].startswith(" 0 ")

    play(story)


def test_keys_rows_and_the_mouse():
    async def story(app: Host, pilot: Any, grid: Grid) -> None:
        await pilot.press("j", "j", "down", "k", "enter")
        assert app.opened == [2]
        await pilot.click(Grid, offset=(5, 8))
        assert grid.cursor == 7
        await pilot.click(Grid, offset=(5, 0))
        assert grid.cursor == 7
        await pilot.double_click(Grid, offset=(5, 3))
        assert app.opened == [2, 2]
        await pilot.press("end")
        assert grid.cursor == grid.window.stop - 1 or grid.cursor == PAGE - 1
        grid.restart(keep="42")
        await pilot.pause()
        assert grid.cursor == 42
        grid.restart(keep="nobody")
        await pilot.pause()
        assert grid.cursor == 0

    play(story)


def test_lines_are_as_wide_as_the_screen_whatever_stands_in_them():
    async def story(app: Host, pilot: Any, grid: Grid) -> None:
        from console.text import width

        assert all(width(line) == 60 for line in app.shown())
        assert app.shown()[0].startswith(" no ")
        grid.retell("zh")
        await pilot.pause()
        assert app.shown()[0].startswith(" 号 ")
        await pilot.resize_terminal(33, 9)
        assert all(width(line) == 33 for line in app.shown())
        assert "..." in app.shown()[3]

    play(story)


def test_nothing_there():
    async def story(app: Host, pilot: Any, grid: Grid) -> None:
        grid.empty = "Nothing."
        await pilot.press("down", "pagedown", "end", "home", "enter")
        grid.refresh()
        await pilot.pause()
        assert (grid.current, app.opened) == (None, [])
        assert app.shown()[1].strip() == "Nothing."

    play(story, rows=0)
