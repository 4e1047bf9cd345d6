from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from textual.app import App
from textual.containers import Vertical
from textual.events import Key

from alerts.workflow import Workflow
from console.app.asking import AskDialog, Choice, Field
from console.app.dialogs import LoginDialog, WorkDialog


def answer(asked: Sequence[Choice | Field], keys: Sequence[str], **more: str) -> list[Any]:
    given: list[Any] = []

    async def run() -> None:
        app: App[None] = App()
        async with app.run_test(size=(80, 30)) as pilot:
            await app.push_screen(AskDialog("en", "[b]Really?", asked, **more), given.append)
            await pilot.press(*keys)
            await pilot.pause()

    asyncio.run(run())
    return given


OUTCOME = Choice("outcome", (("yes", "Yes"), ("no", "No [red]")), "yes")


def test_what_was_chosen_and_typed():
    asked = (OUTCOME, Field("text", "text"))
    assert answer(asked, ["enter"], prose="[markup] is text") == [{"outcome": "yes", "text": ""}]
    assert answer(asked, ["down", "tab", *"why", "enter"]) == [{"outcome": "no", "text": "why"}]
    assert answer(asked, ["escape"]) == [None]
    assert answer(asked, [*"why", "enter"], focus="text") == [{"outcome": "yes", "text": "why"}]


def test_a_dialog_higher_than_the_terminal_scrolls_above_its_hint():
    async def run() -> list[str]:
        app: App[None] = App()
        app.animation_level = "none"
        async with app.run_test(size=(80, 16)) as pilot:
            asked = (OUTCOME, *(Field(f"field{i}", f"field {i}") for i in range(4)))
            await app.push_screen(AskDialog("en", "Why?", asked, prose="read this " * 30))
            seen = []
            for _ in asked:
                await pilot.pause()
                seen.append("\n".join(strip.text for strip in app.screen._compositor.render_strips()))
                await pilot.press("tab")
            return seen

    seen = asyncio.run(run())
    for what, screen in zip(("Yes", "field 0", "field 1", "field 2", "field 3"), seen, strict=True):
        assert what in screen
        assert "enter: store" in screen


def test_typed_in_one_burst():
    """As a terminal gives what is typed while it is busy."""
    given: list[Any] = []

    async def run() -> None:
        app: App[None] = App()
        async with app.run_test(size=(80, 30)) as pilot:
            await app.push_screen(AskDialog("en", "Why?", (OUTCOME, Field("text", "text"))), given.append)
            for key in ["end", "tab", *"whn", "backspace", "y", "shift+tab", "home", "down", "enter"]:
                app.post_message(Key(key, key if len(key) == 1 else None))
            await pilot.pause()
            await pilot.pause()

    asyncio.run(run())
    assert given == [{"outcome": "no", "text": "why"}]


def test_what_is_needed_is_asked_for_until_it_is_there():
    asked = (OUTCOME, Field("text", "reason", needed=True, unless=("yes",)))
    assert answer(asked, ["enter"]) == [{"outcome": "yes", "text": ""}]
    assert answer(asked, ["down", "enter"]) == []
    assert answer(asked, ["down", "enter", *"so", "enter"]) == [{"outcome": "no", "text": "so"}]


@pytest.mark.parametrize(
    "dialog",
    [AskDialog("en", "x", (OUTCOME,)), LoginDialog("en"), WorkDialog("en", Workflow())],
    ids=lambda dialog: type(dialog).__name__,
)
def test_a_dialog_is_a_box_in_the_middle(dialog: Any):
    async def run() -> tuple[int, int]:
        app: App[None] = App()
        async with app.run_test(size=(100, 30)) as pilot:
            await app.push_screen(dialog)
            await pilot.pause()
            box = dialog.query_one(Vertical).region
            return box.x, box.width

    assert asyncio.run(run()) == (18, 64)
