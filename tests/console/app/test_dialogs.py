from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.events import Key

from alerts.workflow import Workflow
from console.app.dialogs import Login, LoginDialog, Work, WorkDialog


def answer(dialog: Any, keys: Sequence[str]) -> Any:
    """What a dialog gives when these keys are pressed."""
    given: list[Any] = []

    async def run() -> None:
        app: App[None] = App()
        async with app.run_test(size=(80, 30)) as pilot:
            await app.push_screen(dialog, given.append)
            await pilot.press(*keys)
            await pilot.pause()

    asyncio.run(run())
    return given


def test_log_in():
    assert answer(LoginDialog("en"), [*"li", "enter", *"pass", "enter"]) == [Login("li", "pass")]
    assert answer(LoginDialog("zh"), ["enter", *"li", "enter", "enter"]) == []  # both are needed
    assert answer(LoginDialog("en", "li"), [*"pass", "escape"]) == [None]


def test_log_in_typed_in_one_burst():
    """As a terminal gives what was pasted, or typed while it was busy: no key may reach the wrong line."""
    given: list[Any] = []

    async def run() -> None:
        app: App[None] = App()
        async with app.run_test(size=(80, 30)) as pilot:
            await app.push_screen(LoginDialog("en"), given.append)
            for key in [*"li", "enter", *"pass7", "enter"]:
                app.post_message(Key(key, key if len(key) == 1 else None))
            await pilot.pause()
            await pilot.pause()

    asyncio.run(run())
    assert given == [Login("li", "pass7")]


def test_work():
    before = Workflow("acknowledged", "li")
    assert answer(WorkDialog("en", before), ["down", "enter"]) == [Work(status="in_progress")]
    assert answer(WorkDialog("zh", before, "note"), [*"ok", "enter"]) == [Work(note="ok")]
    assert answer(WorkDialog("en", before), ["enter"]) == [None]  # nothing changes
    keys = ["tab", "end", "backspace", "backspace", "enter"]
    assert answer(WorkDialog("en", before), keys) == [Work(owner="")]
    assert answer(WorkDialog("en", before), ["escape"]) == [None]
